import movies
import numpy as np
import pytest

from syntalos_miniscope.analysis.matching import best_matching, cosines
from syntalos_miniscope.analysis.movie_analysis import analyse
from syntalos_miniscope.analysis.oasis import Oasis, deconvolve
from syntalos_miniscope.analysis.rois import load_rois
from syntalos_miniscope.analysis.score import correlations
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.video import VideoWriter


@pytest.fixture(scope="module")
def video(sparse, tmp_path_factory):
    """The sparse movie as a file; half a minute of it."""
    path = tmp_path_factory.mktemp("video") / "sparse.mkv"
    writer = VideoWriter(path, movies.FPS, sparse.frames[0])
    for index, frame in enumerate(sparse.frames[:600]):
        writer.add(frame, index * 50_000)
    writer.close()
    return path


@pytest.fixture(scope="module")
def found(video):
    return analyse(open_recording(video))


def test_all_cells_of_a_sparse_recording_are_found_with_their_traces(found, sparse):
    true = [(0, 0, one) for one in sparse.footprints.astype(np.float32)]
    pairs = best_matching(cosines(found.rois.footprints, true), 0.6)
    assert len(pairs) >= 49 and len(found.rois) <= 51
    mine, theirs = (np.array(column) for column in zip(*pairs, strict=True))
    r = correlations(
        found.traces[mine].T.astype(np.float64), sparse.ground.C[theirs, :600].T
    ).diagonal()
    assert np.median(r) > 0.97


def test_every_frame_has_its_time_its_shift_and_its_sample(found):
    assert found.time_us.tolist() == [50_000 * k for k in range(600)]
    assert found.shifts.shape == (600, 3)
    assert found.traces.shape == found.spikes.shape == (len(found.rois), 600)
    assert (found.spikes >= 0).all() and (found.spikes > 0).any()


def test_regions_that_are_given_are_kept_and_nothing_is_looked_for(video, found):
    again = analyse(open_recording(video), rois=found.rois)
    assert again.rois is found.rois
    assert again.traces == pytest.approx(found.traces)


def test_a_crop_is_analysed_as_if_there_were_nothing_else(video, found, sparse):
    told = []
    part = analyse(
        open_recording(video), crop_coords=(60, 40, 220, 200), on_frame=lambda *n: told.append(n)
    )
    assert part.crop == (56, 216, 60, 220) and part.mean.shape == (160, 160)
    assert part.mean[40:120, 40:120] == pytest.approx(found.mean[96:176, 100:180], abs=4)
    assert told[0] == (1, 1200) and told[-1] == (1200, 1200)


def test_what_was_found_comes_back_from_disk(found, tmp_path):
    found.save(tmp_path)
    with np.load(tmp_path / "estimates.npz") as kept:
        assert kept["C"] == pytest.approx(found.traces)
        assert kept["S"].shape == kept["C"].shape
    assert load_rois(tmp_path / "rois.json", (256, 256)).names == found.rois.names


def test_a_recording_too_short_for_cells_is_refused(tmp_path):
    writer = VideoWriter(tmp_path / "a.mkv", 20.0, np.zeros((96, 96), np.uint8))
    for index in range(5):
        writer.add(np.full((96, 96), 90, np.uint8), index * 50_000)
    writer.close()
    with pytest.raises(ValueError, match="too short to find cells"):
        analyse(open_recording(tmp_path / "a.mkv"))


def test_a_whole_trace_is_deconvolved_as_sample_by_sample():
    trace = np.random.default_rng(0).normal(size=3000)
    solver = Oasis(1, 0.9, least_spike=0.5, room=3000)
    for value in trace:
        solver.push(np.array([value]))
    solver.flush()
    for ours, theirs in zip(deconvolve(trace, 0.9, least_spike=0.5), solver.result(0), strict=True):
        assert ours == pytest.approx(theirs)
