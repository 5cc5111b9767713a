"""Where traces rest, followed while they come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PERCENT, SAMPLES, EVERY = 20, 128, 8
"""The baseline is this percentile of the last so many values, one of every so many samples."""


class Baseline:
    """What each of many traces gives in its dimmest moments.

    In the beginning every sample counts, then half of them, and so on until `EVERY`: so the level
    is there at once, and later stands for 1024 samples.
    """

    def __init__(self, count: int) -> None:
        self.level = np.zeros(count, np.float32)
        """(trace,): the baseline of what has been added."""
        self._kept = np.zeros((SAMPLES, count), np.float32)
        self._samples = self._used = 0
        self._every = 1

    def add(self, sample: NDArray[Any]) -> None:
        """Take (trace,)."""
        if self._samples % self._every == 0:
            kept = self._kept
            kept[self._used % len(kept)] = sample
            self._used += 1
            filled = kept[: min(self._used, len(kept))]
            rank = len(filled) * PERCENT // 100
            self.level = np.partition(filled, rank, axis=0)[rank]
            if self._used == len(kept) and self._every < EVERY:
                kept[: len(kept) // 2] = kept[::2].copy()
                self._used //= 2
                self._every *= 2
        self._samples += 1
