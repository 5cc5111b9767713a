"""Finds cells in a short stabilised movie: where neighbours flash together, far above noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.rois import Rois

Movie = NDArray[np.float32]
Image = NDArray[np.float32]

NEIGHBOURS = np.array(
    [(-2, 0), (2, 0), (0, -2), (0, 2), (-1, -1), (-1, 1), (1, -1), (1, 1)], np.int64
)
EDGE_SHARE = 0.25
"""Of its peak: where a footprint ends."""
STRIP_PX = 32
"""So many rows are judged at once: a copy of them is made."""
EDGE_PX = 2
"""No cell is looked for so near the edge, in pixels of half the resolution: when the picture is
moved back, the edge is repeated into it, and vessels and haze flash there."""


@dataclass(frozen=True, slots=True)
class CellSearch:
    """What counts as a cell; the diameter in pixels of the frame."""

    diameter_px: float = 12.0
    least_correlation: float = 0.65
    least_peak_to_noise: float = 7.0
    most_cells: int = 150


def half_band(frame: NDArray[Any], diameter_px: float) -> Image:
    """Give a frame (H, W) at half its resolution, with what is as large as a cell alone."""
    half = cv2.resize(
        frame, (frame.shape[1] // 2, frame.shape[0] // 2), interpolation=cv2.INTER_AREA
    ).astype(np.float32)
    haze = 2 * round(diameter_px * 0.6) + 1
    smooth = cv2.GaussianBlur(half, (0, 0), max(diameter_px / 16, 0.3))
    return cv2.subtract(smooth, cv2.blur(half, (haze, haze))).astype(np.float32, copy=False)


def find_cells(
    movie: Sequence[Image] | Movie, shape: tuple[int, int], search: CellSearch | None = None
) -> Rois:
    """Give the cells of a movie of `half_band` frames, for frames of `shape` (height, width).

    Seeds are taken where correlation and peak-to-noise are highest; each cell's share is taken
    out of the movie before the next one is looked for (Zhou et al. 2018, greedy initialisation
    of CNMF-E). The brightest come first.
    """
    search = search or CellSearch()
    rest = np.array(movie, np.float32)
    rest -= np.median(rest, axis=0)
    noise = noise_image(rest)
    peeler = _Peeler(rest, noise, search)
    small: list[tuple[int, int, Image]] = []
    while len(small) < search.most_cells and (seed := peeler.best()) is not None:
        top, left, patch = peeler.peel(*seed)
        if patch.any():
            small.append((top, left, patch))
    return _enlarged(small, shape)


def noise_image(movie: Movie) -> Image:
    """Give the noise of every pixel (H, W), by the median step from frame to frame."""
    steps = np.abs(movie[1:] - movie[:-1])
    steps.partition(len(steps) // 2, axis=0)
    return np.maximum(steps[len(steps) // 2] / np.float32(0.6745 * np.sqrt(2)), np.float32(1e-3))


class _Peeler:
    """The movie that is left, and how good a seed each pixel of it would be."""

    def __init__(self, rest: Movie, noise: Image, search: CellSearch) -> None:
        self._rest = rest
        self._noise = noise
        self._search = search
        self._reach = max(round(search.diameter_px * 0.75), 3)
        self._merit: Image = np.zeros(noise.shape, np.float32)
        self._tired = np.ones(noise.shape, np.bool_)
        self._tired[EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX] = False
        for row in range(0, noise.shape[0], STRIP_PX):
            self._judge(row, min(row + STRIP_PX, noise.shape[0]), 0, noise.shape[1])

    def best(self) -> tuple[int, int] | None:
        y, x = divmod(int(np.argmax(self._merit)), self._merit.shape[1])
        return (y, x) if self._merit[y, x] > 0 else None

    def peel(self, y: int, x: int) -> tuple[int, int, Image]:
        reach = self._reach
        y0, y1 = max(y - reach, 0), min(y + reach + 1, self._merit.shape[0])
        x0, x1 = max(x - reach, 0), min(x + reach + 1, self._merit.shape[1])
        patch = self._rest[:, y0:y1, x0:x1]
        trace = np.maximum(patch[:, y - y0, x - x0], 0)
        shape = np.zeros(patch.shape[1:], np.float32)
        for _ in range(3):
            bright = trace > 0.3 * trace.max()
            power = float(trace[bright] @ trace[bright])
            raw = np.tensordot(trace[bright], patch[bright], 1) / max(power, 1e-9)
            shape = _core(raw.astype(np.float32), y - y0, x - x0)
            trace = np.tensordot(patch, shape, 2) / max(float(np.vdot(shape, shape)), 1e-9)
            trace = np.maximum(trace, 0)
        patch -= trace[:, None, None] * shape
        self._merit[y, x] = 0
        self._tired[y, x] = True
        margin = 2
        self._judge(
            max(y0 - margin, 0),
            min(y1 + margin, self._merit.shape[0]),
            max(x0 - margin, 0),
            min(x1 + margin, self._merit.shape[1]),
        )
        return y0, x0, shape / max(float(shape.max()), 1e-9)

    def _judge(self, y0: int, y1: int, x0: int, x1: int) -> None:
        correlation, peak = seed_images(self._rest, self._noise, y0, y1, x0, x1)
        search = self._search
        good = (correlation >= search.least_correlation) & (peak >= search.least_peak_to_noise)
        good &= ~self._tired[y0:y1, x0:x1]
        self._merit[y0:y1, x0:x1] = np.where(good, correlation * peak, 0)


def _core(raw: Image, y: int, x: int) -> Image:
    """Give the part of a picture that hangs together with a pixel, down to a share of its peak."""
    top = max(float(raw[y, x]), 1e-9)
    _, labels = cv2.connectedComponents((raw > EDGE_SHARE * top).astype(np.uint8))
    return np.where((labels == labels[y, x]) & (labels > 0), raw, 0).astype(np.float32)


def _enlarged(small: list[tuple[int, int, Image]], shape: tuple[int, int]) -> Rois:
    large: list[tuple[int, int, Image]] = []
    for top, left, patch in small:
        room = np.pad(patch, 1)
        grown = cv2.resize(room, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        y0, x0 = max(2 * top - 2, 0), max(2 * left - 2, 0)
        grown = grown[y0 - (2 * top - 2) :, x0 - (2 * left - 2) :]
        grown = grown[: shape[0] - y0, : shape[1] - x0]
        large.append((y0, x0, grown.astype(np.float32, copy=False)))
    return Rois.placed(large, shape)


@numba.njit(nogil=True, cache=True)
def seed_images(
    movie: Movie, noise: Image, y0: int, y1: int, x0: int, x1: int
) -> tuple[Image, Image]:
    """Give correlation with the neighbours and peak-to-noise of the pixels of a window.

    Only what rises above three standard deviations of the noise counts for the correlation.
    """
    frames, height, width = movie.shape
    top, left = max(y0 - 2, 0), max(x0 - 2, 0)
    shape = (min(y1 + 2, height) - top, min(x1 + 2, width) - left)
    # A pixel's time lies together here, which it does not in the movie.
    rising = np.zeros((*shape, frames), np.float32)
    highest = np.zeros(shape, np.float32)
    sums, squares = np.zeros(shape), np.zeros(shape)
    for t in range(frames):
        for y in range(shape[0]):
            for x in range(shape[1]):
                value = movie[t, top + y, left + x]
                highest[y, x] = max(highest[y, x], value)
                if value > 3 * noise[top + y, left + x]:
                    rising[y, x, t] = value
                    sums[y, x] += value
                    squares[y, x] += value * value
    correlation = np.zeros((y1 - y0, x1 - x0), np.float32)
    peaks = np.zeros((y1 - y0, x1 - x0), np.float32)
    for y in range(y0, y1):
        for x in range(x0, x1):
            here = rising[y - top, x - left]
            a, aa = sums[y - top, x - left], squares[y - top, x - left]
            peaks[y - y0, x - x0] = highest[y - top, x - left] / noise[y, x]
            # Elsewhere a product is 0: a cell is quiet most of the time.
            lively = np.flatnonzero(here)
            if len(lively) < 2:
                continue
            total = 0.0
            for dy, dx in NEIGHBOURS:
                yy = min(max(y + dy, 0), height - 1) - top
                xx = min(max(x + dx, 0), width - 1) - left
                there, ab = rising[yy, xx], 0.0
                for t in lively:
                    ab += here[t] * there[t]
                b, bb = sums[yy, xx], squares[yy, xx]
                spread = (aa - a * a / frames) * (bb - b * b / frames)
                if spread > 0:
                    total += (ab - a * b / frames) / np.sqrt(spread)
            correlation[y - y0, x - x0] = total / len(NEIGHBOURS)
    return correlation, peaks
