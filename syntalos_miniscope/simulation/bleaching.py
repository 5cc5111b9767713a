"""Photobleaching: each cell fades by its own light and recovers by turnover (minisim, 2.5)."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.steps import Bleaching

Floats = NDArray[np.float64]


class Photobleaching:
    """`intact` (n,) is the share of each cell's indicator that is left, 1 at first; and its mean.

    `illumination` (n,) is the excitation where each cell rests, 1 in the middle of the field.
    """

    def __init__(self, step: Bleaching, fps: float, illumination: Floats) -> None:
        self._susceptibility = step.bleach_susceptibility / fps * step.excitation_intensity
        self._recovery = 1 / (step.turnover_tau_s * fps)
        self._illumination = illumination
        self.reset()

    def reset(self) -> None:
        """Make every cell fresh."""
        self.intact, self.mean_intact = np.ones(len(self._illumination)), 1.0

    def advance(self, emission: Floats, light: float) -> None:
        """Live through a frame of constant emission (n,), with the LED at `light` of its usual."""
        self.intact = self.intact.copy()
        self.mean_intact = _fade(
            self.intact, emission, self._illumination, self._susceptibility * light, self._recovery
        )


@kernel
def _fade(intact, emission, illumination, susceptibility, recovery):
    total = 0.0
    for i in range(len(intact)):
        rate = recovery + susceptibility * illumination[i] * max(emission[i], 0.0)
        rest = recovery / rate
        intact[i] = rest + (intact[i] - rest) * exp(-rate)
        total += intact[i]
    return total / len(intact) if len(intact) else 1.0
