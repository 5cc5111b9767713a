"""What can go wrong, as a list that a test or a command line switches on."""

from __future__ import annotations

from dataclasses import dataclass

FAULTS: dict[str, tuple[float, str]] = {
    "drop": (1, "frames are counted by the DAQ but never reach the host"),
    "torn": (1, "frames end after half of their payloads"),
    "stall": (1, "the bulk endpoint stalls until it is cleared"),
    "unplug": (2, "seconds off the bus; then a new device number and every register reset"),
    "freeze": (0, "control reads give what they gave before; seconds, 0 for ever"),
    "bno-zero": (0, "the orientation sensor gives zeros until it is set up again"),
    "bno-norm": (1, "seconds of quaternions that are too long"),
    "counter": (65500, "the frame counter stands at this number"),
    "duplicate": (1, "frames that do not advance the frame counter"),
    "latency": (100, "milliseconds that the next request takes"),
    "silence": (0.5, "seconds without data from the sensor; after 0.4 the DAQ resets its stream"),
    "trigger": (1, "level of the external trigger input"),
}
"""The faults: what the number behind `=` means, and its usual value."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and when it comes, seconds after the device was made."""

    name: str
    value: float
    at_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a name that is none."""
        if self.name not in FAULTS:
            raise ValueError(f"no fault '{self.name}'; there are {', '.join(FAULTS)}")


def parse_fault(text: str) -> Fault:
    """Read `name[=value][@seconds]`, such as `drop=3@5`; ValueError says what would be right."""
    head, _, at = text.partition("@")
    name, _, value = head.partition("=")
    if name not in FAULTS:
        raise ValueError(f"no fault '{name}'; there are {', '.join(FAULTS)}")
    try:
        return Fault(name, float(value) if value else FAULTS[name][0], float(at) if at else 0.0)
    except ValueError as error:
        raise ValueError(f"fault '{text}' should look like {name}=3@5") from error
