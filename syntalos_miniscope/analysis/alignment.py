"""Kernels that show what moves in a picture, and lay it over another to a fraction of a pixel."""

from __future__ import annotations

from math import floor, sqrt
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

SMOOTH_PX, HAZE_PX = 1.5, 9
"""The band that is looked at, in pixels of half the resolution: a Gaussian less a box."""

_REACH_PX = HAZE_PX // 2
_BELL = np.exp(-((np.arange(-_REACH_PX, _REACH_PX + 1) / SMOOTH_PX) ** 2) / 2).astype(np.float32)
_TAPS = tuple((_BELL / _BELL.sum())[_REACH_PX:])

OUTLIER_SD = 2.0
"""Residuals beyond so many standard deviations count less (Huber's weights)."""

IN_ANY_ORDER: Any = {"reassoc", "contract", "nsz", "arcp"}
"""Sums may be taken as the CPU's vectors like it: their last bits depend on the CPU."""


@numba.njit(nogil=True, cache=True, fastmath=IN_ANY_ORDER)
def _halve_row(frame: NDArray[Any], y: int, line: NDArray[np.float32]) -> None:
    """Fill `line` with a row at half the resolution, and mirror it `_REACH_PX` beyond its ends."""
    above, below = frame[2 * y], frame[2 * y + 1]
    width = len(line) - 2 * _REACH_PX
    inner = line[_REACH_PX:]
    for x in range(width):
        upper = np.float32(above[2 * x]) + np.float32(above[2 * x + 1])
        lower = np.float32(below[2 * x]) + np.float32(below[2 * x + 1])
        inner[x] = (upper + lower) * np.float32(0.25)
    for k in range(1, _REACH_PX + 1):
        line[_REACH_PX - k] = line[_REACH_PX + k]
        line[_REACH_PX + width - 1 + k] = line[_REACH_PX + width - 1 - k]


@numba.njit(nogil=True, cache=True, fastmath=IN_ANY_ORDER)
def band_passed(frame: NDArray[Any]) -> Image:
    """Give a frame (H, W) at half its resolution, without haze and without pixel noise.

    A Gaussian of `SMOOTH_PX` less the mean of a box of `HAZE_PX`, mirrored at the edge. Few rows
    are held at a time: the caches are cold when a frame comes.
    """
    height, width = frame.shape[0] // 2, frame.shape[1] // 2
    out = np.empty((height, width), np.float32)
    line = np.empty(width + 2 * _REACH_PX, np.float32)
    smooth, haze = np.empty((HAZE_PX, width), np.float32), np.empty((HAZE_PX, width), np.float32)
    for y in range(-_REACH_PX, height + _REACH_PX):
        _halve_row(frame, min(abs(y), 2 * (height - 1) - y), line)
        last = (y + _REACH_PX) % HAZE_PX
        for x in range(width):
            near, far = _TAPS[0] * line[x + _REACH_PX], line[x + _REACH_PX]
            for k in range(1, _REACH_PX + 1):
                pair = line[x + _REACH_PX - k] + line[x + _REACH_PX + k]
                near += _TAPS[k] * pair
                far += pair
            smooth[last, x], haze[last, x] = near, far
        if y < _REACH_PX:
            continue
        middle = y % HAZE_PX
        row = out[y - _REACH_PX]
        for x in range(width):
            near, far = _TAPS[0] * smooth[middle, x], haze[middle, x]
            for k in range(1, _REACH_PX + 1):
                before, behind = (middle + HAZE_PX - k) % HAZE_PX, (middle + k) % HAZE_PX
                near += _TAPS[k] * (smooth[before, x] + smooth[behind, x])
                far += haze[before, x] + haze[behind, x]
            row[x] = near - far * np.float32(1 / HAZE_PX**2)
    return out


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


@numba.njit(nogil=True, cache=True, fastmath=IN_ANY_ORDER)
def _move_row(image: Image, y: int, dy: float, dx: float, line: Image) -> None:
    """Fill `line` (W,) with `image[y + dy, x + dx]`, bilinear; the edge is repeated."""
    height, width = image.shape
    top, left = floor(dy), floor(dx)
    fy, fx = np.float32(dy - top), np.float32(dx - left)
    one = np.float32(1)
    w00, w01, w10, w11 = (one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx
    row0 = image[min(max(y + top, 0), height - 1)]
    row1 = image[min(max(y + top + 1, 0), height - 1)]
    first = min(max(-left, 0), width)
    last = max(min(width - 1 - left, width), first)
    line[:first] = (one - fy) * row0[0] + fy * row1[0]
    a0, a1 = row0[first + left : last + left], row0[first + left + 1 : last + left + 1]
    b0, b1 = row1[first + left : last + left], row1[first + left + 1 : last + left + 1]
    inner = line[first:last]
    for x in range(last - first):
        inner[x] = w00 * a0[x] + w01 * a1[x] + w10 * b0[x] + w11 * b1[x]
    line[last:] = (one - fy) * row0[width - 1] + fy * row1[width - 1]


@numba.njit(nogil=True, cache=True, fastmath=IN_ANY_ORDER)
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
    across, left, right = width - 2 * margin, margin - 1, margin + 1
    gt = gg = tt = 0.0
    for y in range(margin, height - margin):
        _move_row(image, y, dy, dx, moved[y])
        gs, ts = moved[y, margin : margin + across], template[y, margin : margin + across]
        ws = weight[y, margin : margin + across]
        row_gt = row_gg = row_tt = np.float32(0)
        for x in range(across):
            row_gt += ws[x] * gs[x] * ts[x]
            row_gg += ws[x] * gs[x] * gs[x]
            row_tt += ws[x] * ts[x] * ts[x]
        gt += row_gt
        gg += row_gg
        tt += row_tt
    if gt <= 0 or gg <= 0 or tt <= 0:
        return dy, dx, 0.0
    scale = np.float32(gt / tt)
    limit = np.float32(OUTLIER_SD)
    yy = yx = xx = yr = xr = 0.0
    for y in range(margin, height - margin):
        gs, ts = moved[y, margin : margin + across], template[y, margin : margin + across]
        ws = weight[y, margin : margin + across]
        above, below = template[y - 1, margin:], template[y + 1, margin:]
        before, behind = template[y, left : left + across], template[y, right : right + across]
        row_yy = row_yx = row_xx = row_yr = row_xr = np.float32(0)
        for x in range(across):
            r = gs[x] - scale * ts[x]
            w = ws[x] * limit / max(abs(r) * np.sqrt(ws[x]), limit)
            gy, gx = below[x] - above[x], behind[x] - before[x]
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


@numba.njit(nogil=True, cache=True, fastmath=IN_ANY_ORDER)
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
    one, part, least = np.float32(1), np.float32(share), np.float32(floor_variance)
    moved = np.empty(width, np.float32)
    total = 0.0
    for y in range(height):
        _move_row(image, y, dy, dx, moved)
        ts, vs, ws = template[y], variance[y], weight[y]
        row = np.float32(0)
        for x in range(width):
            apart = moved[x] - ts[x]
            ts[x] += part * apart
            vs[x] += part * (apart * apart - vs[x])
            ws[x] = one / (vs[x] + least)
            row += vs[x]
        total += row
    return total / (height * width)
