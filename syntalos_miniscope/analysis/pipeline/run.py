"""The whole pipeline: from a line of a project, or a recording, to results on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.backends import Progress
from syntalos_miniscope.analysis.extraction import Evaluation, Extraction
from syntalos_miniscope.analysis.folder_lock import held
from syntalos_miniscope.analysis.pipeline.configs import (
    Configs,
    PostprocessConfig,
    PreprocessConfig,
    ProcessConfig,
)
from syntalos_miniscope.analysis.pipeline.estimates import NEEDS_H5PY
from syntalos_miniscope.analysis.pipeline.miniscope_data import MiniscopeDataManager
from syntalos_miniscope.analysis.pipeline.outputs import write_outputs
from syntalos_miniscope.analysis.pipeline.page import Shown
from syntalos_miniscope.analysis.pipeline.postprocess import postprocess
from syntalos_miniscope.analysis.pipeline.prepare import grey
from syntalos_miniscope.analysis.pipeline.preprocessing import Crop, crop_window
from syntalos_miniscope.analysis.pipeline.remarks import remarks_on_cells, remarks_on_motion
from syntalos_miniscope.analysis.pipeline.results import (
    PostprocessingResult,
    PreprocessingResult,
    ProcessingResult,
)
from syntalos_miniscope.analysis.pipeline.stages import MOVIE, Processed, Stages
from syntalos_miniscope.analysis.pipeline.steps import Steps, recording_stamp, stamp
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.recorded import Recording

Image = NDArray[np.float32]
ChooseCrop = Callable[[Image], Crop | None]
"""Is shown a picture (H, W), and gives (x0, y0, x1, y1), y from the bottom; None: all of it."""
Review = Callable[[Extraction, Image, Evaluation], NDArray[np.bool_]]
"""Is shown the accepted cells, the mean picture (H, W) and how the cells were judged, and says
which are kept, (cell,)."""

LOOKED_AT_FRAMES = 60
"""The mean of so many is shown to choose a crop."""


class MiniscopePipeline:
    """Analyses a recording, and keeps what each stage gave as an attribute.

    `choose_crop` and `review_components` ask a person, if the run is not headless; without them
    nobody is asked. `progress` is told what is going on, and `say` what a person should know.
    """

    miniscope_data_manager: MiniscopeDataManager
    preprocessing_result: PreprocessingResult
    processing_result: ProcessingResult
    postprocessing_result: PostprocessingResult
    saved_movies: Path
    """The folder of the results; `report.html` shows them."""

    def __init__(
        self,
        choose_crop: ChooseCrop | None = None,
        review_components: Review | None = None,
        progress: Progress | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._choose_crop = choose_crop
        self._review = review_components
        self._tell = progress or _nobody_listens
        self._say = say or logging.getLogger(__name__).warning

    def run(
        self,
        line_num: int,
        project_path: str | Path,
        data_path: str | Path | None = None,
        headless: bool = False,
        crop_coords: Crop | None = None,
        **options: Any,
    ) -> None:
        """Analyse what a line of a project names; results are written to its `saved_movies`.

        `options` are settings by the names of their columns, and stand over the line of
        `analysis_parameters.csv`. A run that was stopped goes on with the step it was in; one that
        is whole does only what other settings make different. ValueError (TableError,
        ConfigError), RecordingError or BackendError, in one line, if it cannot be.
        """
        if crop_coords is not None:
            options["crop_coords"] = tuple(crop_coords)
        data = MiniscopeDataManager.create(line_num, project_path, data_path, **options)
        self._run(data, headless)

    def run_with_configs(
        self,
        line_num: int,
        preprocess: PreprocessConfig,
        process: ProcessConfig,
        postprocess: PostprocessConfig,
        project_path: str | Path,
        data_path: str | Path | None = None,
        headless: bool = False,
    ) -> None:
        """Do the same with whole settings of the three stages, whatever the table says of them.

        How cells are extracted is still told by the table.
        """
        data = MiniscopeDataManager.create(line_num, project_path, data_path)
        configs = Configs(preprocess, process, postprocess, data.configs.extraction)
        self._run(replace(data, configs=configs), headless)

    def run_recording(
        self, recording: Recording, configs: Configs, folder: Path, headless: bool = False
    ) -> None:
        """Analyse a recording without a project, into a folder."""
        self._run(MiniscopeDataManager(recording, configs, {}, {}, folder), headless)

    def _run(self, data: MiniscopeDataManager, headless: bool) -> None:
        self.miniscope_data_manager = data
        self.saved_movies = data.saved_movies
        refused = RecordingError(
            f"another analysis is writing to {data.saved_movies}; wait until it has ended, or stop "
            f"it"
        )
        with held(data.saved_movies, refused):
            self._analyse(data, headless)

    def _analyse(self, data: MiniscopeDataManager, headless: bool) -> None:
        folder = data.saved_movies
        notes: list[str] = []
        base = recording_stamp(data.recording)
        steps = Steps(folder)
        steps.refuse_others(base)
        coords = self._crop(data, steps, base, headless, notes)
        size = data.recording.source.size
        window = (0, size[0], 0, size[1]) if coords is None else crop_window(coords, size)
        stages = Stages(data.recording, base, data.configs, steps, window, self._tell)
        steps.claim(base)
        found = stages.process()
        notes += data.recording.findings
        notes += remarks_on_motion(data.configs) + remarks_on_cells(found.extraction, data.configs)
        judged = self._judged(data.configs, found, steps, stages.cells_stamp, headless)
        kept = _accepted(found.extraction, judged)
        self._tell("Events and rhythms", None)
        told = data.configs.postprocess
        rhythm = postprocess(kept, found.prepared, data.frame_rate_hz, told, notes)
        shown = Shown(
            f"Analysis of {data.recording.name}",
            data.configs,
            data.frame_rate_hz,
            found.prepared,
            found.motion,
            found.tuning,
            found.extraction,
            judged,
            rhythm,
            tuple(notes),
        )
        self._tell("Writing the results", None)
        written = write_outputs(steps, shown, data.recording, coords)
        self._keep(data, stages, found, shown, written, coords)
        if kept is not None and data.configs.process.save_estimates and "estimates" not in written:
            notes.append(NEEDS_H5PY)
        for note in notes:
            self._say(note)

    def _keep(
        self,
        data: MiniscopeDataManager,
        stages: Stages,
        found: Processed,
        shown: Shown,
        written: dict[str, Path],
        coords: Crop | None,
    ) -> None:
        """Keep what each stage gave."""
        movie = data.saved_movies / MOVIE
        if not data.configs.process.keep_movie:
            movie.unlink(missing_ok=True)
        self.preprocessing_result = PreprocessingResult(
            stages.video, _named(coords), found.prepared
        )
        self.processing_result = ProcessingResult(
            shifts=found.prepared.shifts,
            motion=found.motion,
            motion_corrected_movie_filepath=movie if movie.exists() else None,
            tuning=found.tuning,
            extraction=_accepted(shown.extraction, shown.evaluation),
            evaluation=shown.evaluation,
            estimates_filepath=written.get("estimates"),
            opts_caiman_filepath=written.get("opts_caiman"),
        )
        self.postprocessing_result = shown.rhythm

    def _crop(
        self, data: MiniscopeDataManager, steps: Steps, base: str, headless: bool, notes: list[str]
    ) -> Crop | None:
        """Give the crop that is told, or that a person chooses or chose before."""
        config = data.configs.preprocess
        if not config.crop or config.crop_coords is not None:
            return config.crop_coords if config.crop else None
        before: Sequence[float] | None = steps.told("crop", base)
        if not headless and self._choose_crop is not None and (before is None or steps.whole):
            coords = self._choose_crop(_first_light(data.recording))
            steps.claim(base)
            steps.finish("crop", base, told=list(coords or ()))
            return coords
        if before is None and data.metadata:
            notes.append("there are no crop_coords, so the whole frame is analysed")
        if not before:
            return None
        x0, y0, x1, y1 = before
        return x0, y0, x1, y1

    def _judged(
        self, configs: Configs, found: Processed, steps: Steps, cells: str, headless: bool
    ) -> Evaluation | None:
        """Say which cells are accepted: by their figures, and by a person, now or before."""
        if found.extraction is None or found.evaluation is None:
            return None
        judged, parameters = found.evaluation, configs.extraction
        if configs.postprocess.evaluate_components:
            good = (judged.snr >= parameters.min_SNR) & (judged.r >= parameters.rval_thr)
            judged = replace(judged, accepted=good)
        if not configs.postprocess.remove_components_with_gui:
            return judged
        shown = stamp(cells, judged.accepted.tolist())
        keep = np.zeros(len(judged.accepted), np.bool_)
        if not headless and self._review is not None and judged.accepted.any():
            self._tell("Waiting for your review", None)
            good = judged.accepted
            figures = Evaluation(judged.snr[good], judged.r[good], good[good])
            keep[good] = self._review(found.extraction.kept(good), found.prepared.mean, figures)
            steps.finish("review", shown, told=np.flatnonzero(keep).tolist())
        elif (before := steps.told("review", shown)) is not None:
            keep[before] = True
        else:
            return judged
        return replace(judged, accepted=keep)


def _first_light(recording: Recording) -> Image:
    """Give the mean of the first frames (H, W)."""
    height, width = recording.source.size
    frames = islice(grey(recording, (0, height, 0, width)), LOOKED_AT_FRAMES)
    mean = np.mean([frame for _, _, frame in frames], axis=0, dtype=np.float64)
    return np.asarray(mean, np.float32)


def _accepted(found: Extraction | None, judged: Evaluation | None) -> Extraction | None:
    return found.kept(judged.accepted) if found is not None and judged is not None else None


def _named(coords: Crop | None) -> dict[str, int] | None:
    if coords is None:
        return None
    return dict(zip(("x0", "y0", "x1", "y1"), (round(value) for value in coords), strict=True))


def _nobody_listens(_: str, __: float | None) -> None:
    pass
