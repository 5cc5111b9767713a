"""Cells into a picture: each blurred footprint times its light, added up."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording.truth import Footprints
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.pyramid import (
    LANES,
    PAD,
    TRUNCATE,
    Image,
    Patches,
    Pyramid,
    gaussian_taps,
    level_for,
    level_shape,
)

SKIRT = 1e-3
"""Weights below this share of a footprint's peak are left out, and with them as much light."""

_MOST = np.float32(65535)
_CORES = min(os.cpu_count() or 1, 4)


def observe(
    planted: Footprints,
    sigma_px: NDArray[np.float64],
    gain: NDArray[np.float64],
    pyramid: Pyramid,
) -> Patches:
    """Blur and dim footprints into patches on the levels that their blur allows.

    Light beyond the canvas is lost, as in minisim. Takes about 10 µs a cell, shared by some cores:
    a focus that is turned shall not hold up a frame.
    """
    levels = np.array([level_for(float(sigma)) for sigma in sigma_px], np.int64)
    bounds = np.array(
        [level_shape(pyramid.shape, int(level)) for level in levels], np.int64
    ).reshape(-1, 2)
    reach = (TRUNCATE * sigma_px + 0.5).astype(np.int64)[:, None]
    most = np.minimum((planted.shapes + 2 * reach >> levels[:, None]) + 2, bounds)
    rooms = most[:, 0] * (most[:, 1] + LANES)
    sizes = planted.shapes.astype(np.int64).prod(axis=1)
    begins = np.cumsum(sizes) - sizes

    def observe_some(some: slice) -> tuple[NDArray[np.int64], Image, NDArray[np.uint16]]:
        weights = np.zeros(int(rooms[some].sum()), np.uint16)
        placed, units, used = _observe(
            planted.offsets[some],
            planted.shapes[some],
            begins[some],
            planted.data,
            sigma_px[some],
            gain[some],
            levels[some],
            bounds[some],
            weights,
        )
        return placed, units, weights[:used]

    share = -(-len(levels) // _CORES) or 1
    shares = [slice(k, k + share) for k in range(0, len(levels), share)] or [slice(0, 0)]
    with ThreadPoolExecutor(_CORES) as cores:
        parts = list(cores.map(observe_some, shares))
    before = 0
    for placed, _, weights in parts:
        placed[:, 4] += before
        before += len(weights)
    placed = np.concatenate([placed for placed, _, _ in parts])
    strides = pyramid.strides[levels]
    firsts = pyramid.starts[levels] + placed[:, 0] * strides + placed[:, 1]
    arrays = (
        firsts,
        strides,
        placed[:, 2].copy(),
        placed[:, 3].copy(),
        placed[:, 4].copy(),
        np.concatenate([units for _, units, _ in parts]),
        np.concatenate([weights for _, _, weights in parts]),
    )
    return Patches(arrays, int(levels.max(initial=0)))


@kernel
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
        # One by one: to assign a tuple to a row takes seconds to compile.
        placed[i, 0], placed[i, 1] = row + top, column + left
        placed[i, 2], placed[i, 3], placed[i, 4] = bottom - top + 1, columns, used
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                weights[used + c - left] = np.uint16(to_unit * picture[r, c] + np.float32(0.5))
            used += columns
    return placed, units, used


@kernel
def blurred(planted, top, left, sigma, level, level_height, level_width):
    """Blur one patch and give (samples of a level, row, column) of where it is not dark."""
    height, width = planted.shape
    taps = gaussian_taps(sigma).astype(np.float32)
    down, row = _shares(taps, top, height, level, level_height)
    across, column = _shares(taps, left, width, level, level_width)
    rows, columns = down.shape[1], across.shape[1]
    # Columns first, and only where the patch is not dark: dendrites are thin.
    halfway = np.zeros((width, rows), np.float32)
    for r in range(height):
        for c in range(width):
            if planted[r, c] > 0:
                _add(halfway[c], planted[r, c], down[r])
    picture = np.zeros((rows, columns), np.float32)
    for i in range(rows):
        for c in range(width):
            if halfway[c, i] > 0:
                _add(picture[i], halfway[c, i], across[c])
    return picture, row, column


@kernel
def _shares(taps, first, size, level, level_size):
    """Give what the pixels of a line shed on samples (size, n), and the first of these."""
    reach, step = len(taps) - 1, 1 << level
    pad = PAD if level else 0
    begin = max(-((reach - first) // step) + pad, 0)
    end = min((first + size - 1 + reach) // step + pad, level_size - 1) + 1
    shares = np.zeros((size, max(end - begin, 0)), np.float32)
    for i in range(size):
        for j in range(shares.shape[1]):
            away = abs(((begin + j - pad) << level) - first - i)
            if away <= reach:
                shares[i, j] = taps[away]
    return shares, begin


@kernel
def _add(to, share, line):
    for i in range(len(to)):
        to[i] += share * line[i]


@kernel
def _trimmed(picture, least):
    top, bottom, left, right = picture.shape[0], -1, picture.shape[1], -1
    for r in range(picture.shape[0]):
        for c in range(picture.shape[1]):
            if picture[r, c] >= least:
                top, bottom = min(top, r), max(bottom, r)
                left, right = min(left, c), max(right, c)
    return top, bottom, left, right
