"""What a scope tells beside its frames."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for a person."""

    text: str


@dataclass(frozen=True, slots=True)
class ControlChange:
    """One control that was turned, as a row of `ctlvalue-changes.csv`."""

    time_us: int
    control: str
    shown: str
    code: int


@dataclass(frozen=True, slots=True)
class SyncPoint:
    """All that is known about when a frame was: enough to correct its time afterwards.

    `first_us` is when its first bytes reached the host and `end_us` when it was whole, both run
    time; `device_us` is the device's own time, if its firmware tells one.
    """

    index: int
    time_us: int
    first_us: int
    end_us: int
    device_us: int | None


Event = Note | ControlChange | SyncPoint
