"""Kinds of scopes as data: what to send at the start, and what each control sends."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

PLACEHOLDERS = {
    "v": lambda v, w: v & 0xFF,
    "l": lambda v, w: v & 0xFF,
    "h": lambda v, w: v >> 8 & 0xFF,
    "h16": lambda v, w: v >> 16 & 0xFF,
    "h24": lambda v, w: v >> 24 & 0xFF,
    "v2": lambda v, w: w & 0xFF,
    "l2": lambda v, w: w & 0xFF,
    "h2": lambda v, w: w >> 8 & 0xFF,
}
"""What stands in a template for the bytes of a control's code, and of its second one."""

Template = tuple[int | str, ...]
"""A packet in which some bytes are placeholders."""


@dataclass(frozen=True, slots=True)
class Command:
    """One packet to send, and what it is about.

    `key` is the packet without its changing bytes: of two waiting commands with the same key only
    the later one matters. Address and register alone would not do, as gain and frame rate share
    them.
    """

    key: Template
    packet: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A control that has one of a few named positions."""

    names: tuple[str, ...]
    shown: tuple[float, ...]
    codes: tuple[tuple[int, int], ...]
    start: int
    send: tuple[Template, ...]

    def commands(self, position: int) -> list[Command]:
        """Give what to send for a position, counted from 0."""
        return _fill(self.send, *self.codes[position])

    def nearest(self, shown: float) -> int:
        """Give the position whose shown value is nearest."""
        return min(range(len(self.shown)), key=lambda at: abs(self.shown[at] - shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """A control with a range: code = trunc(shown * scale - offset) << shift."""

    minimum: float
    maximum: float
    scale: Fraction
    offset: Fraction
    shift: int
    send: tuple[Template, ...]

    def code(self, shown: float) -> int:
        """Give the device's number for a shown value; computed exactly, then truncated.

        Binary floating point leaves 2.8e-14 where 255 - 2.55 * 100 should be 0.
        """
        return int(Fraction(str(shown)) * self.scale - self.offset) << self.shift

    def commands(self, code: int) -> list[Command]:
        """Give what to send for a code."""
        return _fill(self.send, code, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceType:
    """One kind of scope."""

    name: str
    sensor: str
    width: int
    height: int
    pixel_clock_mhz: float
    orientation: bool
    """Whether it carries an orientation sensor."""
    init: tuple[bytes, ...]
    """What follows the two packets that set the link, in order."""
    choices: Mapping[str, Choice]
    sliders: Mapping[str, Slider]

    def frame_rate_hz(self, position: int) -> float:
        """Give the rate at which frames really come at a position of `frameRate`.

        The PYTHON480 counts exposure in units of 167 clocks of its 16.6 MHz, 10.06 µs, so "30FPS"
        is 30.12 Hz. For the other sensors only the nominal rate is known.
        """
        choice = self.choices.get("frameRate")
        if choice is None:
            return 30.0
        if self.sensor == "PYTHON480":
            return 1e6 / (10.06 * choice.codes[position][0])
        return float(choice.shown[position])

    def dark_commands(self) -> list[Command]:
        """Give what to send so that every light source of the scope is off."""
        commands: list[Command] = []
        for name in ("led0", "led1"):
            slider = self.sliders.get(name)
            if slider is not None:
                commands += slider.commands(slider.code(slider.minimum))
        return commands


@cache
def shipped_types() -> Mapping[str, DeviceType]:
    """Give the kinds of scopes that this package knows, by name."""
    text = files("syntalos_miniscope.miniscope").joinpath("device_types.toml").read_text("utf-8")
    table = tomllib.loads(text)
    return {name: make_type(name, _inherited(table, name)) for name in table}


def device_type(name: str, known: Mapping[str, DeviceType] | None = None) -> DeviceType:
    """Give a kind of scope, out of the shipped ones if no others are given.

    ValueError that lists the known ones for another name.
    """
    known = shipped_types() if known is None else known
    if name not in known:
        raise ValueError(f"no device type '{name}'; there are {', '.join(sorted(known))}")
    return known[name]


def make_type(name: str, entry: Mapping[str, Any]) -> DeviceType:
    """Make one kind of scope of a table in the format of `device_types.toml`."""
    controls = {key: _control(control) for key, control in entry["controls"].items()}
    packets = [*entry["init"], *entry.get("init_then", ())]
    return DeviceType(
        name=name,
        sensor=entry["sensor"],
        width=entry["width"],
        height=entry["height"],
        pixel_clock_mhz=entry["pixel_clock_mhz"],
        orientation=entry["orientation"],
        init=tuple(bytes.fromhex(packet) for packet in packets),
        choices={key: item for key, item in controls.items() if isinstance(item, Choice)},
        sliders={key: item for key, item in controls.items() if isinstance(item, Slider)},
    )


def _control(entry: Mapping[str, Any]) -> Choice | Slider:
    send = tuple(_template(text) for text in entry["send"])
    if "values" not in entry:
        return Slider(
            minimum=entry["minimum"],
            maximum=entry["maximum"],
            scale=Fraction(str(entry.get("scale", 1))),
            offset=Fraction(str(entry.get("offset", 0))),
            shift=entry.get("shift", 0),
            send=send,
        )
    names: Sequence[str] = entry["names"]
    second: Sequence[int] = entry.get("values2") or [0] * len(names)
    return Choice(
        names=tuple(names),
        shown=tuple(float(value) for value in entry["shown"]),
        codes=tuple(zip(entry["values"], second, strict=True)),
        start=names.index(entry["start"]),
        send=send,
    )


def _inherited(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    entry: dict[str, Any] = dict(table[name])
    if "like" not in entry:
        return entry
    parent = _inherited(table, entry["like"])
    return {
        **parent,
        **entry,
        "controls": {**parent["controls"], **entry.get("controls", {})},
    }


def _template(text: str) -> Template:
    return tuple(part if part in PLACEHOLDERS else int(part, 16) for part in text.split())


def _fill(send: Sequence[Template], code: int, second: int) -> list[Command]:
    return [
        Command(
            template,
            bytes(
                PLACEHOLDERS[part](code, second) if isinstance(part, str) else part
                for part in template
            ),
        )
        for template in send
    ]
