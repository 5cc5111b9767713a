"""The movie that cells are looked for in: cropped, detrended, and without motion."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.pipeline.configs import PreprocessConfig
from syntalos_miniscope.analysis.pipeline.motion import MotionWitness
from syntalos_miniscope.analysis.pipeline.movie_file import (
    MovieWriter,
    PixelScale,
    PreprocessedWriter,
)
from syntalos_miniscope.analysis.pipeline.preprocessing import Trend, relative
from syntalos_miniscope.analysis.stabilise import Stabiliser
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.recorded import Recording

Image = NDArray[np.float32]
Window = tuple[int, int, int, int]
"""(top, bottom, left, right) of the frames that are looked at."""
Tell = Callable[[int, int], None]
"""Is told how many steps are done, and how many there will be."""

PICTURED_FRAMES = 200


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What is known of a movie once it is prepared. Arrays are by frame, or pictures."""

    time_us: NDArray[np.int64]
    index: NDArray[np.int64]
    """Number of each frame; a gap is a drop."""
    means: NDArray[np.float64]
    """Mean of each frame of the cropped recording, counts: before anything is taken from it."""
    shifts: NDArray[np.float32]
    """(frame, 3): how far the picture had moved down and right, px, and how well it fits."""
    mean: Image
    """(H, W): the mean of the movie as it was written."""


@dataclass(frozen=True, slots=True, eq=False)
class _Survey:
    """What the first reading tells."""

    time_us: NDArray[np.int64]
    index: NDArray[np.int64]
    means: NDArray[np.float64]
    shifts: NDArray[np.float32]
    taken: Callable[[int], float | Image]


def grey(recording: Recording, window: Window) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Give index, time in µs and the cropped picture (H, W) of every frame that can be read."""
    top, bottom, left, right = window
    for frame in recording.frames():
        mat = frame.mat
        seen = cv2.cvtColor(mat, cv2.COLOR_BGR2GRAY) if mat.ndim == 3 else mat
        yield frame.index, frame.time_us, np.ascontiguousarray(seen[top:bottom, left:right])


def prepare(
    recording: Recording,
    window: Window,
    config: PreprocessConfig,
    *,
    stabilise: bool,
    movie: Path,
    video: Path,
    tell: Tell,
) -> tuple[Prepared, MotionWitness]:
    """Read a recording twice and write two movies of it, holding a few seconds of it in memory.

    `video` is cropped and detrended; `movie` has its motion taken back as well, if `stabilise`.
    The motion is looked for before anything is taken from the frames: a brain whose constant
    light is taken away holds nothing still. RecordingError if there is no room on the disk, no
    frame, or the frames cannot be stabilised.
    """
    height, width = window[1] - window[0], window[3] - window[2]
    _ensure_room(movie.parent, len(recording) * height * width * 4)
    frames = len(recording)
    survey = _look(recording, window, config, stabilise, lambda done: tell(done, 2 * frames))
    count = len(survey.time_us)
    scale = pixel_scale(recording, config)
    witness = MotionWitness(count, PICTURED_FRAMES)
    total = np.zeros((height, width), np.float64)
    with (
        MovieWriter(movie, (count, height, width)) as writer,
        PreprocessedWriter(video, recording.frame_rate_hz, scale) as seen,
    ):
        written = 0
        for place, ready in enumerate(_ready(recording, window, config, survey)):
            written = place + 1
            if written > count:
                break
            still = moved_back(ready, *survey.shifts[place, :2]) if stabilise else ready
            seen.add(ready)
            writer.add(still)
            witness.add(place, ready, still)
            total += still
            tell(frames + place + 1, 2 * frames)
        if written != count:
            raise RecordingError(f"{recording.path} changed while it was read")
    mean = (total / count).astype(np.float32)
    prepared = Prepared(survey.time_us, survey.index, survey.means, survey.shifts, mean)
    return prepared, witness


def moved_back(frame: Image, dy: float, dx: float) -> Image:
    """Give a picture moved up and left, bilinear to a 32nd of a pixel; the edge is repeated."""
    height, width = frame.shape
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(
        frame, move, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return moved.astype(np.float32, copy=False)


def pixel_scale(recording: Recording, config: PreprocessConfig) -> PixelScale:
    """Give what the pixels of the written video stand for, whatever the recording shows.

    Changes over a baseline of next to nothing, beyond 63 or 240, do not fit and are clipped.
    """
    unit = movie_unit(config)
    if unit == "dF/F":
        return PixelScale(-1, 64 / 65535, 16, unit)
    if unit == "dF/sqrt(F)":
        return PixelScale(-16, 256 / 65535, 16, unit)
    if config.detrend_method == "linear":
        # A straight line with its mean is gone, so values lie on both sides of 0.
        return PixelScale(-recording.full_scale, 2 * recording.full_scale / 65535, 16, unit)
    return PixelScale(0, 1, 8 if recording.full_scale < 256 else 16, unit)


def movie_unit(config: PreprocessConfig) -> str:
    """Give the unit of the movie, and so of the traces."""
    if not config.df_over_f:
        return "counts"
    return "dF/F" if config.df_over_f_method == "delta_f_over_f" else "dF/sqrt(F)"


def _look(
    recording: Recording,
    window: Window,
    config: PreprocessConfig,
    stabilise: bool,
    tell: Callable[[int], None],
) -> _Survey:
    trend = Trend(config.detrend_method)
    stabiliser = Stabiliser()
    index, times, shifts = list[int](), list[int](), list[tuple[float, float, float]]()
    for number, time_us, frame in grey(recording, window):
        trend.add(frame)
        index.append(number)
        times.append(time_us)
        if stabilise:
            shift = stabiliser.find(frame)
            shifts.append((shift.dy, shift.dx, shift.quality))
        tell(len(times))
    if not times:
        raise RecordingError(f"{recording.path} holds no frame that can be read")
    return _Survey(
        np.array(times, np.int64),
        np.array(index, np.int64),
        np.array(trend.means),
        np.array(shifts if stabilise else np.zeros((len(times), 3)), np.float32),
        trend.taken(),
    )


def _ready(
    recording: Recording,
    window: Window,
    config: PreprocessConfig,
    survey: _Survey,
) -> Iterator[Image]:
    def detrended() -> Iterator[Image]:
        for place, (_, _, frame) in enumerate(grey(recording, window)):
            yield (frame - survey.taken(place)).astype(np.float32)

    if not config.df_over_f:
        return detrended()
    return relative(
        detrended(),
        recording.frame_rate_hz,
        config.df_over_f_method,
        least=min(float(frame.min()) for frame in detrended()),
        window_s=config.secs_window,
        percentile=config.quantile_min,
    )


def _ensure_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed * 1.05:
        raise RecordingError(
            f"the movie needs {needed / 1e9:.1f} GB in {folder} while it is analysed, and "
            f"{free / 1e9:.1f} GB are free; crop it, or write elsewhere"
        )
