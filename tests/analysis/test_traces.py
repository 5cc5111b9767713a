import numpy as np
import pytest
from scipy.optimize import nnls

from syntalos_miniscope.analysis import traces
from syntalos_miniscope.analysis.rois import Rois
from syntalos_miniscope.analysis.score import correlations
from syntalos_miniscope.analysis.traces import Demixer, trace_reader


def readings(movie, method) -> np.ndarray:
    read = trace_reader(Rois.of(movie.footprints), method)
    return np.array([read(frame) for frame in movie.still])


def r_of(movie, method) -> np.ndarray:
    return np.diag(correlations(readings(movie, method).astype(float), movie.ground.C.T))


def test_a_mean_is_the_mean_of_the_pixels_above_half_of_the_peak():
    frame = np.random.default_rng(0).integers(0, 4096, (30, 40)).astype(np.uint16)
    weights = np.zeros((2, 30, 40))
    weights[0, 3:7, 5:9], weights[0, 3, 5] = 1.0, 0.2
    weights[1, 20:24, 30:36] = 3.0
    expected = [frame[weights[k] > 0.5].mean() for k in range(2)]
    assert trace_reader(Rois.of(weights), "mean")(frame) == pytest.approx(expected, rel=1e-5)


def test_an_annulus_takes_away_what_the_surround_does():
    weights = np.zeros((1, 50, 50))
    weights[0, 20:26, 20:26] = 1
    read = trace_reader(Rois.of(weights), "annulus")
    frame = np.full((50, 50), 100, np.uint8)
    assert read(frame) == pytest.approx([0], abs=1e-3)
    frame[20:26, 20:26] = 130
    assert read(frame) == pytest.approx([30], abs=1e-3)


def test_an_annulus_leaves_out_the_neighbours():
    weights = np.zeros((2, 50, 50))
    weights[0, 20:26, 20:26] = weights[1, 20:26, 30:36] = 1
    frame = np.full((50, 50), 100, np.uint8)
    frame[20:26, 30:36] = 200
    assert trace_reader(Rois.of(weights), "annulus")(frame) == pytest.approx([0, 100], abs=1e-3)


def test_in_a_crowd_the_whole_surround_is_taken_away():
    weights = np.zeros((2, 50, 50))
    weights[0, 20:26, 20:26] = weights[1] = 1
    frame = np.full((50, 50), 100, np.uint8)
    frame[20:26, 20:26] = 130
    assert trace_reader(Rois.of(weights), "annulus")(frame)[0] == pytest.approx(30, abs=1e-3)


def test_noise_is_no_light_of_a_cell():
    rows, columns = np.indices((64, 64))
    shape = np.exp(-((rows - 32) ** 2 + (columns - 32) ** 2) / 18)
    movie = np.random.default_rng(0).normal(100, 3, (600, 64, 64)).clip(0, 255).astype(np.uint8)
    demixer = Demixer(Rois.of(np.where(shape > 0.05, shape, 0)[None]))
    said = np.array([demixer(frame)[0] for frame in movie])[100:]
    assert np.mean(said == 0) > 0.5


def test_sparse_traces_are_the_truth(sparse):
    for method in ("mean", "annulus", "demix"):
        assert np.median(r_of(sparse, method)) >= 0.98


def test_dense_traces_are_the_truth_once_they_are_demixed(dense):
    assert np.median(r_of(dense, "demix")) >= 0.93


def test_a_plain_mean_would_not_do_in_a_dense_field(dense):
    demixed, mean = (np.median(r_of(dense, method)) for method in ("demix", "mean"))
    assert mean < demixed - 0.2


def test_the_share_is_the_solution_of_least_squares_without_negatives():
    rng = np.random.default_rng(1)
    weights = np.zeros((4, 60, 60))
    for k, (y, x) in enumerate([(20, 20), (24, 24), (22, 30), (45, 45)]):
        rows, columns = np.indices((60, 60))
        weights[k] = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 18)
    weights[weights < 0.02] = 0
    demixer = Demixer(Rois.of(weights))
    seen = [traces.band_passed_patch(*one, (60, 60)) for one in Rois.of(weights).footprints]
    dense = np.zeros((4, 30, 30))
    for k, (top, left, patch) in enumerate(seen):
        dense[k, top : top + patch.shape[0], left : left + patch.shape[1]] = patch
    light = rng.normal(size=(30, 30))
    product = dense.reshape(4, -1) @ light.ravel()
    out = np.zeros(4, np.float32)
    traces.demix(product.astype(np.float32), *demixer._gram, out, 200)
    expected, _ = nnls(dense.reshape(4, -1).T, light.ravel())
    assert out == pytest.approx(expected, abs=1e-3)


def test_overlapping_cells_that_take_turns_are_told_apart():
    rows, columns = np.indices((64, 64))
    shapes = [np.exp(-((rows - 32) ** 2 + (columns - x) ** 2) / 18) for x in (30, 34)]
    rng = np.random.default_rng(2)
    truth = np.zeros((400, 2))
    truth[::40, 0], truth[20::40, 1] = 60, 60
    for t in range(1, 400):
        truth[t] += 0.8 * truth[t - 1]
    light = 100 + np.tensordot(truth, np.array(shapes), 1) + rng.normal(0, 3, (400, 64, 64))
    movie = light.clip(0, 255).astype(np.uint8)
    rois = Rois.of(np.array([np.where(shape > 0.05, shape, 0) for shape in shapes]))

    def crosstalk(method) -> float:
        read = trace_reader(rois, method)
        r = correlations(np.array([read(frame) for frame in movie]).astype(float), truth)
        return max(r[0, 1], r[1, 0])

    assert crosstalk("demix") < 0 < 0.2 < crosstalk("mean")


def test_a_step_of_the_whole_picture_is_no_trace():
    rois = Rois.of(np.pad(np.ones((1, 8, 8)), ((0, 0), (30, 30), (30, 30))))
    demixer = Demixer(rois)
    for level in (50, 50, 50, 120, 120):
        value = demixer(np.full((68, 68), level, np.uint8))
    assert value == pytest.approx([0], abs=1e-3)


def test_a_cell_on_a_dark_spot_is_heard():
    rows, columns = np.indices((64, 64))
    shape = np.exp(-((rows - 32) ** 2 + (columns - 32) ** 2) / 18)
    flashes = np.zeros(400)
    flashes[100::60] = 30
    for t in range(1, 400):
        flashes[t] += 0.85 * flashes[t - 1]
    light = 120 + (flashes - 50)[:, None, None] * shape
    movie = np.random.default_rng(0).normal(light, 2).clip(0, 255).astype(np.uint8)
    demixer = Demixer(Rois.of(np.where(shape > 0.05, shape, 0)[None]))
    trace = np.array([demixer(frame)[0] for frame in movie], np.float64)
    assert np.corrcoef(trace, flashes)[0, 1] > 0.95
