"""A movie made ready for analysis: cropped, freed of bleaching, relative to its baseline.

Frame by frame: a movie need not fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Crop = tuple[float, float, float, float]
Detrending = Literal["median", "linear"]
Relative = Literal["delta_f_over_f", "delta_f_over_sqrt_f"]


def crop_window(coords: Crop, shape: tuple[int, int]) -> tuple[int, int, int, int]:
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


class Trend:
    """Learns, from all frames of a movie in order, the slow fading of its light.

    `median`: every frame is lowered by how far its mean is above the median of all means.
    `linear`: from every pixel its own straight line is taken, its mean with it
    (as scipy.signal.detrend). None: the movie stays as it is.
    """

    def __init__(self, method: Detrending | None) -> None:
        self.means: list[float] = []
        self._method = method
        self._sum: NDArray[np.float64] | None = None
        self._moment: NDArray[np.float64] | None = None

    def add(self, frame: NDArray[Any]) -> None:
        """Take the next frame (H, W)."""
        if self._method == "linear":
            if self._sum is None or self._moment is None:
                self._sum = np.zeros(frame.shape)
                self._moment = np.zeros(frame.shape)
            self._sum += frame
            self._moment += float(len(self.means)) * frame
        self.means.append(float(frame.mean(dtype=np.float64)))

    def taken(self) -> Callable[[int], float | Image]:
        """Give what is to be taken from frame n: a number, or a picture."""
        if self._method == "median":
            means = np.array(self.means)
            above = means - np.median(means)
            return lambda place: float(above[place])
        if self._method == "linear" and self._sum is not None and self._moment is not None:
            frames = len(self.means)
            middle = (frames - 1) / 2
            mean = self._sum / frames
            spread = max(frames * (frames**2 - 1) / 12, 1e-12)
            slope = (self._moment - middle * self._sum) / spread
            return lambda place: (mean + (place - middle) * slope).astype(np.float32)
        return lambda place: 0.0


def relative(
    frames: Iterable[Image],
    frame_rate_hz: float,
    method: Relative,
    *,
    least: float,
    window_s: float = 5.0,
    percentile: float = 8.0,
) -> Iterator[Image]:
    """Give frames as their change over their baseline, or over the root of that.

    `least` is the least value of the movie: one that reaches below 1 is raised so that it is 1.
    The baseline of a pixel is the percentile in windows that follow each other, drawn out
    linearly between their middles. Two windows are held in memory.
    """
    raised = np.float32(max(1 - least, 0))
    length = max(round(window_s * frame_rate_hz), 1)
    before: tuple[float, Image] | None = None
    waiting: list[tuple[int, Image]] = []
    for begin, window in _windows(frames, length, raised):
        numbered = list(enumerate(window, begin))
        if len(window) < length and before is not None:
            # What is left at the end has no baseline of its own.
            waiting += numbered
            continue
        base = np.percentile(np.stack(window), percentile, axis=0).astype(np.float32)
        here = (begin + (len(window) - 1) / 2, base)
        first = [pair for pair in numbered if pair[0] <= here[0]]
        yield from _over(waiting + first, before or here, here, method)
        before, waiting = here, numbered[len(first) :]
    if before is not None:
        yield from _over(waiting, before, before, method)


def _windows(
    frames: Iterable[Image], length: int, raised: np.float32
) -> Iterator[tuple[int, list[Image]]]:
    window: list[Image] = []
    begin = 0
    for frame in frames:
        window.append(frame + raised)
        if len(window) == length:
            yield begin, window
            begin += length
            window = []
    if window:
        yield begin, window


def _over(
    waiting: list[tuple[int, Image]],
    before: tuple[float, Image],
    after: tuple[float, Image],
    method: Relative,
) -> Iterator[Image]:
    apart = max(after[0] - before[0], 1e-9)
    for place, frame in waiting:
        share = np.float32(min(max((place - before[0]) / apart, 0), 1))
        base = (1 - share) * before[1] + share * after[1]
        over = base if method == "delta_f_over_f" else np.sqrt(base)
        yield ((frame - base) / over).astype(np.float32)
