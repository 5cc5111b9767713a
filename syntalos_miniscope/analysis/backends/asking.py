"""Asks a back end for cells, or for a movie without motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.backends.environments import Installed
from syntalos_miniscope.analysis.extraction import Extraction, ExtractionParameters

Progress = Callable[[str, float | None], None]
"""Is told what is going on, and how much of it is done, from 0 to 1, if that is known."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionCorrected:
    """A movie (frame, H, W) float32 on disk, without motion, and the shifts taken back."""

    movie: NDArray[np.float32]
    shifts: NDArray[np.float32]
    """(frame, 2): how far the picture had moved down and right, px; the mean of the pieces."""
    backend: str
    log: Path


def extract(
    movie: NDArray[Any],
    parameters: ExtractionParameters,
    backend: str | Installed,
    work_dir: Path,
    progress: Progress | None = None,
    *,
    frame_rate_hz: float,
) -> Extraction:
    """Have a back end extract the cells of a stabilised movie (frame, H, W), uint8 to float32.

    The work folder is made, and kept: a result that is there already for the same movie,
    parameters and version is taken. BackendError, in one line, if the back end is not set up or
    fails; on KeyboardInterrupt its processes are ended.
    """
    raise NotImplementedError


def motion_correct(
    movie: NDArray[Any],
    parameters: ExtractionParameters,
    backend: str | Installed,
    work_dir: Path,
    progress: Progress | None = None,
    *,
    frame_rate_hz: float,
) -> MotionCorrected:
    """Have a back end take the motion out of a movie, piecewise if `parameters.pw_rigid` says so.

    As `extract` in all else.
    """
    raise NotImplementedError
