"""The time a virtual Miniscope lives in: the host's for people, a stepped one for tests."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Something that tells the time and can wait."""

    def now_ns(self) -> int:
        """Give the time, nanoseconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class RealClock:
    """The host's monotonic clock."""

    def now_ns(self) -> int:
        """Give the host's monotonic time."""
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(seconds, 0.0))


class VirtualClock:
    """A clock that moves only when somebody sleeps, and then at once."""

    def __init__(self, start_ns: int = 1_000_000_000) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Give the time that has been slept so far."""
        return self._now_ns

    def sleep(self, seconds: float) -> None:
        """Step forward."""
        self._now_ns += max(round(seconds * 1e9), 0)
