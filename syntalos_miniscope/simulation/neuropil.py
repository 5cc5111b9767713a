"""The haze between the cells: smooth fields that follow the population and drift (minisim, 2.9)."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.canvas import Canvas
from syntalos_miniscope.simulation.drift import Drift
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.pyramid import (
    PAD,
    Image,
    Pyramid,
    blur_to_level,
    enlarge,
    level_for,
    level_shape,
)
from syntalos_miniscope.simulation.steps import Neuropil

Floats = NDArray[np.float64]

# Minisim's: log-normal drift of mean 1.
_DRIFT_SD = 0.4


class Haze:
    """`temporal` (K,) and `population` are the envelopes of the frame advanced to last.

    What the population does is divided by its long-run mean, `mean_activity`, so that the mean
    envelope is 1; None if there are no traces, and the haze only drifts.
    """

    def __init__(
        self,
        step: Neuropil,
        canvas: Canvas,
        fps: float,
        key: noise.Key,
        mean_activity: float | None,
    ) -> None:
        self.step = step
        self.canvas = canvas
        self.coupling = step.population_coupling if mean_activity else 0.0
        self._mean_activity = mean_activity or 1.0
        sigma_px = step.spatial_sigma_um / canvas.pixel_um
        self.level = level_for(sigma_px)
        self.fields = _fields(
            noise.keys(noise.branch(key, -1), step.n_components), canvas, sigma_px, self.level
        )
        self._drift = Drift(step.n_components, step.temporal_tau_s, fps, key)
        self._population_memory = exp(-1 / (step.population_tau_s * fps))
        self.reset()

    def reset(self) -> None:
        """Go back to before frame 0."""
        self._drift.reset()
        self._smoothed: float | None = None
        self.temporal = np.zeros(self.step.n_components)
        self.population = 0.0

    def advance(self, frame: int, activity: float, intact: float) -> None:
        """Live through a frame: `activity` is the sum of all traces, `intact` not yet bleached."""
        if self._smoothed is None:
            self._smoothed = activity
        else:
            a = self._population_memory
            self._smoothed = a * self._smoothed + (1 - a) * activity
        self._drift.advance(frame)
        self.population = self._smoothed / self._mean_activity
        drift = np.exp(_DRIFT_SD * self._drift.values - _DRIFT_SD**2 / 2)
        own, shared = 1 - self.coupling, self.coupling * self.population
        self.temporal = (own * drift + shared) * intact

    def add(self, pyramid: Pyramid) -> None:
        """Add the haze of the present frame."""
        shares = (self.step.amplitude / len(self.fields)) * self.temporal
        _add_fields(pyramid.level(self.level), self.fields, shares.astype(np.float32))

    def spatial(self) -> Floats:
        """Give the fields over the field of view (K, H, W)."""
        return np.array([_whole(field, self.level, self.canvas) for field in self.fields])[
            :, *self.canvas.fov
        ].astype(np.float64)


def _fields(
    keys: NDArray[np.uint64], canvas: Canvas, sigma_px: float, level: int
) -> NDArray[np.float32]:
    height, width = canvas.shape
    fields: list[Image] = []
    means: list[float] = []
    for key in keys:
        white = noise.normals(key, height * width).astype(np.float32)
        field = blur_to_level(white.reshape(height, width), sigma_px, level)
        whole = _whole(field, level, canvas)
        low, high = float(whole.min()), float(whole.max())
        fields.append(((field - low) / max(high - low, 1e-12)).astype(np.float32))
        means.append((float(whole.mean(dtype=np.float64)) - low) / max(high - low, 1e-12))
    mean = sum(means) / len(means)
    # A canvas of one pixel has no more and less.
    scales = [mean / own if own > 0 else 1.0 for own in means]
    return np.array([f * scale for f, scale in zip(fields, scales, strict=True)], np.float32)


def _whole(field: Image, level: int, canvas: Canvas) -> Image:
    while level > 0:
        finer = np.zeros(level_shape(canvas.shape, level - 1), np.float32)
        enlarge(field, finer, PAD if level > 1 else 0)
        field, level = finer, level - 1
    return field


@kernel
def _add_fields(to, fields, shares):
    for k in range(len(shares)):
        for r in range(to.shape[0]):
            for c in range(to.shape[1]):
                to[r, c] += shares[k] * fields[k, r, c]
