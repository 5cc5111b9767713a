"""The whole pipeline on the folders of both systems, as a user of Python would run it."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from scipy import signal
from sessions import PARAMETERS, again, cells, daq_session, onix_folder, project

from syntalos_miniscope.analysis.matching import best_matching, cosines
from syntalos_miniscope.analysis.pipeline import (
    MiniscopePipeline,
    PostprocessConfig,
    PreprocessConfig,
    ProcessConfig,
    configs_of,
)
from syntalos_miniscope.analysis.pipeline.rhythms import band_passed
from syntalos_miniscope.analysis.rois import Rois, load_rois, save_rois
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.video import VideoReader

CROP = (0, 256, 128, 128)
"""The upper left quarter, y from the bottom: a dozen cells."""


@pytest.fixture(scope="module")
def rig(frames, tmp_path_factory):
    """A project of an UCLA session and an ONIX folder."""
    root = tmp_path_factory.mktemp("rig")
    lines = {96: daq_session(root / "data", frames), 97: onix_folder(root / "data", frames)}
    return project(root, lines, PARAMETERS)


@pytest.fixture(scope="module")
def ucla(rig) -> MiniscopePipeline:
    told: list[str] = []
    pipeline = MiniscopePipeline(progress=lambda what, _: told.append(what), say=told.append)
    pipeline.run(line_num=96, project_path=str(rig), headless=True)
    assert "Preparing the movie" in told
    return pipeline


def events(pipeline) -> int:
    return sum(map(len, pipeline.postprocessing_result.ca_events_idx.values()))


def test_the_cells_of_an_ucla_session_are_found_with_their_traces(ucla, sparse):
    found = cells(ucla)
    true = [(0, 0, one[:128, :128]) for one in sparse.footprints.astype(np.float32)]
    whole = [
        k for k, (_, _, one) in enumerate(true) if one.sum() > 0.9 * sparse.footprints[k].sum()
    ]
    pairs = best_matching(cosines(found.rois().footprints, [true[k] for k in whole]), 0.6)
    assert len(pairs) >= len(whole) - 1 and len(found) <= len(whole) + 4
    truth = sparse.ground.C[:, :600]
    r = [np.corrcoef(found.traces[a], truth[whole[b]])[0, 1] for a, b in pairs]
    assert np.median(r) > 0.9


def test_an_onix_folder_gives_the_same_cells(ucla, rig):
    pipeline, _ = again(rig, 97)
    assert pipeline.miniscope_data_manager.layout == "onix"
    mine, theirs = cells(pipeline), cells(ucla)
    assert len(mine) == len(theirs)
    np.testing.assert_allclose(mine.traces, theirs.traces, rtol=1e-4, atol=1e-4)


def test_files_lie_in_saved_movies_under_their_names(ucla):
    folder = ucla.saved_movies
    assert (folder.name == "saved_movies" and folder.parent.name == "12_00_00") or folder.is_dir()
    names = {path.name for path in folder.iterdir()}
    assert {
        "preprocessed_detrended.avi", "estimates.hdf5", "estimates.npz", "rois.json", "cells.csv",
        "events.csv", "mean_fluorescence.csv", "parameters.json", "report.html", "steps.json",
    } <= names  # fmt: skip
    assert "motion_corrected.npy" not in names and not [n for n in names if "partial" in n]
    video = VideoReader(folder / "preprocessed_detrended.avi")
    assert video.size == (128, 128) and len(video.times_us()) == 600
    assert ucla.preprocessing_result.preprocessed_movie_filepath.name == video.path.name
    assert ucla.preprocessing_result.coords == {"x0": 0, "y0": 256, "x1": 128, "y1": 128}


def test_estimates_are_laid_out_as_caimans(ucla):
    h5py = pytest.importorskip("h5py")
    found, judged = ucla.processing_result.extraction, ucla.processing_result.evaluation
    path = ucla.processing_result.estimates_filepath
    assert path is not None and path.name == "estimates.hdf5"
    with h5py.File(path) as file:
        accepted = file["estimates/idx_components"][()]
        np.testing.assert_array_equal(accepted, np.flatnonzero(judged.accepted))
        np.testing.assert_array_equal(file["estimates/C"][()][accepted], found.traces)
        sums = file["estimates/C"][()] + file["estimates/YrA"][()]
        np.testing.assert_allclose(sums[accepted], found.raw_traces, atol=1e-4)
        assert file["estimates/S"].shape == file["estimates/C"].shape
        assert file["estimates/A/shape"][()].tolist() == [128 * 128, len(judged.snr)]
        assert file["params/data/fr"][()] == pytest.approx(20)
    pictures = load_rois(path, (128, 128)).footprints.dense((0, 0, 128, 128))
    likeness = cosines(Rois.of(pictures[accepted]).footprints, list(found.footprints))
    assert likeness.diagonal().min() > 0.99


def test_the_regions_can_be_loaded_on_a_canvas(ucla):
    rois = load_rois(ucla.saved_movies / "rois.json", (128, 128))
    assert len(rois) == len(ucla.processing_result.extraction)


def test_events_are_scipys_peaks_of_the_first_derivative(ucla):
    at = ucla.postprocessing_result.ca_events_idx
    traces = cells(ucla).traces
    assert at is not None and len(at) == len(traces) and events(ucla) > 20
    for cell, found in at.items():
        expected, _ = signal.find_peaks(np.diff(traces[cell].astype(np.float64)), height=3)
        np.testing.assert_array_equal(found, expected)
    with (ucla.saved_movies / "events.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == events(ucla)
    assert {(int(r["Cell"]) - 1, int(r["Frame"])) for r in rows} == {
        (cell, frame) for cell, places in at.items() for frame in places
    }
    assert all(float(r["Time [s]"]) == pytest.approx(int(r["Frame"]) / 20) for r in rows)


def test_the_rhythm_is_that_of_the_mean_before_detrending(ucla, frames):
    found = ucla.postprocessing_result
    mean = frames[:, :128, :128].mean(axis=(1, 2))
    np.testing.assert_allclose(found.projections.time, mean, rtol=1e-6)
    band = band_passed(mean, 20, 0.1, 1.5)
    np.testing.assert_allclose(found.filtered, band, atol=1e-4)
    np.testing.assert_allclose(
        found.miniscope_phases, np.angle(np.asarray(signal.hilbert(band))), atol=1e-3
    )
    assert found.p_spect.shape == (len(found.freqs_spect), len(found.t_spect))
    np.testing.assert_allclose(10 * np.log10(found.PSD_spect), found.p_spect, atol=1e-6)


def test_the_report_shows_all_of_it(ucla):
    text = (ucla.saved_movies / "report.html").read_text()
    assert text.count("<img") == 1 + 4 + 6 and text.count("<svg") >= 6
    for words in ("accepted", "Motion", "crispness", "Light", "gSig 3 x 3", "Spectrogram"):
        assert words in text
    for knob in ("id='min_corr' min='0' max='1' step='0.01' value='0.7'", "id='min_pnr'"):
        assert knob in text
    seeds = [json.loads(told) for told in re.findall(r"data-seeds='(.*?)'", text)]
    counts = [int(told) for told in re.findall(r"<b>(\d+)</b> seeds", text)]
    assert counts == [sum(r >= 0.7 and ratio >= 8 for r, ratio in one) for one in seeds]
    assert len(counts) == 3 and max(counts) > 10
    settings = json.loads((ucla.saved_movies / "parameters.json").read_text())
    assert settings["crop_coords"] == [0, 256, 128, 128]
    assert settings["extraction"]["min_pnr"] == 8


def test_every_plot_of_the_report_says_its_units(ucla):
    text = (ucla.saved_movies / "report.html").read_text()
    plots = [
        re.findall(r"<text[^>]*>(.*?)</text>", one) for one in re.findall(r"<svg.*?</svg>", text)
    ]
    units = [said[1] for said in plots]
    assert units == ["counts"] * (len(units) - 5) + ["px", "counts", "counts", "rad", "Hz"]
    assert len(units) > 6 and all(end.endswith(" s") for said in plots for end in said[-2:])


def test_what_is_done_is_not_done_again(ucla, rig):
    repeated, busy = again(rig)
    assert busy == {"Events and rhythms", "Writing the results"}
    np.testing.assert_array_equal(cells(repeated).traces, cells(ucla).traces)


def test_only_what_a_changed_setting_concerns_is_done_again(ucla, rig):
    higher, busy = again(rig, event_height=6)
    assert busy == {"Events and rhythms", "Writing the results"}
    assert 0 < events(higher) < events(ucla)
    stricter, busy = again(rig, min_SNR=1e6)
    assert busy == {"Events and rhythms", "Writing the results"}
    assert len(cells(stricter)) == 0
    assert "No cell is accepted" in (stricter.saved_movies / "report.html").read_text()


def test_regions_that_are_given_are_read_and_nothing_is_looked_for(ucla, rig, tmp_path):
    given = cells(ucla).rois()
    save_rois(given, tmp_path / "mine.json")
    pipeline, busy = again(rig, rois=tmp_path / "mine.json", evaluate_components=False)
    assert "looking for cells" not in busy and "Preparing the movie" in busy
    assert len(cells(pipeline)) == len(given)
    with pytest.raises(ValueError, match="is for frames of 128 x 128 pixels"):
        again(rig, rois=tmp_path / "mine.json", crop_coords=(0, 256, 100, 100))


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("at", ["Preparing the movie", "Looking at sizes", "Judging", "Writing"])
def test_a_run_that_is_stopped_goes_on_with_the_step_it_was_in(rig, frames, tmp_path, at):
    place = onix_folder(tmp_path, frames[:200, :128, :128])
    table = PARAMETERS.replace("(0, 256, 128, 128)", "None")
    folder = project(tmp_path, {96: place}, table)
    seen: list[str] = []

    def stop(what, share):
        seen.append(what)
        if what.startswith(at) and (share is None or share > 0.4):
            raise StoppedError

    with pytest.raises(StoppedError):
        MiniscopePipeline(progress=stop).run(96, folder, headless=True)
    assert not list((place / "saved_movies").rglob("*partial*"))
    _, busy = again(folder)
    done = [what for what in dict.fromkeys(seen) if not what.startswith(at)]
    repeatable = {"Events and rhythms", "Writing the results"}
    assert not busy & (set(done) - repeatable) or at == "Judging"
    assert any(what.startswith(at) for what in busy)
    assert (place / "saved_movies" / "report.html").is_file()


def test_whole_configs_stand_over_the_table(rig, ucla):
    pipeline = MiniscopePipeline()
    pipeline.run_with_configs(
        96,
        PreprocessConfig(crop_coords=(0, 256, 128, 128), detrend_method="linear"),
        ProcessConfig(run_CNMFE=False, plot_params=False, keep_movie=True),
        PostprocessConfig(compute_miniscope_spectrogram=False),
        project_path=rig,
        headless=True,
    )
    assert pipeline.processing_result.extraction is None
    movie = np.load(pipeline.saved_movies / "motion_corrected.npy", mmap_mode="r")
    assert movie.shape == (600, 128, 128) and abs(float(movie.mean())) < 0.05
    assert pipeline.postprocessing_result.p_spect is None
    assert pipeline.postprocessing_result.ca_events_idx is None
    # What the run before had left, and this one does not leave, is gone.
    assert not (pipeline.saved_movies / "spectrogram.npz").exists()
    assert not (pipeline.saved_movies / "events.csv").exists()


def test_another_recordings_results_and_strangers_files_are_left_alone(ucla, rig, tmp_path, frames):
    recording = open_recording(onix_folder(tmp_path, frames[:60, :96, :96]))
    with pytest.raises(RecordingError, match="the analysis of another recording"):
        MiniscopePipeline().run_recording(recording, configs_of({}, {}), ucla.saved_movies)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(RecordingError, match="files of something else"):
        MiniscopePipeline().run_recording(recording, configs_of({}, {}), tmp_path / "mine")
