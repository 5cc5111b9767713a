"""Pictures by which `gSig`, `min_corr` and `min_pnr` are chosen.

The definitions are those of CNMF-E (Zhou et al. 2018, "Initialization"), as in CaImAn: a movie is
filtered by a Gaussian of `gSig` whose mean over `gSiz` is taken away; PNR is a pixel's highest
value above its median over the noise of the fast half of its spectrum; the correlation is that
with the neighbours, of what rises above three times the noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

LOOKED_AT_FRAMES = 400
SIZES = (0.6, 1.0, 1.6)
"""gSig is shown at these multiples of what was asked for."""
CORRELATIONS = np.round(np.arange(0.5, 0.96, 0.05), 2)
RATIOS = np.array([3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30])
NOISE_RANGE = (0.25, 0.5)
"""Of the sampling rate: where there is noise alone."""
RISE_SD = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """One size of cell: where neighbours agree, and how far peaks rise above the noise."""

    gsig: NDArray[np.float64]
    """(2,), px."""
    correlation: Image
    pnr: Image
    seeds: NDArray[np.int64]
    """(min_corr, min_pnr) over `CORRELATIONS` and `RATIOS`: how many seeds there would be."""


def tunings(
    movie: NDArray[np.float32],
    gsig: tuple[float, float],
    gsiz: tuple[float, float],
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> list[Tuning]:
    """Give the pictures of a movie (frame, H, W) for some sizes round `gsig`.

    Of a long movie, 400 frames in stretches spread over it are looked at.
    """
    frames = stretches(len(movie), LOOKED_AT_FRAMES)
    found: list[Tuning] = []
    for done, factor in enumerate(SIZES):
        size = (round(gsig[0] * factor, 1), round(gsig[1] * factor, 1))
        box = (gsiz[0] * factor, gsiz[1] * factor)
        filtered = np.empty((len(frames), *movie.shape[1:]), np.float32)
        for place, k in enumerate(frames):
            filtered[place] = centred(np.asarray(movie[k]), size, box)
        correlation, pnr = correlation_pnr(filtered)
        found.append(Tuning(np.array(size), correlation, pnr, seeds(correlation, pnr, size)))
        tell(done + 1, len(SIZES))
    return found


def stretches(frames: int, wanted: int, pieces: int = 4) -> list[int]:
    """Give which frames to look at: all, or `pieces` stretches spread evenly over them."""
    if frames <= wanted:
        return list(range(frames))
    length = wanted // pieces
    begins = np.linspace(0, frames - length, pieces).round().astype(int)
    return [int(begin) + k for begin in begins for k in range(length)]


def centred(frame: Image, gsig: tuple[float, float], gsiz: tuple[float, float]) -> Image:
    """Filter a picture by a Gaussian whose mean over its box of `gsiz` is taken away."""
    rows, columns = (2 * (int(size) // 2) + 1 for size in gsiz)
    kernel = np.outer(
        cv2.getGaussianKernel(rows, max(gsig[0], 0.3)),
        cv2.getGaussianKernel(columns, max(gsig[1], 0.3)),
    )
    inside = kernel >= kernel[:, 0].max()
    kernel[inside] -= kernel[inside].mean()
    kernel[~inside] = 0
    return cv2.filter2D(frame, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT).astype(
        np.float32, copy=False
    )


def correlation_pnr(movie: Image) -> tuple[Image, Image]:
    """Give the correlation image and the peak-to-noise ratio of a filtered movie (frame, H, W).

    The movie is changed: it is too large for a copy.
    """
    pnr = np.zeros(movie.shape[1:], np.float32)
    for row in range(movie.shape[1]):
        line = movie[:, row]
        line -= np.median(line, axis=0)
        noise = np.maximum(noise_sd(line), 1e-6).astype(np.float32)
        pnr[row] = line.max(axis=0) / noise
        line[line <= RISE_SD * noise] = 0
    return neighbour_correlation(movie), pnr


def noise_sd(traces: Image) -> NDArray[np.float64]:
    """Give the noise of (frame, trace): the root of the mean power in the fast half of a spectrum.

    (Pnevmatikakis et al. 2016.)
    """
    frames = len(traces)
    low, high = NOISE_RANGE
    frequency = np.fft.rfftfreq(frames)
    fast = (frequency > low) & (frequency < high)
    if not fast.any():
        return traces.std(axis=0).astype(np.float64)
    power = np.abs(np.fft.rfft(traces, axis=0)[fast]) ** 2 / frames
    return np.sqrt(power.mean(axis=0))


def neighbour_correlation(movie: Image) -> Image:
    """Give the mean correlation of each pixel with those of its eight neighbours that there are.

    The movie (frame, H, W) is changed.
    """
    height, width = movie.shape[1:]
    for row in range(height):
        line = movie[:, row]
        line -= line.mean(axis=0)
        line /= np.maximum(np.sqrt((line**2).sum(axis=0)), 1e-12)
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0)))
        there = (slice(dy, height), slice(max(dx, 0), width - max(-dx, 0)))
        product = np.einsum("tyx,tyx->yx", movie[:, *here], movie[:, *there])
        for part in (here, there):
            total[part] += product
            count[part] += 1
    return (total / np.maximum(count, 1)).astype(np.float32)


def seeds(correlation: Image, pnr: Image, gsig: tuple[float, float]) -> NDArray[np.int64]:
    """Count the seeds for each pair of thresholds."""
    peaks = peaks_of(correlation, pnr, gsig)
    r, ratio = correlation[peaks], pnr[peaks]
    return np.array([[int(((r >= a) & (ratio >= b)).sum()) for b in RATIOS] for a in CORRELATIONS])


def peaks_of(correlation: Image, pnr: Image, gsig: tuple[float, float]) -> NDArray[np.bool_]:
    """Give where a cell would begin, (H, W): at the peaks of correlation times PNR."""
    worth = (np.nan_to_num(correlation) * np.nan_to_num(pnr)).astype(np.float32)
    reach = 2 * max(round(sum(gsig) / 2), 1) + 1
    highest = cv2.dilate(worth, np.ones((reach, reach), np.uint8))
    return (worth >= highest) & (worth > 0)
