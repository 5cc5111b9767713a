"""A movie made ready for analysis: cropped, freed of bleaching, relative to its baseline."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Movie = NDArray[np.float32]


def crop_window(
    coords: tuple[float, float, float, float], shape: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Give (top, bottom, left, right) of a crop (x0, y0, x1, y1) whose y counts from the bottom.

    The corners may come in any order. ValueError if nothing is left, or it reaches out of frames
    of `shape` (height, width).
    """
    height, width = shape
    x0, y0, x1, y1 = (round(value) for value in coords)
    left, right = min(x0, x1), max(x0, x1)
    top, bottom = height - max(y0, y1), height - min(y0, y1)
    if left < 0 or top < 0 or right > width or bottom > height:
        raise ValueError(f"crop_coords {coords} reach out of frames of {width} x {height} pixels")
    if left == right or top == bottom:
        raise ValueError(f"crop_coords {coords} leave nothing of the frames")
    return top, bottom, left, right


def crop(movie: NDArray[Any], coords: tuple[float, float, float, float]) -> NDArray[Any]:
    """Give the part of a movie (frame, H, W) that `crop_window` says; a view of it."""
    top, bottom, left, right = crop_window(coords, movie.shape[1:])
    return movie[:, top:bottom, left:right]


def detrended(movie: NDArray[Any], method: Literal["median", "linear"]) -> Movie:
    """Give a movie without the slow fading of its light.

    `median` takes from each frame how far its mean lies above the median of all means; `linear`
    takes from each pixel the straight line through its values, mean included.
    """
    out = movie.astype(np.float32)
    if method == "median":
        means = out.mean(axis=(1, 2), dtype=np.float64)
        out -= (means - np.median(means)).astype(np.float32)[:, None, None]
        return out
    time = np.arange(len(out), dtype=np.float64) - (len(out) - 1) / 2
    mean = out.mean(axis=0, dtype=np.float64)
    slope = np.tensordot(time, out, 1) / max(float(time @ time), 1e-12)
    for frame, at in zip(out, time, strict=True):
        frame -= (mean + at * slope).astype(np.float32)
    return out


def relative(
    movie: NDArray[Any],
    frame_rate_hz: float,
    method: Literal["delta_f_over_f", "delta_f_over_sqrt_f"],
    *,
    window_s: float = 5.0,
    percentile: float = 8.0,
) -> Movie:
    """Give a movie as its change over its baseline, or over the root of that.

    A movie that reaches below 1 is raised so that its least value is 1. The baseline of a pixel is
    the percentile in windows that follow each other, drawn out linearly between their middles.
    """
    out = movie.astype(np.float32)
    out += max(1 - out.min(), 0)
    frames = len(out)
    length = min(max(round(window_s * frame_rate_hz), 1), frames)
    begins = list(range(0, max(frames - length, 0) + 1, length))
    levels = [
        np.percentile(out[begin : begin + length], percentile, axis=0).astype(np.float32)
        for begin in begins
    ]
    middles = np.array(begins) + (length - 1) / 2
    for at, frame in enumerate(out):
        place = float(np.interp(at, middles, np.arange(len(middles))))
        low = int(place)
        share = np.float32(place - low)
        base = levels[low]
        if share > 0:
            base = (1 - share) * base + share * levels[low + 1]
        frame -= base
        frame /= base if method == "delta_f_over_f" else np.sqrt(base)
    return out
