"""The run clock: integer microseconds since the common start of a run."""

from __future__ import annotations

import time
from collections.abc import Callable


class RunClock:
    """Microseconds since `start`, the same for every box of a run.

    Time stands at 0 until `start` is called. `now_ns` is what the clock counts with, by default
    the host's monotonic clock, so that a wall clock that jumps moves no frame.
    """

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._zero_ns: int | None = None

    def start(self) -> None:
        """Make this moment t = 0."""
        self._zero_ns = self._now_ns()

    def now_us(self) -> int:
        """Give the time since the start."""
        return 0 if self._zero_ns is None else self.at_us(self._now_ns())

    def at_us(self, monotonic_ns: int) -> int:
        """Give the run time of a moment that was read from the same monotonic clock."""
        return 0 if self._zero_ns is None else (monotonic_ns - self._zero_ns) // 1000
