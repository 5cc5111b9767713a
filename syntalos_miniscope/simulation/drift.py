"""Slow random drift about a mean: the Ornstein-Uhlenbeck process, of unit variance."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise


class Drift:
    """`values` (n,) of independent drifts, correlated over `tau_s`; `advance` once per frame."""

    def __init__(self, n: int, tau_s: float, fps: float, key: noise.Key) -> None:
        self._keys = noise.keys(key, n)
        self._memory = exp(-1 / (tau_s * fps))
        self._kick = sqrt(1 - self._memory**2)
        self.reset()

    def reset(self) -> None:
        """Go back to frame 0."""
        self.values: NDArray[np.float64] = noise.each_normal(self._keys, 0)

    def advance(self, frame: int) -> None:
        """Go on to a frame; frame 0 changes nothing."""
        if frame > 0:
            kick = noise.each_normal(self._keys, frame)
            self.values = self._memory * self.values + self._kick * kick
