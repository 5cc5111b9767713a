"""Pictures of a whole stream: where it is bright, where it changes, where neighbours agree."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.cell_finder import half_band

Image = NDArray[np.float32]
Kind = Literal["max", "mean", "std", "correlation", "peak to noise"]


class Projection:
    """One picture of all frames so far, of which the last `memory_frames` count most.

    `mean` and `std` forget exponentially, and `max` decays towards the mean at the same pace.
    `correlation` (with four neighbours) and `peak to noise` are of the band in which cells lie,
    at half the resolution.
    """

    def __init__(self, kind: Kind, memory_frames: float, diameter_px: float = 12.0) -> None:
        self.kind = kind
        self._memory = memory_frames
        self._diameter_px = diameter_px
        self._frames = 0
        self._sums = np.zeros((0, 0, 0), np.float32)

    def add(self, frame: NDArray[Any]) -> None:
        """Take a frame (H, W) of 8 or 16 bits."""
        cellular = self.kind in ("correlation", "peak to noise")
        picture = half_band(frame, self._diameter_px) if cellular else frame.astype(np.float32)
        if self._sums.shape[1:] != picture.shape:
            self._frames = 0
            self._sums = np.zeros((4, *picture.shape), np.float32)
            self._sums[3] = picture
        self._frames += 1
        share = np.float32(max(1 / self._frames, 1 / self._memory))
        if self.kind == "correlation":
            add_with_neighbours(picture, self._sums, share)
        else:
            add_alone(picture, self._sums, share, np.float32(1 / self._memory))

    def picture(self) -> Image:
        """Give the picture (H, W): counts, or a correlation from -1 to 1, or a ratio."""
        mean, square, product, top = (np.array(total) for total in self._sums)
        variance: Image = np.maximum(square - mean * mean, np.float32(1e-6))
        if self.kind == "mean":
            return mean
        if self.kind == "max":
            return top
        if self.kind == "std":
            return np.sqrt(variance)
        if self.kind == "correlation":
            deviation: Image = np.sqrt(variance)
            around = _around(deviation)
            found = (product - mean * _around(mean)) / np.maximum(deviation * around, 1e-6)
        else:
            # The standard deviation of a Gaussian, from its mean distance from the mean.
            noise = np.maximum(product * np.float32(np.sqrt(np.pi / 2)), 1e-3)
            found = (top - mean) / noise
        size = (2 * mean.shape[1], 2 * mean.shape[0])
        return cv2.resize(found, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)


def _around(picture: Image) -> Image:
    """Give the mean of the four neighbours, two pixels away; the edge is mirrored."""
    cross = np.zeros((5, 5), np.float32)
    cross[0, 2] = cross[4, 2] = cross[2, 0] = cross[2, 4] = 0.25
    return cv2.filter2D(picture, -1, cross).astype(np.float32)


def as_bytes(picture: Image) -> NDArray[np.uint8]:
    """Stretch a picture between its darkest and all but its brightest thousandth."""
    low, high = (float(value) for value in np.percentile(picture[::2, ::2], (0.5, 99.9)))
    scaled = (picture - low) * (255 / max(high - low, 1e-6))
    return np.clip(scaled + 0.5, 0, 255).astype(np.uint8)


@numba.njit(nogil=True, cache=True)
def add_alone(picture: Image, sums: Image, share: Any, fading: Any) -> None:
    """Renew mean, mean square, mean distance from the mean, and the maximum, which decays.

    A distance counts no more than six times the usual one, so that flashes are not noise.
    """
    height, width = picture.shape
    for y in range(height):
        for x in range(width):
            value, mean, usual = picture[y, x], sums[0, y, x], sums[2, y, x]
            sums[2, y, x] += share * (min(abs(value - mean), 6 * usual + 1) - usual)
            mean += share * (value - mean)
            sums[0, y, x] = mean
            sums[1, y, x] += share * (value * value - sums[1, y, x])
            top = sums[3, y, x] - fading * (sums[3, y, x] - mean)
            sums[3, y, x] = max(top, value)


@numba.njit(nogil=True, cache=True)
def add_with_neighbours(picture: Image, sums: Image, share: Any) -> None:
    """Renew mean, mean square and mean product with the four neighbours two pixels away."""
    height, width = picture.shape
    for y in range(height):
        up, down = picture[abs(y - 2)], picture[min(y + 2, 2 * height - 4 - y)]
        for x in range(width):
            value = picture[y, x]
            left, right = picture[y, abs(x - 2)], picture[y, min(x + 2, 2 * width - 4 - x)]
            around = (up[x] + down[x] + left + right) * np.float32(0.25)
            sums[0, y, x] += share * (value - sums[0, y, x])
            sums[1, y, x] += share * (value * value - sums[1, y, x])
            sums[2, y, x] += share * (value * around - sums[2, y, x])
