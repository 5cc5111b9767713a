"""What a person, or a back end, decides in the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sessions import PARAMETERS, again, cells, onix_folder, project

from syntalos_miniscope.analysis.backends import BACKENDS, Installed, MotionCorrected
from syntalos_miniscope.analysis.pipeline import (
    MiniscopePipeline,
    stages,
)
from syntalos_miniscope.recording.video import VideoReader


def test_a_back_end_may_take_the_motion_back(frames, tmp_path, monkeypatch):
    place = onix_folder(tmp_path, frames[:60, :96, :96])
    asked: list[bool] = []

    def move(movie, parameters, backend, work_dir, progress, *, frame_rate_hz):
        asked.append(parameters.pw_rigid)
        work_dir.mkdir()
        (work_dir / "log.txt").write_text("moved")
        np.save(work_dir / "corrected.npy", np.roll(movie, 1, axis=1))
        moved = np.load(work_dir / "corrected.npy", mmap_mode="r")
        return MotionCorrected(moved, np.ones((60, 2), np.float32), "one", work_dir / "log.txt")

    one = Installed(BACKENDS["caiman"], Path("python"), "1")
    monkeypatch.setattr(stages, "choose_backend", lambda _: one)
    monkeypatch.setattr(stages.backends, "motion_correct", move)
    said: list[str] = []
    pipeline = MiniscopePipeline(say=said.append)
    table = project(tmp_path, {98: place}, PARAMETERS)
    told: Any = {"motion_correction": "backend", "run_CNMFE": False, "keep_movie": True}
    pipeline.run(98, table, headless=True, **told)
    assert not any("constant light" in text for text in said)
    movie = np.load(pipeline.saved_movies / "motion_corrected.npy")
    still = VideoReader(pipeline.preprocessing_result.preprocessed_movie_filepath).frames()
    before = np.stack([frame for _, frame in still]).astype(np.float32)
    np.testing.assert_allclose(movie, np.roll(before, 1, axis=1), atol=0.51)
    assert asked == [True] and (pipeline.processing_result.shifts[:, :2] == 1).all()
    left = {path.name for path in (pipeline.saved_movies / "work").iterdir()}
    assert "motion-log.txt" in left and not left & {"motion", "unmoved.npy"}
    assert "crispness" in (pipeline.saved_movies / "report.html").read_text()
    pipeline.run(98, table, headless=True, detrend_method="linear", **told)
    assert "motion in a movie without its constant light" in said[-2] + said[-1]


@pytest.mark.parametrize("backend", [None, "built-in"])
def test_without_a_back_end_it_is_said_and_the_cells_are_found(
    frames, tmp_path, monkeypatch, backend
):
    monkeypatch.setattr(stages, "choose_backend", lambda _: None)
    place = onix_folder(tmp_path, frames[:80, :96, :96])
    folder = project(tmp_path, {98: place}, 'line number,gSig\n98,"(3, 3)"\n')
    said: list[str] = []
    pipeline = MiniscopePipeline(say=said.append)
    pipeline.run(98, folder, headless=True, plot_params=False, backend=backend)
    assert cells(pipeline).backend == "built-in"
    words = "no back end is set up, so cells are found the built-in way; `syntalos-miniscope"
    assert any(text.startswith(words) for text in said) is (backend is None)


def test_without_crop_coords_nobody_is_asked_headless_and_it_is_said(frames, tmp_path):
    place = onix_folder(tmp_path, frames[:80, :96, :96])
    folder = project(tmp_path, {98: place}, PARAMETERS)
    said: list[str] = []
    pipeline = MiniscopePipeline(choose_crop=lambda _: pytest.fail("asked"), say=said.append)
    pipeline.run(98, folder, headless=True, run_CNMFE=False, plot_params=False)
    assert pipeline.preprocessing_result.coords is None
    assert said[0] == "there are no crop_coords, so the whole frame is analysed"


def test_a_person_chooses_the_crop_and_the_cells_and_a_headless_run_keeps_it(frames, tmp_path):
    place = onix_folder(tmp_path, frames[:300, :128, :128])
    folder = project(tmp_path, {98: place}, PARAMETERS)
    shown: list[tuple[int, ...]] = []

    def crop(image):
        shown.append(image.shape)
        return 0, 128, 120, 8

    def review(extraction, mean, evaluation):
        assert len(evaluation.snr) == len(evaluation.r) == len(extraction)
        shown.append((len(extraction), *mean.shape))
        return np.arange(len(extraction)) != 1

    pipeline = MiniscopePipeline(crop, review)
    pipeline.run(98, folder)
    assert shown[0] == (128, 128) and shown[1][1:] == (120, 120)
    kept = cells(pipeline)
    assert len(kept) == shown[1][0] - 1
    assert pipeline.preprocessing_result.coords == {"x0": 0, "y0": 128, "x1": 120, "y1": 8}
    headless, busy = again(folder, 98)
    assert "Preparing the movie" not in busy
    np.testing.assert_array_equal(cells(headless).traces, kept.traces)
