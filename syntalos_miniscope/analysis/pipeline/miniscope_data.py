"""One experiment of a project: its row, its recording, and how it is to be analysed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.pipeline.configs import Configs
from syntalos_miniscope.analysis.pipeline.experiment_tables import (
    TableError,
    TableLine,
    configs_of_line,
    read_experiment,
    read_parameters,
)
from syntalos_miniscope.analysis.pipeline.preprocessing import crop_window
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.daq import TIMES, is_daq
from syntalos_miniscope.recording.onix import START
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.recorded import Recording

SAVED = "saved_movies"
"""Where results lie, beside the recording; nothing in it is taken for one."""

CALCIUM = "calcium imaging directory"


@dataclass(frozen=True, slots=True, eq=False)
class MiniscopeDataManager:
    """A Miniscope recording that a project names, whichever system made it."""

    recording: Recording
    configs: Configs
    metadata: Mapping[str, str]
    """The row of `experiments.csv`, by column."""
    analysis_params: Mapping[str, Any]
    """The row of `analysis_parameters.csv` as values; empty without that table."""
    saved_movies: Path
    """The folder of the results."""

    @classmethod
    def create(
        cls,
        line_num: int,
        project_path: str | Path,
        data_path: str | Path | None = None,
        **options: Any,
    ) -> MiniscopeDataManager:
        """Open what a line of `experiments.csv` names, below `data_path` (else the project).

        The files say whether a UCLA or an ONIX system recorded it. `options` stand over the
        line of `analysis_parameters.csv`. TableError, RecordingError or ConfigError, in one line,
        if it cannot be.
        """
        project = Path(project_path).expanduser()
        experiment = read_experiment(project, line_num)
        parameters = read_parameters(project, line_num)
        configs = configs_of_line(parameters, options)
        folder = _imaging_folder(experiment, Path(data_path or project).expanduser())
        recording = open_experiment(folder)
        if parameters is not None and "crop_coords" not in options:
            _ensure_crop_fits(parameters, configs, recording)
        return cls(
            recording,
            configs,
            experiment.cells,
            parameters.parsed() if parameters else {},
            folder / SAVED,
        )

    @property
    def layout(self) -> str:
        """Which system's files they are: `daq` for UCLA's, `onix`, or another that can be read."""
        return self.recording.layout

    @property
    def time_s(self) -> NDArray[np.float64]:
        """When each frame was taken, (frame,), s."""
        return self.recording.time_us / 1e6

    @property
    def frame_rate_hz(self) -> float:
        """The rate from the times of the frames."""
        return self.recording.frame_rate_hz


def open_experiment(folder: Path) -> Recording:
    """Open the only Miniscope recording at or anywhere below a folder.

    RecordingError if there is none, or more than one.
    """
    if not folder.is_dir():
        return open_recording(folder)
    below = {file.parent for file in folder.rglob(START) if SAVED not in file.parts}
    devices = {file.parent for file in folder.rglob(TIMES) if SAVED not in file.parts}
    # Devices lie side by side in a session, which knows which of them are cameras.
    below |= {folder} if folder in devices or is_daq(folder) else {at.parent for at in devices}
    if len(below) > 1:
        names = ", ".join(str(place) for place in sorted(below))
        raise RecordingError(f"{folder} holds {len(below)} recordings; give one of them: {names}")
    return open_recording(below.pop() if below else folder)


def _imaging_folder(experiment: TableLine, data: Path) -> Path:
    name = experiment.cells.get(CALCIUM, "").strip()
    if CALCIUM not in experiment.cells:
        raise TableError(f"{experiment.where}: there is no column {CALCIUM!r}")
    if not name:
        raise TableError(f"{experiment.where}, column {CALCIUM}: it is empty; give a folder")
    folder = data / name
    if not folder.exists():
        raise TableError(f"{experiment.where}, column {CALCIUM}: there is no folder {folder}")
    return folder


def _ensure_crop_fits(line: TableLine, configs: Configs, recording: Recording) -> None:
    config = configs.preprocess
    try:
        if config.crop and config.crop_coords is not None:
            crop_window(config.crop_coords, recording.source.size)
    except ValueError as error:
        raise TableError(f"{line.where}, column crop_coords: {error}") from error
