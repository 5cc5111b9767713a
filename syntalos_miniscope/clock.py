"""The run clock, integer microseconds since the common start, and other clocks brought onto it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np


class RunClock:
    """Microseconds since `start`, the same for every box of a run.

    Time stands at 0 until `start` is called. `now_ns` is what the clock counts with, by default
    the host's monotonic clock, so that a wall clock that jumps moves no frame.
    """

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._zero_ns: int | None = None

    def start(self, at_ns: int | None = None) -> None:
        """Make this moment t = 0, or another one that was read from the same monotonic clock."""
        self._zero_ns = self._now_ns() if at_ns is None else at_ns

    @property
    def zero_ns(self) -> int:
        """The moment of t = 0 on the monotonic clock; 0 before the start."""
        return self._zero_ns or 0

    def now_us(self) -> int:
        """Give the time since the start."""
        return 0 if self._zero_ns is None else self.at_us(self._now_ns())

    def at_us(self, monotonic_ns: int) -> int:
        """Give the run time of a moment that was read from the same monotonic clock."""
        return 0 if self._zero_ns is None else (monotonic_ns - self._zero_ns) // 1000


class ClockSynchronizer:
    """Brings the times of a device's own clock onto the run clock, without a step backwards.

    Times of arrival jitter with the host's load; those of a device do not, but drift. While the
    offset between the two strays less than half a period nothing is changed; beyond that the time
    is taken from the device, its offset moved in small steps. The method and its constants are
    those of Syntalos's SecondaryClockSynchronizer (`timesync.cpp`, 3.1) with its strategy for
    Miniscopes, which only ever moves times forward. It calibrates for the first 2 N samples, some
    47 s at 30 Hz, and changes nothing before.
    """

    def __init__(self, frequency_hz: float) -> None:
        f = frequency_hz
        points = math.ceil((f + 1 / (0.01 + (f / 250) ** 2)) * 10)
        self.calibration_points = max(min(points, round(90 * f)), 46)
        self.tolerance_us = 1e6 / f / 2
        self.expected_offset_us: int | None = None
        """Device time minus run time once it is calibrated, µs."""
        self.correction_us = 0
        self._ring = np.zeros(self.calibration_points, np.int64)
        self._seen = 0
        self._wait = 0
        self._spread_us = 0.0
        self._last = (0, 0)

    def correct(self, run_us: int, device_us: int) -> int:
        """Give the run time of a sample that arrived at `run_us` with the stamp `device_us`."""
        offset = device_us - run_us
        average = int(int(self._ring.sum()) / self.calibration_points)
        self._ring[self._seen % self.calibration_points] = offset
        self._seen += 1
        self._wait = max(self._wait - 1, 0)
        last_run, _ = self._last
        if self.expected_offset_us is None:
            self._calibrate()
            corrected = max(run_us, last_run + 1) if self._seen > 1 else run_us
        else:
            corrected = self._corrected(run_us, device_us, average)
        self._last = (corrected, device_us)
        return corrected

    def _calibrate(self) -> None:
        if self._seen >= 2 * self.calibration_points:
            self._spread_us = float(self._ring.std())
            self.expected_offset_us = int(np.median(self._ring))

    def _corrected(self, run_us: int, device_us: int, average: int) -> int:
        last_run, last_device = self._last
        assert self.expected_offset_us is not None
        deviation = average - self.expected_offset_us
        stray = abs(average - (device_us - run_us))
        if stray > self._spread_us:
            variance = float(np.mean((self._ring - average).astype(np.float64) ** 2))
            if stray**2 > 4 * variance:
                # A fluke of the host: go on by the device's own step.
                time_us = last_run + device_us - last_device
                return time_us if time_us > last_run else last_run + 1
        if abs(deviation) < self.tolerance_us:
            if self.correction_us:
                relaxed = math.ceil(self.correction_us / 1.25)
                self.correction_us = 0 if abs(deviation) < self.tolerance_us / 3 else relaxed
            return max(self._applied(run_us, device_us), last_run + 1)
        if self._wait == 0 and abs(deviation - self.correction_us) > self.tolerance_us / 1.5:
            self._step(deviation, device_us - last_device)
        return max(self._applied(run_us, device_us), last_run + 1)

    def _step(self, deviation: int, gap_us: int) -> None:
        """Move the correction towards the deviation, the slower the shorter the gap."""
        missing = deviation - self.correction_us
        ease = (math.log(max(gap_us, 0) + 1) / math.log(1_000_001)) ** 0.117
        divisor = 1000 * (1 - ease) + 1
        if divisor >= abs(missing):
            divisor = abs(missing) / 4
        self.correction_us += math.ceil(missing / max(divisor, 1))
        if abs(self.correction_us) > 1:
            self._wait = math.ceil(0.65 * self.calibration_points)

    def _applied(self, run_us: int, device_us: int) -> int:
        if self.correction_us >= 0 or self.expected_offset_us is None:
            return run_us
        return device_us - self.expected_offset_us - self.correction_us
