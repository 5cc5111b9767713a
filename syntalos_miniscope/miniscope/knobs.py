"""The knobs of a scope: what was asked for, what the device was told, and what changed when."""

from __future__ import annotations

from dataclasses import dataclass, field

from syntalos_miniscope.miniscope.device_types import Command, DeviceType
from syntalos_miniscope.miniscope.events import ControlChange
from syntalos_miniscope.scope import ScopeSettings

_GAIN_ORDER = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Turn:
    """What comes of turning knobs: what to send, and what changed at that time."""

    time_us: int
    commands: list[Command] = field(default_factory=list[Command])
    changes: list[ControlChange] = field(default_factory=list[ControlChange])


class Knobs:
    """Turns settings into commands for one kind of scope, and remembers them.

    They begin at the kind's own frame rate and gain, in focus and dark; what a kind does not have
    is left alone.
    """

    def __init__(self, kind: DeviceType) -> None:
        self._kind = kind
        self._codes: dict[str, int] = {}
        self._positions: dict[str, int] = {
            name: choice.start for name, choice in kind.choices.items()
        }
        self._sent: dict[str, list[Command]] = {}
        self._leds_percent: dict[str, float] = {}

    @property
    def led_percent(self) -> float:
        """How bright the brightest LED is set."""
        return max(self._leds_percent.values(), default=0.0)

    @property
    def frame_rate_hz(self) -> float:
        """The true frame rate."""
        return self._kind.frame_rate_hz(self._positions.get("frameRate", 0))

    def commands(self) -> list[Command]:
        """Give all that was asked for, to be sent again."""
        return [command for sent in self._sent.values() for command in sent]

    def turn(self, settings: ScopeSettings, time_us: int, led_step: int | None = None) -> Turn:
        """Turn to what settings say; ValueError for a frame rate that there is not.

        `led_step`, one of the 256 of the LED's driver with 0 being off, goes before the percent.
        """
        turn = Turn(time_us)
        rate = self._rate_position(settings.frame_rate_hz)
        if rate is not None:
            self._choose(turn, "frameRate", rate)
        gain = self._kind.choices.get("gain")
        if gain is not None:
            # Scopes with more than three positions use the first, the middle and the last.
            position = _GAIN_ORDER.index(settings.gain) * (len(gain.names) - 1) // 2
            self._choose(turn, "gain", position)
        if "ewl" in self._kind.sliders:
            code = self._kind.sliders["ewl"].code(settings.ewl)
            self._slide(turn, "ewl", code, str(settings.ewl))
        if led_step is None:
            self._turn_led(turn, "led0", settings.led_percent)
        else:
            self._step_led(turn, led_step)
        return turn

    def turn_second_led(self, percent: float, time_us: int) -> Turn:
        """Turn the second LED of a two-colour scope; ValueError if there is none."""
        if "led1" not in self._kind.sliders:
            raise ValueError(f"a {self._kind.name} has one LED only")
        turn = Turn(time_us)
        self._turn_led(turn, "led1", percent)
        return turn

    def _step_led(self, turn: Turn, step: int) -> None:
        if not 0 <= step <= 255:
            raise ValueError(f"an LED step is 0 to 255, not {step}")
        led = self._kind.sliders["led0"]
        dark, full = led.code(led.minimum), led.code(led.maximum)
        code = dark - step if full < dark else min(dark + step, full)
        self._slide(turn, "led0", code, f"{step}/255")
        self._leds_percent["led0"] = step / 255 * 100

    def _turn_led(self, turn: Turn, name: str, percent: float) -> None:
        led = self._kind.sliders.get(name)
        if led is not None:
            self._slide(turn, name, led.code(percent * led.maximum / 100), f"{percent:g}")
            self._leds_percent[name] = percent

    def _rate_position(self, rate_hz: float) -> int | None:
        choice = self._kind.choices.get("frameRate")
        if choice is None:
            return None
        position = choice.nearest(rate_hz)
        true = self._kind.frame_rate_hz(position)
        if rate_hz != choice.shown[position] and abs(true - rate_hz) > 0.01 * rate_hz:
            rates = ", ".join(f"{rate:g}" for rate in choice.shown)
            raise ValueError(f"this scope has {rates} frames a second; {rate_hz:g} is none of them")
        return position

    def _choose(self, turn: Turn, name: str, position: int) -> None:
        choice = self._kind.choices[name]
        code, _ = choice.codes[position]
        self._positions[name] = position
        self._set(turn, name, code, f"{choice.shown[position]:g}", choice.commands(position))

    def _slide(self, turn: Turn, name: str, code: int, shown: str) -> None:
        self._set(turn, name, code, shown, self._kind.sliders[name].commands(code))

    def _set(self, turn: Turn, name: str, code: int, shown: str, send: list[Command]) -> None:
        """Send and log what is not so already."""
        if self._codes.get(name) != code:
            self._codes[name] = code
            self._sent[name] = send
            turn.commands.extend(send)
            turn.changes.append(ControlChange(turn.time_us, name, shown, code))
