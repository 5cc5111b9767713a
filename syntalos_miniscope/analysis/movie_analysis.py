"""The live chain over a whole recording: stabilised, cells found, their traces and spikes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.alignment import translate
from syntalos_miniscope.analysis.cell_finder import CellSearch, find_cells, half_band
from syntalos_miniscope.analysis.events import noise_sd
from syntalos_miniscope.analysis.oasis import deconvolve
from syntalos_miniscope.analysis.pipeline.preprocessing import crop_window
from syntalos_miniscope.analysis.rois import Rois, save_rois
from syntalos_miniscope.analysis.stabilise import Stabiliser
from syntalos_miniscope.analysis.traces import trace_reader
from syntalos_miniscope.recording.recorded import Recording

Crop = tuple[float, float, float, float]
OnFrame = Callable[[int, int], None]
"""Is told how many steps are done, and how many there will be."""

SEARCHED_PICTURES = 600
"""Pictures, of up to 10 a second, in which cells are looked for: memory does not grow with the
recording."""

SPIKE_SD = 2.0
"""The least rise of a spike, in standard deviations of a trace's noise."""

STRETCHES = 4
"""A longer recording is searched in so many stretches, spread over it evenly."""


@dataclass(frozen=True, slots=True, eq=False)
class MovieAnalysis:
    """What was found. `traces` and `spikes` are (cell, frame), in counts of the sensor."""

    time_us: NDArray[np.int64]
    frame_rate_hz: float
    crop: tuple[int, int, int, int]
    """(top, bottom, left, right) of the frames that were looked at."""
    shifts: NDArray[np.float32]
    """(frame, 3): how far the picture had moved down and right, px, and how well it fits."""
    mean: NDArray[np.float32]
    """(H, W) of the stabilised frames."""
    rois: Rois
    traces: NDArray[np.float32]
    spikes: NDArray[np.float32]

    def save(self, folder: Path) -> None:
        """Write `estimates.npz` and `rois.json`; the latter can be loaded on a canvas."""
        np.savez_compressed(
            folder / "estimates.npz",
            time_us=self.time_us,
            frame_rate_hz=self.frame_rate_hz,
            crop=np.array(self.crop),
            shifts=self.shifts,
            mean=self.mean,
            C=self.traces,
            S=self.spikes,
            names=np.array(self.rois.names, np.str_),
        )
        save_rois(self.rois, folder / "rois.json")


def analyse(
    recording: Recording,
    *,
    crop_coords: Crop | None = None,
    rois: Rois | None = None,
    search: CellSearch | None = None,
    decay_s: float = 0.4,
    on_frame: OnFrame | None = None,
) -> MovieAnalysis:
    """Analyse a recording, reading it twice; frames are never all in memory.

    Cells are found, unless `rois` says where they are: in the stabilised frames, cropped if
    `crop_coords` (x0, y0, x1, y1; y from the bottom) are given. ValueError if the crop or the
    regions do not fit the frames.
    """
    top, bottom, left, right = _window(recording, crop_coords)
    shape = (bottom - top, right - left)
    if rois is not None and rois.shape != shape:
        raise ValueError(
            f"the regions are for frames of {rois.shape[1]} x {rois.shape[0]} pixels, these have "
            f"{shape[1]} x {shape[0]}"
        )
    steps = 2 * len(recording)
    seen = _Seen(len(recording), recording.frame_rate_hz, search or CellSearch(most_cells=1000))
    for place, frame in _grey(recording):
        seen.add(frame[top:bottom, left:right])
        _tell(on_frame, place + 1, steps)
    cells = rois if rois is not None else seen.cells(shape)
    shifts = np.array(seen.shifts, np.float32).reshape(-1, 3)
    traces = np.zeros((len(shifts), len(cells)), np.float32)
    mean = np.zeros(shape, np.float64)
    read = trace_reader(cells, "demix")
    for place, frame in _grey(recording):
        inner = np.ascontiguousarray(frame[top:bottom, left:right])
        still = np.empty_like(inner)
        translate(inner, float(shifts[place, 0]), float(shifts[place, 1]), still)
        mean += still
        traces[place] = read(still)
        _tell(on_frame, len(recording) + place + 1, steps)
    return MovieAnalysis(
        time_us=recording.time_us[: len(shifts)],
        frame_rate_hz=recording.frame_rate_hz,
        crop=(top, bottom, left, right),
        shifts=shifts,
        mean=(mean / max(len(shifts), 1)).astype(np.float32),
        rois=cells,
        traces=traces.T.copy(),
        spikes=_spikes(traces, recording.frame_rate_hz, decay_s),
    )


class _Seen:
    """The first reading: shifts of all frames, and the pictures in which cells are looked for."""

    def __init__(self, frames: int, rate_hz: float, search: CellSearch) -> None:
        self.shifts: list[tuple[float, float, float]] = []
        self._search = search
        self._stabiliser = Stabiliser()
        self._bin = max(round(rate_hz / 10), 1)
        wanted = min(frames, SEARCHED_PICTURES * self._bin)
        pauses = max(STRETCHES - 1, 1)
        stretch = max(wanted // STRETCHES, 1)
        gap = (frames - stretch) / pauses
        self._begins = [round(k * gap) for k in range(STRETCHES)] if wanted < frames else [0]
        self._stretch = stretch if wanted < frames else frames
        self._waiting: list[NDArray[np.float32]] = []
        self._pictures: list[NDArray[np.float32]] = []

    def add(self, frame: NDArray[Any]) -> None:
        at = len(self.shifts)
        still, shift = self._stabiliser(np.ascontiguousarray(frame))
        self.shifts.append((shift.dy, shift.dx, shift.quality))
        if not any(begin <= at < begin + self._stretch for begin in self._begins):
            self._waiting.clear()
            return
        self._waiting.append(half_band(still, self._search.diameter_px))
        if len(self._waiting) == self._bin:
            self._pictures.append(np.stack(self._waiting).mean(axis=0, dtype=np.float32))
            self._waiting.clear()

    def cells(self, shape: tuple[int, int]) -> Rois:
        if len(self._pictures) < 10:
            raise ValueError(
                "the recording is too short to find cells in; give regions, or a longer one"
            )
        return find_cells(self._pictures, shape, self._search)


def cropped_shape(recording: Recording, crop_coords: Crop | None) -> tuple[int, int]:
    """Give height and width of what is analysed; ValueError if the crop does not fit."""
    top, bottom, left, right = _window(recording, crop_coords)
    return bottom - top, right - left


def _window(recording: Recording, crop_coords: Crop | None) -> tuple[int, int, int, int]:
    height, width = recording.source.size
    return (0, height, 0, width) if crop_coords is None else crop_window(
        crop_coords, (height, width)
    )  # fmt: skip


def _grey(recording: Recording) -> Iterator[tuple[int, NDArray[Any]]]:
    for place, frame in enumerate(recording.frames()):
        mat = frame.mat
        yield place, cv2.cvtColor(mat, cv2.COLOR_BGR2GRAY) if mat.ndim == 3 else mat


def _spikes(traces: NDArray[np.float32], rate_hz: float, decay_s: float) -> NDArray[np.float32]:
    """Give the deconvolved activity of (frame, cell) traces, (cell, frame)."""
    noise = noise_sd(traces.astype(np.float64))
    out = np.zeros(traces.T.shape, np.float32)
    for cell, least in enumerate(SPIKE_SD * noise):
        if np.isfinite(least):
            g = exp(-1 / (decay_s * rate_hz))
            out[cell] = deconvolve(traces[:, cell], g, least_spike=float(least))[1]
    return out


def _tell(on_frame: OnFrame | None, done: int, of: int) -> None:
    if on_frame is not None:
        on_frame(done, of)
