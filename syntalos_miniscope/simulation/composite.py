"""Cells into a picture: each blurred footprint times its light, added up."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from syntalos_miniscope.recording.truth import Footprints
from syntalos_miniscope.simulation.pyramid import (
    LANES,
    PAD,
    TRUNCATE,
    Patches,
    Pyramid,
    gaussian_taps,
    level_for,
    level_shape,
)

SKIRT = 1e-3
"""Weights below this share of a footprint's peak are left out, and with them as much light."""

_MOST = np.float32(65535)


def observe(
    planted: Footprints,
    sigma_px: NDArray[np.float64],
    gain: NDArray[np.float64],
    pyramid: Pyramid,
) -> Patches:
    """Blur and dim footprints into patches on the levels that their blur allows.

    Light beyond the canvas is lost, as in minisim. Takes about 10 µs a cell.
    """
    levels = np.array([level_for(float(sigma)) for sigma in sigma_px], np.int64)
    bounds = np.array(
        [level_shape(pyramid.shape, int(level)) for level in levels], np.int64
    ).reshape(-1, 2)
    reach = (TRUNCATE * sigma_px + 0.5).astype(np.int64)[:, None]
    most = np.minimum((planted.shapes + 2 * reach >> levels[:, None]) + 2, bounds)
    room = int((most[:, 0] * (most[:, 1] + LANES)).sum())
    weights = np.zeros(room, np.uint16)
    sizes = planted.shapes.astype(np.int64).prod(axis=1)
    placed, units, used = _observe(
        planted.offsets,
        planted.shapes,
        np.cumsum(sizes) - sizes,
        planted.data,
        sigma_px,
        gain,
        levels,
        bounds,
        weights,
    )
    rows, columns, starts = placed[:, 2], placed[:, 3], placed[:, 4]
    strides = pyramid.strides[levels]
    firsts = pyramid.starts[levels] + placed[:, 0] * strides + placed[:, 1]
    arrays = (
        firsts,
        strides,
        rows.copy(),
        columns.copy(),
        starts.copy(),
        units,
        weights[:used].copy(),
    )
    return Patches(arrays, int(levels.max(initial=0)))


@njit(cache=True, nogil=True)
def _observe(offsets, shapes, starts, data, sigmas, gains, levels, bounds, weights):
    n = len(starts)
    placed = np.zeros((n, 5), np.int64)
    units = np.zeros(n, np.float32)
    used = 0
    for i in range(n):
        height, width = shapes[i]
        planted = data[starts[i] : starts[i] + height * width].reshape(height, width)
        picture, row, column = blurred(
            planted, offsets[i, 0], offsets[i, 1], sigmas[i], levels[i], bounds[i, 0], bounds[i, 1]
        )
        peak = np.float32(0)
        for value in picture.flat:
            peak = max(peak, value)
        if peak <= 0:
            continue
        top, bottom, left, right = _trimmed(picture, peak * np.float32(SKIRT))
        to_unit = _MOST / peak
        units[i] = np.float32(gains[i]) / to_unit
        columns = (right - left + LANES) // LANES * LANES
        placed[i] = row + top, column + left, bottom - top + 1, columns, used
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                weights[used + c - left] = np.uint16(to_unit * picture[r, c] + np.float32(0.5))
            used += columns
    return placed, units, used


@njit(cache=True, nogil=True)
def blurred(planted, top, left, sigma, level, level_height, level_width):
    """Blur one patch and give (samples of a level, row, column) of where it is not dark."""
    height, width = planted.shape
    taps = gaussian_taps(sigma).astype(np.float32)
    reach, step = len(taps) - 1, 1 << level
    pad = PAD if level else 0
    first_row = max(-((reach - top) // step) + pad, 0)
    last_row = min((top + height - 1 + reach) // step + pad, level_height - 1)
    first_column = max(-((reach - left) // step) + pad, 0)
    last_column = min((left + width - 1 + reach) // step + pad, level_width - 1)
    rows, columns = max(last_row - first_row + 1, 0), max(last_column - first_column + 1, 0)
    across = np.zeros((width, columns), np.float32)
    for c in range(width):
        for j in range(columns):
            away = abs(((first_column + j - pad) << level) - left - c)
            if away <= reach:
                across[c, j] = taps[away]
    picture = np.zeros((rows, columns), np.float32)
    line = np.empty(width, np.float32)
    for i in range(rows):
        y = ((first_row + i - pad) << level) - top
        line[:] = 0
        for r in range(max(y - reach, 0), min(y + reach + 1, height)):
            weight = taps[abs(y - r)]
            for c in range(width):
                line[c] += weight * planted[r, c]
        to = picture[i]
        for c in range(width):
            share = line[c]
            if share > 0:
                for j in range(columns):
                    to[j] += share * across[c, j]
    return picture, first_row, first_column


@njit(cache=True, nogil=True)
def _trimmed(picture, least):
    top, bottom, left, right = picture.shape[0], -1, picture.shape[1], -1
    for r in range(picture.shape[0]):
        for c in range(picture.shape[1]):
            if picture[r, c] >= least:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    return top, bottom, left, right
