"""The truth is arrays with units; dense footprints are made from a sparse stack when asked for."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from syntalos_miniscope.recording.truth import Footprints, FrameTruth, GroundTruth


def some_truth(n_units: int = 3) -> GroundTruth:
    rng = np.random.default_rng(0)
    patches = [
        (row, column, rng.random((5, 7), np.float32)) for row, column in [(0, 0), (9, 8), (15, 17)]
    ][:n_units]
    return GroundTruth(
        planted=Footprints.stacked(patches, (20, 24)),
        fov_offset=(2, 3),
        fov_shape=(16, 18),
        centers_um=rng.random((n_units, 3)),
        amplitude_per_cell=np.ones(n_units),
        in_focus=np.ones(n_units, bool),
        detectable=np.arange(n_units) != 1,
        C=np.zeros((n_units, 0)),
        S=np.zeros((n_units, 0)),
        observed_sigma_px=np.array([0.0, 1.3, 2.0])[:n_units],
        observed_gain=np.array([1.0, 0.5, 0.1])[:n_units],
    )


def on_canvas(truth: GroundTruth, unit: int) -> np.ndarray:
    canvas = np.zeros(truth.planted.canvas_shape)
    row, column, patch = list(truth.planted)[unit]
    canvas[row : row + patch.shape[0], column : column + patch.shape[1]] = patch
    return canvas


def test_planted_footprints_are_cut_to_the_frame() -> None:
    truth = some_truth()
    dense = truth.A_planted
    assert dense.shape == (3, 16, 18)
    assert dense.dtype == np.float64
    for unit in range(3):
        assert np.array_equal(dense[unit], on_canvas(truth, unit)[2:18, 3:21])


def test_observed_footprints_are_blurred_and_dimmed_and_lose_light_at_the_canvas_edge() -> None:
    truth = some_truth()
    sigma_px, gain = truth.observed_sigma_px, truth.observed_gain
    assert sigma_px is not None
    assert gain is not None
    for unit, observed in enumerate(truth.A_observed):
        blurred = gaussian_filter(on_canvas(truth, unit), sigma_px[unit], mode="constant")
        assert observed == pytest.approx(gain[unit] * blurred[2:18, 3:21], abs=1e-12)


def test_without_optics_the_scope_sees_the_sharp_cells() -> None:
    truth = replace(some_truth(), observed_sigma_px=None, observed_gain=None)
    assert np.array_equal(truth.A_observed, truth.A_planted)


def test_a_stack_of_no_cells_is_a_stack() -> None:
    none = some_truth(0)
    assert none.n_units == 0
    assert none.A_observed.shape == (0, 16, 18)


def test_the_detectable_subset_keeps_the_rest_in_step() -> None:
    frames = [FrameTruth(C=np.arange(3.0), S=np.zeros(3))] * 4
    truth = some_truth().with_frames(frames)
    subset = truth.detectable_subset()
    assert subset.n_units == 2
    assert np.array_equal(subset.C[:, 0], [0, 2])
    assert np.array_equal(subset.A_planted, truth.A_planted[[0, 2]])
    assert np.array_equal(subset.depth_um, truth.centers_um[[0, 2], 0])


def test_frames_become_columns() -> None:
    frames = [
        FrameTruth(
            C=np.full(3, k),
            S=np.full(3, 2.0 * k),
            bleaching=np.ones(3),
            shift=np.array([k, -k]),
            neuropil_temporal=np.full(2, k),
            neuropil_population=k,
        )
        for k in (1.0, 2.0, 3.0, 4.0)
    ]
    truth = some_truth().with_frames(frames)
    assert truth.C.shape == truth.S.shape == (3, 4)
    assert truth.bleaching is not None
    assert truth.bleaching.shape == (3, 4)
    assert truth.shifts is not None
    assert truth.shifts.tolist() == [[1, -1], [2, -2], [3, -3], [4, -4]]
    assert truth.neuropil_temporal is not None
    assert truth.neuropil_temporal.shape == (2, 4)
    assert truth.neuropil_population is not None
    assert truth.neuropil_population.tolist() == [1, 2, 3, 4]
