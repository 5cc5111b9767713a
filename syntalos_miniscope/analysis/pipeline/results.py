"""What the pipeline leaves on itself, one result for each stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.extraction import Evaluation, Extraction
from syntalos_miniscope.analysis.pipeline.motion import MotionView
from syntalos_miniscope.analysis.pipeline.prepare import Prepared
from syntalos_miniscope.analysis.pipeline.tuning import Tuning

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PreprocessingResult:
    """The recording, cropped and detrended."""

    preprocessed_movie_filepath: Path
    coords: dict[str, int] | None
    """x0, y0, x1, y1 of the crop, y counted from the bottom; None: the whole frame."""
    prepared: Prepared


@dataclass(frozen=True, slots=True, eq=False)
class ProcessingResult:
    """The motion and the cells."""

    shifts: NDArray[np.float32]
    """(frame, 3): how far the picture had moved down and right, px, and how well it fits."""
    motion: MotionView | None
    motion_corrected_movie_filepath: Path | None
    """The movie (frame, H, W) float32, `.npy`; None once it is deleted."""
    tuning: tuple[Tuning, ...]
    extraction: Extraction | None
    """The accepted cells."""
    evaluation: Evaluation | None
    """Of all cells that were found, the rejected too."""
    estimates_filepath: Path | None
    opts_caiman_filepath: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class Projections:
    """The movie seen along one axis."""

    time: Floats
    """(frame,): the mean of each frame, counts; band-passed if `inline`."""
    mean: NDArray[np.float32]
    """(H, W): the mean of the motion-corrected movie."""


@dataclass(frozen=True, slots=True, eq=False)
class PostprocessingResult:
    """Events and rhythms; None is what was not asked for, or could not be had."""

    projections: Projections
    ca_events_idx: dict[int, NDArray[np.int64]] | None
    """Frames of the events of each accepted cell."""
    PSD_spect: Floats | None
    """(frequency, window), counts² / Hz."""
    t_spect: Floats | None
    """Middle of each window, s."""
    freqs_spect: Floats | None
    """Hz."""
    p_spect: Floats | None
    """(frequency, window), dB of counts² / Hz."""
    miniscope_phases: Floats | None
    """(frame,), rad."""
    filtered: Floats | None
    """(frame,), counts: the mean fluorescence in the band."""
