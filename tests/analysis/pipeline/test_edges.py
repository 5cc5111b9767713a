"""Recordings and settings at the edge of what can be: a result, or one clear line."""

import numpy as np
import pytest

from syntalos_miniscope.analysis.backends import BackendError
from syntalos_miniscope.analysis.backends.making import tiny_movie
from syntalos_miniscope.analysis.folder_lock import held
from syntalos_miniscope.analysis.pipeline import MiniscopePipeline, configs_of
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.video import VideoReader, VideoWriter

NOISE = np.random.default_rng(0).integers(0, 256, (60, 97, 131), np.uint8)


@pytest.fixture
def analyse(tmp_path):
    """Analyses frames, and gives the pipeline and what it said."""

    def call(frames, name="a.mkv", **options):
        writer = VideoWriter(tmp_path / name, 20.0, frames[0])
        for index, frame in enumerate(frames):
            writer.add(frame, index * 50_000)
        writer.close()
        said: list[str] = []
        pipeline = MiniscopePipeline(say=said.append)
        configs = configs_of({}, {"backend": "built-in", **options})
        pipeline.run_recording(open_recording(tmp_path / name), configs, tmp_path / "out", True)
        return pipeline, said

    return call


@pytest.mark.parametrize(
    ("frames", "options"),
    [
        (np.zeros((60, 96, 96), np.uint8), {}),
        (np.zeros((60, 96, 96), np.uint8), {"df_over_f": True, "detrend_method": "linear"}),
        (NOISE, {"gSig": (0, 0)}),
        (NOISE, {"gSig": (100, 100), "gSiz": (400, 400)}),
        (NOISE[:, :40, :40], {"apply_motion_correction": False}),
        (np.stack([NOISE, NOISE, NOISE], axis=3), {}),
        (NOISE.astype(np.uint16) * 4, {"df_over_f": True}),
    ],
    ids=["dark", "dark, relative", "no size", "huge size", "tiny", "colour", "16 bits"],
)
def test_frames_without_cells_are_analysed_to_their_end(analyse, frames, options):
    pipeline, _ = analyse(frames, **options)
    assert len(pipeline.processing_result.extraction) == 0
    assert (pipeline.saved_movies / "report.html").is_file()
    assert (pipeline.saved_movies / "cells.csv").read_text().startswith("Component,Cell,X")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cut": (0.1, 30)}, "no band-pass and no phase: a band must lie between 0 and 10 Hz"),
        ({"window_length": 0.1}, "no spectrogram: a window of 0.1 s holds 2 samples"),
        ({"window_length": 1, "freq_lims": (40, 50)}, "no spectrogram: no frequency from 40"),
        ({}, "no spectrogram: 3.0 s are too short"),
    ],
)
def test_a_rhythm_that_cannot_be_had_is_said_and_left_out(analyse, options, words):
    pipeline, said = analyse(NOISE, run_CNMFE=False, plot_params=False, **options)
    assert any(text.startswith(words) for text in said)
    assert words in (pipeline.saved_movies / "report.html").read_text()


def test_a_recording_too_short_for_cells_is_refused_and_one_frame_is_shown(analyse, tmp_path):
    with pytest.raises(BackendError, match="too short to find cells in"):
        analyse(NOISE[:1])
    (tmp_path / "a.mkv").unlink()
    pipeline, _ = analyse(NOISE[:1], run_CNMFE=False)
    assert (pipeline.saved_movies / "report.html").is_file()


def test_frames_too_small_to_be_stabilised_are_refused(analyse):
    with pytest.raises(ValueError, match="40 x 40 pixels are too small to be stabilised"):
        analyse(NOISE[:, :40, :40])


def test_estimates_are_named_as_told_and_what_the_back_end_heard_is_written(analyse):
    pipeline, _ = analyse(
        NOISE, save_CNMFE_estimates_filename="mine.hdf5", save_CNMFE_params=True, plot_params=False
    )
    pytest.importorskip("h5py")
    assert (pipeline.saved_movies / "mine.hdf5").is_file()
    assert '"gSig"' in (pipeline.saved_movies / "opts_caiman.json").read_text()


def test_cells_beyond_those_that_are_looked_for_are_not_passed_over_in_silence(analyse, tmp_path):
    told = {"apply_motion_correction": False, "plot_params": False, "gSig": (3, 3)}
    _, said = analyse(tiny_movie(), K=2, **told)
    assert "2 cells were found, as many as were looked for; K says how many" in said
    (tmp_path / "a.mkv").unlink()
    pipeline, said = analyse(tiny_movie(), K=50, **told)
    assert 4 <= len(pipeline.processing_result.evaluation.snr) < 50
    assert not any("looked for" in text for text in said)


def test_a_damaged_frame_is_left_out_and_said(analyse, tmp_path, monkeypatch):
    whole = VideoReader.frames

    def holed(self, first=0):
        yield from (pair for pair in whole(self, first) if pair[0] != 30)
        self.damage.append("frame 30 is damaged")

    monkeypatch.setattr(VideoReader, "frames", holed)
    pipeline, said = analyse(NOISE, run_CNMFE=False, plot_params=False)
    assert said[0] == "frame 30 is damaged"
    prepared = pipeline.preprocessing_result.prepared
    assert prepared.index.tolist() == [k for k in range(60) if k != 30]
    assert len(pipeline.postprocessing_result.filtered) == 59


def test_a_name_is_text_on_the_page_and_not_html(analyse):
    pipeline, _ = analyse(NOISE[:20], "<b>me.mkv", run_CNMFE=False, plot_params=False)
    text = (pipeline.saved_movies / "report.html").read_text()
    assert "Analysis of &lt;b&gt;me" in text and "<b>" not in text


def test_a_second_analysis_of_the_same_folder_is_refused_and_changes_nothing(analyse, tmp_path):
    (tmp_path / "out").mkdir()
    with held(tmp_path / "out", AssertionError()):
        with pytest.raises(RecordingError, match="another analysis is writing"):
            analyse(NOISE, run_CNMFE=False)
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "a.mkv").unlink()
    analyse(NOISE, run_CNMFE=False, plot_params=False)
