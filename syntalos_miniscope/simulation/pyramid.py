"""The canvas at several resolutions: light is added where its blur allows, and enlarged at the end.

A picture that was blurred by σ pixels holds no detail finer than about σ, so it may be kept on
every 2ⁿ-th pixel, as long as σ stays above 2 samples: halving then costs less than 3e-4 of the
peak (8-point Lagrange interpolation). A cell blurred by 10 px needs 1/16 of the sums.
"""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import exp, floor, log2

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation.kernel import kernel

Image = NDArray[np.float32]
_Indices = NDArray[np.int64]
PatchArrays = tuple[_Indices, _Indices, _Indices, _Indices, _Indices, Image, NDArray[np.uint16]]

PAD = 8
"""Samples that a coarse level has around the canvas, for the interpolation at its edge."""

LANES = 8
"""Patches are stored with rows of a multiple of this many weights, for vector instructions."""

TRUNCATE = 4.0
"""Gaussians end at this many σ, as in minisim."""

_TOP_LEVEL = 6
_SIGMA_SAMPLES = 2.0
_LAGRANGE = np.array([-5, 49, -245, 1225, 1225, -245, 49, -5], np.float32) / np.float32(2048)


def level_for(sigma_px: float) -> int:
    """Give the coarsest level that carries a blur."""
    if sigma_px < 2 * _SIGMA_SAMPLES:
        return 0
    return min(floor(log2(sigma_px / _SIGMA_SAMPLES)), _TOP_LEVEL)


def level_shape(shape: tuple[int, int], level: int) -> tuple[int, int]:
    """Give the shape of a level: sample i is canvas pixel i, or (i - PAD)·2ⁿ above level 0."""
    if level == 0:
        return shape
    height, width = (((side - 1) >> level) + 2 + 2 * PAD for side in shape)
    return height, width


class Pyramid:
    """Levels 0 (the canvas itself) to `_TOP_LEVEL` of light, in one buffer.

    `starts` and `strides` say where each level begins and how long its rows are.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        shapes = [level_shape(shape, level) for level in range(_TOP_LEVEL + 1)]
        sizes = [height * width for height, width in shapes]
        self.shape = shape
        self.starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        self.strides = np.array([width for _, width in shapes], np.int64)
        # The last row of a patch may reach over the end by less than LANES.
        self.buffer = np.zeros(int(self.starts[-1]) + LANES, np.float32)
        self._levels = [
            self.buffer[start : start + size].reshape(shape)
            for start, size, shape in zip(self.starts, sizes, shapes, strict=False)
        ]
        self._used = 0

    def clear(self) -> None:
        """Make everything dark."""
        self.buffer[: self.starts[self._used + 1]] = 0
        self._used = 0

    def level(self, level: int) -> Image:
        """Give a level to add light to."""
        self._used = max(self._used, level)
        return self._levels[level]

    def add_patches(self, patches: Patches, amplitudes: NDArray[np.float32]) -> None:
        """Add every patch times its amplitude."""
        self._used = max(self._used, patches.top_level)
        _add_patches(self.buffer, *patches.arrays, amplitudes)

    def collapse(self) -> Image:
        """Bring all light to level 0 and give it; the coarse levels are then dark again."""
        for level in range(self._used, 0, -1):
            enlarge(self._levels[level], self._levels[level - 1], PAD if level > 1 else 0)
        self.buffer[self.starts[1] : self.starts[self._used + 1]] = 0
        self._used = 0
        return self._levels[0]

    def collapsed_copy(self) -> Image:
        """Give what `collapse` would, and leave everything where it is."""
        buffer, used = self.buffer.copy(), self._used
        picture = self.collapse().copy()
        self.buffer[:], self._used = buffer, used
        return picture


class Patches:
    """Weights on the levels of a pyramid, ready to be added.

    `arrays` are, of each patch (n,): its first sample in the buffer, the stride of its level, its
    rows, its padded columns, its first weight, and the light of one unit of weight; then all
    weights. They have 16 bits, to halve what is read from memory for every frame.
    """

    def __init__(self, arrays: PatchArrays, top_level: int) -> None:
        self.arrays = arrays
        self.top_level = top_level


@kernel
def _add_patches(buffer, firsts, strides, rows, columns, starts, units, weights, amplitudes):
    # Unsigned, an index cannot count from the end, and the inner loop becomes vector instructions.
    for i in range(len(firsts)):
        a = amplitudes[i] * units[i]
        at, stride = np.uint64(firsts[i]), np.uint64(strides[i])
        k, width = np.uint64(starts[i]), np.uint64(columns[i])
        for _ in range(rows[i]):
            for c in range(width):
                buffer[at + c] += a * np.float32(weights[k + c])
            k += width
            at += stride


@kernel
def enlarge(coarse, fine, fine_pad):
    """Add a level to the next finer one, which has `fine_pad` samples around the canvas."""
    height, width = fine.shape
    first = (PAD << 1) - fine_pad
    left, t = first // 2, _LAGRANGE
    line = np.empty(coarse.shape[1], np.float32)
    # Eight views of the line, each a sample further: what lies to the left and right.
    a, b, c, d = line[left - 3 :], line[left - 2 :], line[left - 1 :], line[left:]
    e, f, g, h = line[left + 1 :], line[left + 2 :], line[left + 3 :], line[left + 4 :]
    for i in range(height):
        row = (i + first) // 2
        if (i + first) % 2 == 0:
            # By hand: to assign an array to a slice takes seconds to compile.
            for j in range(len(line)):
                line[j] = coarse[row, j]
        else:
            for j in range(len(line)):
                line[j] = (
                    t[0] * (coarse[row - 3, j] + coarse[row + 4, j])
                    + t[1] * (coarse[row - 2, j] + coarse[row + 3, j])
                    + t[2] * (coarse[row - 1, j] + coarse[row + 2, j])
                    + t[3] * (coarse[row, j] + coarse[row + 1, j])
                )
        out = fine[i]
        for j in range(width // 2):
            out[2 * j] += d[j]
            out[2 * j + 1] += (
                t[0] * (a[j] + h[j])
                + t[1] * (b[j] + g[j])
                + t[2] * (c[j] + f[j])
                + t[3] * (d[j] + e[j])
            )
        if width % 2:
            out[width - 1] += d[width // 2]


@kernel
def gaussian_taps(sigma):
    """Give one half of a Gaussian, from its middle on, of which the whole adds up to 1."""
    radius = int(TRUNCATE * sigma + 0.5)
    taps = np.empty(radius + 1)
    total = 0.0
    for d in range(radius + 1):
        taps[d] = exp(-0.5 * (d / sigma) ** 2) if sigma > 0 else 1.0
        total += taps[d] if d == 0 else 2 * taps[d]
    return taps / total


WIDEST = 16.0
"""Sizes of the picture that a blur may have: a wider one looks the same, for any time it takes."""


def blur_to_level(image: Image, sigma_px: float, level: int) -> Image:
    """Blur a picture of the canvas, its edge repeated outward, and give it as a level."""
    height, width = level_shape((image.shape[0], image.shape[1]), level)
    sigma_px = min(sigma_px, WIDEST * max(image.shape))
    pad = PAD if level else 0
    down = _blur_rows(np.ascontiguousarray(image), sigma_px, level, pad, height)
    across = _blur_rows(np.ascontiguousarray(down.T), sigma_px, level, pad, width)
    return np.ascontiguousarray(across.T)


def blur(image: Image, sigma_px: float) -> Image:
    """Blur a picture of the canvas, its edge repeated outward."""
    pyramid = Pyramid((image.shape[0], image.shape[1]))
    level = level_for(sigma_px)
    pyramid.level(level)[:] = blur_to_level(image, sigma_px, level)
    return pyramid.collapse()


@kernel
def _blur_rows(image, sigma, level, pad, n_out):
    height, width = image.shape
    taps = gaussian_taps(sigma).astype(np.float32)
    out = np.zeros((n_out, width), np.float32)
    for i in range(n_out):
        y = (i - pad) << level
        to = out[i]
        for d in range(-len(taps) + 1, len(taps)):
            weight = taps[abs(d)]
            row = image[min(max(y + d, 0), height - 1)]
            for j in range(width):
                to[j] += weight * row[j]
    return out
