"""From a recording to its cells: steps that are done once for the same input and settings."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from syntalos_miniscope.analysis import backends
from syntalos_miniscope.analysis.backends import (
    BUILT_IN,
    BackendError,
    Installed,
    Progress,
    choose_backend,
)
from syntalos_miniscope.analysis.extraction import Evaluation, Extraction, evaluate_components
from syntalos_miniscope.analysis.pipeline.configs import Configs, ProcessConfig
from syntalos_miniscope.analysis.pipeline.estimates import (
    load_arrays,
    load_extraction,
    save_arrays,
    save_extraction,
)
from syntalos_miniscope.analysis.pipeline.motion import MotionView, MotionWitness
from syntalos_miniscope.analysis.pipeline.movie_file import open_movie
from syntalos_miniscope.analysis.pipeline.prepare import (
    PICTURED_FRAMES,
    Prepared,
    Window,
    prepare,
)
from syntalos_miniscope.analysis.pipeline.steps import Steps, rois_stamp, stamp
from syntalos_miniscope.analysis.pipeline.tuning import SIZES, Tuning, tunings
from syntalos_miniscope.analysis.rois import load_rois
from syntalos_miniscope.recording.recorded import Recording

MOVIE, ESTIMATES = "motion_corrected.npy", "estimates.npz"
UNMOVED, PREPARED, MOTION = "work/unmoved.npy", "work/prepared.npz", "work/motion.npz"
TUNING = tuple(f"work/tuning_{k}.npz" for k in range(len(SIZES)))


@dataclass(frozen=True, slots=True, eq=False)
class Processed:
    """What the steps gave."""

    prepared: Prepared
    motion: MotionView
    tuning: tuple[Tuning, ...]
    extraction: Extraction | None
    evaluation: Evaluation | None
    """Not judged yet: every cell counts as accepted."""


class Stages:
    """The steps of one analysis in a folder, whose work lies in `work/` beneath it.

    `base` is the stamp of the recording.
    """

    def __init__(
        self,
        recording: Recording,
        base: str,
        configs: Configs,
        steps: Steps,
        window: Window,
        tell: Progress,
    ) -> None:
        self.folder = steps.folder
        self.steps = steps
        self._recording, self._configs, self._window = recording, configs, window
        self._tell = tell
        process, parameters = configs.process, configs.extraction
        self._rois = None
        if process.rois is not None:
            top, bottom, left, right = window
            self._rois = load_rois(process.rois, (bottom - top, right - left))
        chosen = _chosen(process, self._moved_by_backend)
        self._extractor = chosen or BUILT_IN
        by = (chosen.backend.name, chosen.version) if chosen else BUILT_IN
        told = parameters.model_dump(mode="json")
        stabilise = process.apply_motion_correction and not self._moved_by_backend
        pre = configs.preprocess.model_dump(mode="json", exclude={"crop", "crop_coords"})
        prepared = stamp(base, window, pre, stabilise)
        self._unmoved_stamp = prepared
        self._movie_stamp = stamp(prepared, told, by) if self._moved_by_backend else prepared
        self._tuning_stamp = stamp(self._movie_stamp, told["gSig"], told["gSiz"])
        judged = {"min_SNR", "rval_thr"}
        kept = {name: value for name, value in told.items() if name not in judged}
        given = None if self._rois is None else (self._rois.names, rois_stamp(self._rois))
        self.cells_stamp = stamp(self._movie_stamp, kept, by, given)

    @property
    def video(self) -> Path:
        """The cropped and detrended movie, for people and other programs."""
        pre = self._configs.preprocess
        detrended = "_detrended" if pre.detrend_method else ""
        return self.folder / f"preprocessed{detrended}{'_dFoverF' if pre.df_over_f else ''}.avi"

    def process(self) -> Processed:
        """Do what is not done yet, and give what there is."""
        process = self._configs.process
        tuned = not process.plot_params or self.steps.has("tuning", self._tuning_stamp)
        found = not process.run_CNMFE or self.steps.has("cells", self.cells_stamp)
        there = self.steps.has("movie", self._movie_stamp)
        if not self.steps.has("prepared", self._movie_stamp) or not (
            there or (tuned and found and not process.keep_movie)
        ):
            self._make_movie()
        if not tuned:
            self._tune()
        if not found:
            self._extract()
        extraction, evaluation = (
            load_extraction(self.folder / ESTIMATES) if process.run_CNMFE else (None, None)
        )
        pictures = TUNING if process.plot_params else ()
        return Processed(
            load_arrays(self.folder / PREPARED, Prepared),
            load_arrays(self.folder / MOTION, MotionView),
            tuple(load_arrays(self.folder / name, Tuning) for name in pictures),
            extraction,
            evaluation,
        )

    @property
    def _moved_by_backend(self) -> bool:
        process = self._configs.process
        return process.apply_motion_correction and process.motion_correction == "backend"

    def _make_movie(self) -> None:
        (self.folder / "work").mkdir(parents=True, exist_ok=True)
        for step in ("prepared", "movie"):
            self.steps.begin(step)
        movie = UNMOVED if self._moved_by_backend else MOVIE
        if not self._moved_by_backend:
            (self.folder / UNMOVED).unlink(missing_ok=True)
        if not self.steps.has("unmoved", self._unmoved_stamp):
            self._prepare(movie)
        if self._moved_by_backend:
            self._move()
        files = (self.video.name, self.video.with_suffix(".json").name, PREPARED, MOTION)
        self.steps.finish("prepared", self._movie_stamp, files)
        self.steps.finish("movie", self._movie_stamp, (MOVIE,))

    def _prepare(self, movie: str) -> None:
        process = self._configs.process
        prepared, witness = prepare(
            self._recording,
            self._window,
            self._configs.preprocess,
            stabilise=process.apply_motion_correction and not self._moved_by_backend,
            movie=self.folder / movie,
            video=self.video,
            tell=lambda done, of: self._tell("Preparing the movie", done / of),
        )
        save_arrays(self.folder / PREPARED, prepared)
        save_arrays(self.folder / MOTION, witness.view())
        if self._moved_by_backend:
            self.steps.finish("unmoved", self._unmoved_stamp, (UNMOVED, PREPARED))

    def _move(self) -> None:
        """Have the back end correct the motion, and take over its movie."""
        unmoved = open_movie(self.folder / UNMOVED)
        work = self.folder / "work" / "motion"
        moved = backends.motion_correct(
            unmoved,
            self._configs.extraction,
            self._extractor,
            work,
            self._tell,
            frame_rate_hz=self._recording.frame_rate_hz,
        )
        witness = MotionWitness(len(unmoved), PICTURED_FRAMES)
        total = np.zeros(unmoved.shape[1:])
        for place, (before, after) in enumerate(zip(unmoved, moved.movie, strict=True)):
            witness.add(place, before, after)
            total += after
        shifts = np.zeros((len(unmoved), 3), np.float32)
        shifts[:, :2], shifts[:, 2] = moved.shifts, np.nan
        prepared = replace(
            load_arrays(self.folder / PREPARED, Prepared),
            shifts=shifts,
            mean=(total / len(unmoved)).astype(np.float32),
        )
        save_arrays(self.folder / PREPARED, prepared)
        save_arrays(self.folder / MOTION, witness.view())
        (work / "corrected.npy").replace(self.folder / MOVIE)
        (self.folder / UNMOVED).unlink()
        _keep_log(work)

    def _tune(self) -> None:
        self.steps.begin("tuning")
        parameters = self._configs.extraction
        found = tunings(
            open_movie(self.folder / MOVIE),
            parameters.gSig,
            parameters.gSiz,
            lambda done, of: self._tell("Looking at sizes and thresholds", done / of),
        )
        for name, one in zip(TUNING, found, strict=True):
            save_arrays(self.folder / name, one)
        self.steps.finish("tuning", self._tuning_stamp, TUNING)

    def _extract(self) -> None:
        movie = open_movie(self.folder / MOVIE)
        rate_hz = self._recording.frame_rate_hz
        work = self.folder / "work" / "extraction"
        extraction = backends.extract(
            movie,
            self._configs.extraction,
            self._extractor,
            work,
            self._tell,
            frame_rate_hz=rate_hz,
            rois=self._rois,
        )
        self._tell("Judging the cells", None)
        evaluation = evaluate_components(
            extraction,
            movie,
            frame_rate_hz=rate_hz,
            decay_time_s=self._configs.extraction.decay_time,
        )
        prepared = load_arrays(self.folder / PREPARED, Prepared)
        self.steps.begin("cells")
        save_extraction(
            self.folder / ESTIMATES,
            extraction,
            evaluation,
            time_us=prepared.time_us,
            frame_rate_hz=rate_hz,
            crop=np.array(self._window),
            shifts=prepared.shifts,
            mean=prepared.mean,
        )
        self.steps.finish("cells", self.cells_stamp, (ESTIMATES,))
        _keep_log(work)


def _keep_log(work: Path) -> None:
    """Leave of a back end's folder what it printed."""
    log = work / "log.txt"
    if log.is_file():
        log.replace(work.with_name(f"{work.name}-log.txt"))
    shutil.rmtree(work, ignore_errors=True)


def _chosen(process: ProcessConfig, moves: bool) -> Installed | None:
    """Give the back end that is to be asked; None for the built-in. BackendError if it cannot."""
    if not process.run_CNMFE and not moves:
        return None
    alone = process.rois is not None and not moves
    chosen = choose_backend(process.backend or (BUILT_IN if alone else None))
    if moves and chosen is None:
        raise BackendError(
            "no back end that corrects motion is set up; set one up with `syntalos-miniscope "
            "analyze-setup`, or leave motion_correction to the stabiliser"
        )
    if process.rois is not None and chosen is not None:
        raise BackendError(
            f"{chosen.backend.name} looks for cells itself; {BUILT_IN} takes given ones"
        )
    return chosen
