"""Reads a user's own `videoDevices.json` of the official Miniscope software.

The format is Miniscope-DAQ-QT-Software's: numbers are integers or strings in decimal, `0x` or
`0b`, data bytes may be placeholders, and the public files carry typos, which are warned about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from syntalos_miniscope.miniscope.device_types import DeviceType, make_type, shipped_types

_PLACEHOLDERS = {
    "value": "v",
    "valueL": "l",
    "valueH": "h",
    "valueH16": "h16",
    "valueH24": "h24",
    "value2": "v2",
    "value2L": "l2",
    "value2H": "h2",
}
_SER_ADDRESS = "07 07 B0"


class VideoDevices(NamedTuple):
    """The kinds of scopes of a file, and sentences about what is odd in it."""

    types: Mapping[str, DeviceType]
    warnings: list[str]


def read_video_devices(path: Path) -> VideoDevices:
    """Read the scopes of a file; webcams, which have no `initialize`, are passed over.

    ValueError, with the file and the entry, for what cannot be read.
    """
    try:
        table = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    if not isinstance(table, dict):
        raise ValueError(f"{path}: should be an object that maps device types to their tables")
    warnings: list[str] = []
    types: dict[str, DeviceType] = {}
    for name, entry in table.items():
        if not (isinstance(entry, dict) and "initialize" in entry):
            continue
        try:
            types[name] = make_type(name, _entry(name, entry, warnings))
        except KeyError as error:
            raise ValueError(f"{path}: {name}: {error.args[0]} is missing") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path}: {name}: {error}") from error
    return VideoDevices(types, warnings)


def known_types(path: str) -> Mapping[str, DeviceType]:
    """Give the kinds of scopes of a user's file, or the shipped ones if `path` is empty."""
    return read_video_devices(Path(path).expanduser()).types if path else shipped_types()


def _entry(name: str, entry: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    return {
        "sensor": entry["sensor"],
        "width": int(entry["width"]),
        "height": int(entry["height"]),
        "pixel_clock_mhz": float(entry["pixelClock"]),
        "orientation": bool(entry["headOrientation"]),
        "init": [_packet(name, command, warnings) for command in entry["initialize"]],
        "controls": {
            key: _control(f"{name}.{key}", control, warnings)
            for key, control in entry["controlSettings"].items()
            if control.get("sendCommand")
        },
    }


def _control(where: str, control: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    send = [_packet(where, command, warnings) for command in control["sendCommand"]]
    if "outputValues" not in control:
        return {
            "minimum": control["min"],
            "maximum": control["max"],
            "scale": control.get("displayValueScale", 1),
            "offset": control.get("displayValueOffset", 0),
            "shift": int(control.get("displayValueBitShift", 0)),
            "send": send,
        }
    names = [str(name) for name in control["displaySpinBoxValues"]]
    start = str(control.get("startValue", names[0]))
    if start not in names:
        warnings.append(f"{where}: startValue '{start}' is none of {', '.join(names)}")
        start = names[-1]
    return {
        "names": names,
        "shown": control["displayTextValues"],
        "values": [_number(value) for value in control["outputValues"]],
        "values2": [_number(value) for value in control.get("outputValues2", ())],
        "start": start,
        "send": send,
    }


def _packet(where: str, command: Mapping[str, Any], warnings: list[str]) -> str:
    protocol = command["protocol"]
    if protocol != "I2C":
        raise ValueError(f"protocol '{protocol}' is unknown; only I2C is")
    parts = [command["addressW"]]
    parts += [command[f"reg{at}"] for at in range(_number(command["regLength"]))]
    parts += [command[f"data{at}"] for at in range(_number(command["dataLength"]))]
    packet = " ".join(_part(where, part, warnings) for part in parts)
    if packet == _SER_ADDRESS:
        warnings.append(f"{where}: 'addressW' 0x07 in '{packet}' is a known typo for 0xC0")
        packet = "C0 07 B0"
    elif int(packet.split()[0], 16) & 1:
        raise ValueError(f"addressW 0x{packet[:2]} is no 8-bit write address: those are even")
    return packet


def _part(where: str, part: Any, warnings: list[str]) -> str:
    if part in _PLACEHOLDERS:
        return _PLACEHOLDERS[part]
    number = _number(part)
    if not 0 <= number <= 0xFF:
        warnings.append(f"{where}: {part} is more than a byte; its low eight bits are sent")
    return f"{number & 0xFF:02X}"


def _number(value: Any) -> int:
    return int(value, 0) if isinstance(value, str) else int(value)
