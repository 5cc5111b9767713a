"""What goes wrong on the way from the sensor to the computer."""

from __future__ import annotations

from enum import StrEnum

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.extras import Faults
from syntalos_miniscope.simulation.noise import normal, uniform


class Fate(StrEnum):
    """What becomes of a frame."""

    SOUND = "sound"
    LOST = "lost"
    REPEATED = "repeated"
    """The frame before is shown again in its place."""


class FaultyLink:
    """Decides the fate of each frame by its number, so that it is the same in every run."""

    def __init__(self, faults: Faults, key: noise.Key) -> None:
        self.faults = faults
        self._key = key

    def warm_up(self) -> None:
        """Load what is compiled, so that the first frame does not wait for it."""
        self.fate(0)
        self.jitter_us(0, 1.0)

    def fate(self, index: int) -> Fate:
        """Give what becomes of a frame."""
        u = float(uniform(self._key, 2 * index))
        if u < self.faults.drop_share:
            return Fate.LOST
        repeated = u < self.faults.drop_share + self.faults.repeat_share
        return Fate.REPEATED if repeated and index > 0 else Fate.SOUND

    def jitter_us(self, index: int, interval_us: float) -> float:
        """Give the error of a time stamp; less than half an interval, so time never runs back."""
        error_us = self.faults.jitter_us * float(normal(self._key, 2 * index + 1))
        return min(max(error_us, -0.45 * interval_us), 0.45 * interval_us)

    def connected(self, time_us: float) -> bool:
        """Whether the cable is still in."""
        end_s = self.faults.disconnect_at_s
        return end_s is None or time_us < end_s * 1e6
