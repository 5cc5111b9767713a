"""Cells into a picture: the pyramid against the plain sum."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from syntalos_miniscope.recording.truth import Footprints
from syntalos_miniscope.simulation import composite
from syntalos_miniscope.simulation.composite import observe
from syntalos_miniscope.simulation.pyramid import Pyramid, blur, level_for

SHAPE = (150, 170)


def planted(n: int, seed: int = 0) -> Footprints:
    rng = np.random.default_rng(seed)
    patches = []
    for _ in range(n):
        side = int(rng.integers(3, 14))
        row, column = (int(rng.integers(0, size - side)) for size in SHAPE)
        patches.append((row, column, (rng.random((side, side)) > 0.4).astype(np.float32)))
    return Footprints.stacked(patches, SHAPE)


def plain_sum(cells: Footprints, sigma, gain, amplitudes) -> np.ndarray:
    total = np.zeros(SHAPE)
    for (row, column, patch), s, g, a in zip(cells, sigma, gain, amplitudes, strict=True):
        picture = np.zeros(SHAPE)
        picture[row : row + patch.shape[0], column : column + patch.shape[1]] = patch
        total += a * g * gaussian_filter(picture, s, mode="constant")
    return total


@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.5, 3.9, 4.1, 7.0, 9.0, 15.9, 17.0, 40.0])
def test_one_cell_is_its_blurred_footprint(sigma: float):
    cells, pyramid = planted(1), Pyramid(SHAPE)
    patches = observe(cells, np.array([sigma]), np.array([0.5]), pyramid)
    pyramid.add_patches(patches, np.array([2.0], np.float32))
    expected = plain_sum(cells, [sigma], [0.5], [2.0])
    found = pyramid.collapse()
    assert found == pytest.approx(expected, abs=1.5e-3 * expected.max())
    if sigma < 10:
        assert found.sum() == pytest.approx(expected.sum(), rel=3e-3)


def test_many_cells_of_many_blurs_are_their_sum():
    n = 60
    rng = np.random.default_rng(1)
    cells, pyramid = planted(n), Pyramid(SHAPE)
    sigma, gain, amplitudes = rng.uniform(0, 30, n), rng.random(n), rng.uniform(1, 40, n)
    patches = observe(cells, sigma, gain, pyramid)
    pyramid.add_patches(patches, amplitudes.astype(np.float32))
    expected = plain_sum(cells, sigma, gain, amplitudes)
    assert pyramid.collapse() == pytest.approx(expected, abs=2e-3 * expected.max())


@pytest.mark.parametrize("n", [0, 1, 5, 60])
def test_the_number_of_cores_makes_no_difference(n: int, monkeypatch: pytest.MonkeyPatch):
    cells, sigma = planted(n), np.random.default_rng(1).uniform(0, 30, n)
    found = []
    for cores in (1, 2, 4, 7):
        monkeypatch.setattr(composite, "_CORES", cores)
        patches = observe(cells, sigma, np.ones(n), Pyramid(SHAPE))
        found.append([array.tolist() for array in patches.arrays])
    assert all(arrays == found[0] for arrays in found)


def test_a_cleared_pyramid_is_dark():
    cells, pyramid = planted(5), Pyramid(SHAPE)
    patches = observe(cells, np.full(5, 12.0), np.ones(5), pyramid)
    first = None
    for _ in range(2):
        pyramid.clear()
        pyramid.add_patches(patches, np.ones(5, np.float32))
        picture = pyramid.collapse().copy()
        first = picture if first is None else first
        assert (picture == first).all()
    pyramid.clear()
    assert not pyramid.collapse().any()


@pytest.mark.parametrize("sigma", [0.5, 3.0, 5.0, 20.0])
def test_a_picture_is_blurred_with_its_edge_repeated(sigma: float):
    picture = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    expected = gaussian_filter(picture.astype(float), sigma, mode="nearest")
    assert blur(picture, sigma) == pytest.approx(expected, abs=2e-3)


def test_blur_is_carried_by_levels_of_at_least_two_samples():
    assert [level_for(s) for s in (0, 3.99, 4, 7.99, 8, 16, 32, 1000)] == [0, 0, 1, 1, 2, 3, 4, 6]


def test_no_cells_make_no_light():
    pyramid = Pyramid(SHAPE)
    pyramid.add_patches(
        observe(planted(0), np.zeros(0), np.zeros(0), pyramid), np.zeros(0, np.float32)
    )
    assert not pyramid.collapse().any()
