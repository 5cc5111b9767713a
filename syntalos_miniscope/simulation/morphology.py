"""What one cell looks like up close: a lumpy soma and, filled with indicator, its dendrites."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import ceil, cos, exp, floor, hypot, pi, sin

import numpy as np

from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.noise import normal, uniform

# Of minisim, 2.3: where dendrites start, how bright they are, how they bend and fork.
_START = 0.8
_DIM, _BRIGHT = 0.05, 0.55
_WANDER_RAD, _SPREAD_RAD = 0.16, 0.4
_FORK_PROBABILITY, _FORK_LIMIT, _FORK_AREA = 0.06, 2, 0.62
_FORK_SIDE_RAD, _FORK_MAIN_RAD, _FORK_LENGTH = 0.7, 0.35, 0.8
_SHORTEST, _LONGEST = 0.6, 1.25
_MEAN_DENDRITES, _FEWEST, _MOST = 5.0, 2, 9


@kernel
def draw_cell(
    key,
    row,
    column,
    height,
    width,
    radius,
    irregularity,
    dendrite_length,
    dendrite_width,
):
    """Give a cell as (row, column, patch float32 with a peak of 1), cut at the canvas.

    Lengths are in pixels; `row` and `column` are where the centre is on the canvas, fractional.
    No dendrites if their length is 0.
    """
    soma_reach = ceil(radius * (1 + irregularity)) + 1
    reach = soma_reach
    if dendrite_length > 0:
        reach = ceil(_START * radius + _LONGEST * dendrite_length + dendrite_width) + 2
        reach = max(reach, soma_reach)
    top, left = floor(row) - reach, floor(column) - reach
    patch = np.zeros((2 * reach + 2, 2 * reach + 2), np.float32)
    y, x = row - top, column - left
    if dendrite_length > 0:
        _draw_dendrites(patch, key, y, x, radius, dendrite_length, dendrite_width)
    _draw_soma(patch, key, y, x, radius, irregularity, soma_reach)
    return _cut(patch, top, left, height, width)


@kernel
def _draw_soma(patch, key, y, x, radius, irregularity, reach):
    size = 2 * reach + 2
    top, left = floor(y) - reach, floor(x) - reach
    lumps = np.empty((size, size))
    for i in range(size * size):
        lumps[i // size, i % size] = normal(key, 1000 + i)
    _smooth(lumps, max(radius / 2, 1.0))
    peak = 1e-12
    for lump in lumps.flat:
        peak = max(peak, abs(lump))
    lumps /= peak
    drawn = False
    for r in range(size):
        for c in range(size):
            away = hypot(top + r - y, left + c - x)
            if away <= radius * (1 + irregularity * lumps[r, c]):
                patch[top + r, left + c] = 1.0
                drawn = True
    if not drawn:
        patch[round(y), round(x)] = 1.0


@kernel
def _smooth(image, sigma):
    size, radius = image.shape[0], int(4 * sigma + 0.5)
    taps = np.empty(2 * radius + 1)
    for i in range(2 * radius + 1):
        taps[i] = exp(-0.5 * ((i - radius) / sigma) ** 2)
    taps /= taps.sum()
    # A line and its mirror images beyond both ends.
    line, smooth = np.empty(size + 2 * radius), np.empty(size)
    for axis in range(2):
        view = image if axis == 0 else image.T
        for i in range(size):
            for j in range(len(line)):
                at = (j - radius) % (2 * size)
                line[j] = view[i, at if at < size else 2 * size - 1 - at]
            for j in range(size):
                smooth[j] = 0.0
            for k in range(2 * radius + 1):
                near = line[k:]
                for j in range(size):
                    smooth[j] += taps[k] * near[j]
            for j in range(size):
                view[i, j] = smooth[j]


@kernel
def _draw_dendrites(patch, key, y, x, radius, length, width):
    draw = 100_000
    count = min(max(_poisson(_MEAN_DENDRITES, uniform(key, draw)), _FEWEST), _MOST)
    base = 2 * pi * uniform(key, draw + 1)
    draw += 2
    # Waiting branches: y, x, heading, radius at the base, length.
    waiting = np.empty((16 * (1 + _FORK_LIMIT), 5))
    for number in range(count):
        heading = base + 2 * pi * number / count + _SPREAD_RAD * normal(key, draw)
        reach = length * (_SHORTEST + (_LONGEST - _SHORTEST) * uniform(key, draw + 1))
        draw += 2
        from_y, from_x = y + _START * radius * sin(heading), x + _START * radius * cos(heading)
        _let_wait(waiting, 0, from_y, from_x, heading, width / 2, reach)
        left, forks = 1, 0
        while left > 0:
            left -= 1
            py, px, heading = waiting[left, 0], waiting[left, 1], waiting[left, 2]
            thick, reach = waiting[left, 3], waiting[left, 4]
            steps = max(int(reach), 1)
            for step in range(steps):
                share = step / steps
                _stamp(patch, py, px, max(thick * (1 - share), 0.5), width / 2)
                heading += _WANDER_RAD * normal(key, draw)
                py += sin(heading)
                px += cos(heading)
                if forks < _FORK_LIMIT and uniform(key, draw + 1) < _FORK_PROBABILITY:
                    forks += 1
                    side = 1.0 if uniform(key, draw + 2) < 0.5 else -1.0
                    side_heading = heading + side * _FORK_SIDE_RAD
                    side_thick = thick * (1 - _FORK_AREA) ** (1 / 3)
                    side_reach = _FORK_LENGTH * (reach - step)
                    _let_wait(waiting, left, py, px, side_heading, side_thick, side_reach)
                    left += 1
                    thick *= _FORK_AREA ** (1 / 3)
                    heading -= side * _FORK_MAIN_RAD
                draw += 3


@kernel
def _let_wait(waiting, at, y, x, heading, thick, reach):
    # One by one: to assign a tuple to a row takes seconds to compile.
    waiting[at, 0], waiting[at, 1], waiting[at, 2] = y, x, heading
    waiting[at, 3], waiting[at, 4] = thick, reach


@kernel
def _stamp(patch, y, x, radius, full_radius):
    value = np.float32(_DIM + min(radius / full_radius, 1.0) * (_BRIGHT - _DIM))
    height, width = patch.shape
    for r in range(max(ceil(y - radius), 0), min(floor(y + radius) + 1, height)):
        for c in range(max(ceil(x - radius), 0), min(floor(x + radius) + 1, width)):
            if (r - y) ** 2 + (c - x) ** 2 <= radius * radius:
                patch[r, c] = max(patch[r, c], value)


@kernel
def _poisson(mean, u):
    share = exp(-mean)
    below, count = share, 0
    while u >= below and count < 100:
        count += 1
        share *= mean / count
        below += share
    return count


@kernel
def _cut(patch, top, left, height, width):
    """Cut a patch to what is lit and on the canvas; of a cell off the canvas, one dark pixel."""
    first_row, last_row, first_column, last_column = height, -1, width, -1
    for r in range(patch.shape[0]):
        for c in range(patch.shape[1]):
            on = 0 <= top + r < height and 0 <= left + c < width
            if on and patch[r, c] > 0:
                first_row, last_row = min(first_row, r), max(last_row, r)
                first_column, last_column = min(first_column, c), max(last_column, c)
    if last_row < 0:
        return 0, 0, np.zeros((1, 1), np.float32)
    kept = patch[first_row : last_row + 1, first_column : last_column + 1].copy()
    return top + first_row, left + first_column, kept
