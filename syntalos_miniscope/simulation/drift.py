"""Slow random drift about a mean: the Ornstein-Uhlenbeck process, of unit variance."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.noise import normal


class Drift:
    """`values` (n,) of independent drifts, correlated over `tau_s`; `advance` once per frame."""

    def __init__(self, n: int, tau_s: float, fps: float, key: noise.Key) -> None:
        self._keys = noise.keys(key, n)
        self._memory = exp(-1 / (tau_s * fps))
        self.reset()

    def reset(self) -> None:
        """Go back to frame 0."""
        self.values: NDArray[np.float64] = noise.each_normal(self._keys, 0)

    def advance(self, frame: int) -> None:
        """Go on to a frame; frame 0 changes nothing."""
        if frame > 0:
            self.values = _wandered(self.values, self._keys, frame, self._memory)


@kernel
def _wandered(values, keys, frame, memory):
    new, kick = np.empty(len(values)), sqrt(1 - memory**2)
    for i in range(len(values)):
        new[i] = memory * values[i] + kick * normal(keys[i], frame)
    return new
