"""Kernels that lay one picture over another, to a fraction of a pixel."""

from __future__ import annotations

from math import floor, sqrt
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

OUTLIER_SD = 2.0
"""Residuals beyond so many standard deviations count less (Huber's weights)."""


@numba.njit(nogil=True, cache=True)
def translate(image: NDArray[Any], dy: float, dx: float, out: NDArray[Any]) -> None:
    """Fill `out` with `out[y, x] = image[y + dy, x + dx]`, bilinear; the edge is repeated.

    `image` and `out` are (H, W) of one unsigned type, up to 16 bits. Weights are integers, so
    the bytes do not depend on the CPU.
    """
    height, width = image.shape
    top, left = floor(dy), floor(dx)
    fy, fx = round((dy - top) * 128), round((dx - left) * 128)
    w00, w01 = (128 - fy) * (128 - fx), (128 - fy) * fx
    w10, w11 = fy * (128 - fx), fy * fx
    first = min(max(-left, 0), width)
    last = max(min(width - 1 - left, width), first)
    for y in range(height):
        row0 = image[min(max(y + top, 0), height - 1)]
        row1 = image[min(max(y + top + 1, 0), height - 1)]
        line = out[y]
        for x in range(first):
            line[x] = (row0[0] * (128 - fy) + row1[0] * fy + 64) >> 7
        a0, a1 = row0[first + left : last + left], row0[first + left + 1 : last + left + 1]
        b0, b1 = row1[first + left : last + left], row1[first + left + 1 : last + left + 1]
        inner = line[first:last]
        for x in range(last - first):
            total = (
                np.uint32(a0[x]) * np.uint32(w00)
                + np.uint32(a1[x]) * np.uint32(w01)
                + np.uint32(b0[x]) * np.uint32(w10)
                + np.uint32(b1[x]) * np.uint32(w11)
            )
            inner[x] = (total + np.uint32(8192)) >> np.uint32(14)
        for x in range(last, width):
            line[x] = (row0[width - 1] * (128 - fy) + row1[width - 1] * fy + 64) >> 7


@numba.njit(nogil=True, cache=True)
def _sample(
    image: Image, y: int, x: int, top: int, left: int, w00: Any, w01: Any, w10: Any, w11: Any
) -> Any:
    height, width = image.shape
    y0, y1 = min(max(y + top, 0), height - 1), min(max(y + top + 1, 0), height - 1)
    x0, x1 = min(max(x + left, 0), width - 1), min(max(x + left + 1, 0), width - 1)
    return w00 * image[y0, x0] + w01 * image[y0, x1] + w10 * image[y1, x0] + w11 * image[y1, x1]


@numba.njit(nogil=True, cache=True)
def refine(
    image: Image,
    template: Image,
    weight: Image,
    shift: tuple[float, float],
    margin: int,
    moved: Image,
) -> tuple[Any, Any, Any]:
    """Take one step of Gauss and Newton towards the shift of `image` over `template`.

    Minimises the squared difference of the moved image and the scaled template, each pixel by
    `weight` (the inverse of its variance) and outliers by Huber's weights (Lucas and Kanade 1981;
    Huber 1964). Gives (dy, dx, quality): the better shift, at most one pixel from the given one,
    and the weighted correlation at the given one. `moved` is room of the image's shape. All
    (H, W) float32; `margin` px at the edge are left out.
    """
    height, width = image.shape
    dy, dx = shift
    top, left = floor(dy), floor(dx)
    fy, fx = np.float32(dy - top), np.float32(dx - left)
    one = np.float32(1)
    w00, w01, w10, w11 = (one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx
    gt = gg = tt = 0.0
    for y in range(margin, height - margin):
        row_gt = row_gg = row_tt = np.float32(0)
        for x in range(margin, width - margin):
            g = (
                w00 * image[y + top, x + left]
                + w01 * image[y + top, x + left + 1]
                + w10 * image[y + top + 1, x + left]
                + w11 * image[y + top + 1, x + left + 1]
            )
            moved[y, x] = g
            t, w = template[y, x], weight[y, x]
            row_gt += w * g * t
            row_gg += w * g * g
            row_tt += w * t * t
        gt += row_gt
        gg += row_gg
        tt += row_tt
    if gt <= 0 or gg <= 0 or tt <= 0:
        return dy, dx, 0.0
    scale = np.float32(gt / tt)
    limit = np.float32(OUTLIER_SD)
    yy = yx = xx = yr = xr = 0.0
    for y in range(margin, height - margin):
        row_yy = row_yx = row_xx = row_yr = row_xr = np.float32(0)
        for x in range(margin, width - margin):
            w = weight[y, x]
            r = moved[y, x] - scale * template[y, x]
            w *= limit / max(abs(r) * sqrt(w), limit)
            gy = template[y + 1, x] - template[y - 1, x]
            gx = template[y, x + 1] - template[y, x - 1]
            row_yy += w * gy * gy
            row_yx += w * gy * gx
            row_xx += w * gx * gx
            row_yr += w * gy * r
            row_xr += w * gx * r
        yy += row_yy
        yx += row_yx
        xx += row_xx
        yr += row_yr
        xr += row_xr
    quality = min(gt / sqrt(gg * tt), 1.0)
    determinant = scale * (yy * xx - yx * yx)
    if determinant <= 1e-6 * scale * yy * xx:
        return dy, dx, quality
    # Central differences are twice the gradient.
    step_y = -2 * (xx * yr - yx * xr) / determinant
    step_x = -2 * (yy * xr - yx * yr) / determinant
    return dy + min(max(step_y, -1.0), 1.0), dx + min(max(step_x, -1.0), 1.0), quality


@numba.njit(nogil=True, cache=True)
def absorb(
    image: Image,
    template: Image,
    variance: Image,
    weight: Image,
    shift: tuple[float, float],
    share: float,
    floor_variance: float,
) -> float:
    """Let a moved image renew a share of the template, its variance and the weights.

    `weight` becomes 1 / (variance + floor_variance); gives the mean of the new variance.
    """
    height, width = image.shape
    dy, dx = shift
    top, left = floor(dy), floor(dx)
    fy, fx = np.float32(dy - top), np.float32(dx - left)
    one = np.float32(1)
    w00, w01, w10, w11 = (one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx
    part, least = np.float32(share), np.float32(floor_variance)
    total = 0.0
    for y in range(height):
        row = np.float32(0)
        inside = 0 <= y + top and y + top + 1 < height
        for x in range(width):
            if inside and 0 <= x + left and x + left + 1 < width:
                g = (
                    w00 * image[y + top, x + left]
                    + w01 * image[y + top, x + left + 1]
                    + w10 * image[y + top + 1, x + left]
                    + w11 * image[y + top + 1, x + left + 1]
                )
            else:
                g = _sample(image, y, x, top, left, w00, w01, w10, w11)
            apart = g - template[y, x]
            template[y, x] += part * apart
            variance[y, x] += part * (apart * apart - variance[y, x])
            weight[y, x] = one / (variance[y, x] + least)
            row += variance[y, x]
        total += row
    return total / (height * width)
