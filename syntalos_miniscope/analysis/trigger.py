"""When something is worth a command: a value that crosses a level, a burst of events."""

from __future__ import annotations

from collections import deque
from typing import Literal

Direction = Literal["rises above", "falls below"]


class Crossing:
    """Fires when a value crosses a level, and again once it has gone back by `hysteresis`.

    A value that lies beyond the level from the beginning has not crossed it. NaN is no value.
    """

    def __init__(self, level: float, direction: Direction, hysteresis: float = 0.0) -> None:
        self._sign = 1.0 if direction == "rises above" else -1.0
        self._level = self._sign * level
        self._back = self._level - hysteresis
        self._armed = False

    def __call__(self, value: float) -> bool:
        """Take the next value; True if it is the one that has crossed."""
        signed = self._sign * value
        if self._armed and signed > self._level:
            self._armed = False
            return True
        self._armed |= signed <= self._back
        return False


class Burst:
    """Fires when so many events have come within a time; they then count no more."""

    def __init__(self, events: int, within_us: int) -> None:
        self._events = events
        self._within_us = within_us
        self._times_us: deque[int] = deque(maxlen=events)

    def __call__(self, time_us: int) -> bool:
        """Take the next event; True if it makes the burst whole."""
        self._times_us.append(time_us)
        whole = len(self._times_us) == self._events
        if whole and time_us - self._times_us[0] <= self._within_us:
            self._times_us.clear()
            return True
        return False
