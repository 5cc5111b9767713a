"""What belongs to the scope and never moves: uneven light in, uneven light out, stray light."""

from __future__ import annotations

from math import hypot

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation.acquisition import Acquisition
from syntalos_miniscope.simulation.steps import IlluminationProfile, Leakage, Vignette

Floats = NDArray[np.float64]


def falloff_field(step: IlluminationProfile | Vignette, acquisition: Acquisition) -> Floats:
    """Give the share of light (H, W): 1 at the centre, `falloff` in the farthest corner."""
    away_px, farthest_px = _distance_px(acquisition, step.center_offset_um)
    if farthest_px == 0:
        return np.ones(acquisition.shape)
    return 1 - (1 - step.falloff) * (away_px / farthest_px) ** step.exponent


def leakage_field(step: Leakage, acquisition: Acquisition) -> Floats:
    """Give the stray light (H, W) in intensity units."""
    if step.profile == "uniform":
        return np.full(acquisition.shape, step.level)
    sigma_um = step.sigma_um or min(acquisition.fov_um) / 4
    away_px, _ = _distance_px(acquisition, (0.0, 0.0))
    away_um = away_px * acquisition.pixel_size_um
    return step.level * np.exp(-(away_um**2) / (2 * sigma_um**2))


def _distance_px(acquisition: Acquisition, offset_um: tuple[float, float]) -> tuple[Floats, float]:
    height, width = acquisition.shape
    row, column = acquisition.um_to_index(*offset_um, acquisition.shape)
    rows, columns = np.arange(height) - row, np.arange(width) - column
    corners = [hypot(y, x) for y in (rows[0], rows[-1]) for x in (columns[0], columns[-1])]
    return np.hypot(rows[:, None], columns[None, :]), max(corners)
