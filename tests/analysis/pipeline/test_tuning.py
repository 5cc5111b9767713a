import numpy as np
import pytest
from scipy import ndimage

from syntalos_miniscope.analysis.pipeline.tuning import (
    CORRELATIONS,
    RATIOS,
    centred,
    correlation_pnr,
    neighbour_correlation,
    noise_sd,
    stretches,
    tunings,
)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(400, 9, 11)).astype(np.float32)


def test_the_correlation_is_the_mean_of_the_pearson_coefficients_with_the_neighbours(noise):
    smooth = np.asarray(ndimage.gaussian_filter(noise, (0, 1, 1)), np.float32)
    expected = np.zeros((9, 11))
    for y, x in np.ndindex(9, 11):
        around = [
            np.corrcoef(smooth[:, y, x], smooth[:, b, a])[0, 1]
            for b in range(max(y - 1, 0), min(y + 2, 9))
            for a in range(max(x - 1, 0), min(x + 2, 11))
            if (a, b) != (x, y)
        ]
        expected[y, x] = np.mean(around)
    assert neighbour_correlation(smooth.copy()) == pytest.approx(expected, abs=1e-4)


def test_noise_is_that_of_the_fast_half_of_the_spectrum(noise):
    slow = 50 * np.sin(2 * np.pi * 3 * np.arange(400) / 400)
    found = noise_sd(3 * noise[:, 0] + slow[:, None].astype(np.float32))
    assert found == pytest.approx(3, rel=0.25)


def test_a_peak_is_told_in_units_of_the_noise(noise):
    noise[:, 4, 5] += 30 * np.exp(-(((np.arange(400) - 200) / 15) ** 2))
    _, pnr = correlation_pnr(noise.copy())
    assert pnr[4, 5] == pytest.approx(31, abs=4) and np.median(pnr) < 5


def test_the_filter_is_a_gaussian_without_its_mean():
    picture = np.zeros((61, 61), np.float32)
    picture[30, 30] = 1
    kernel = centred(picture, (3, 3), (13, 13))
    assert kernel.sum() == pytest.approx(0, abs=1e-5)
    ideal = np.zeros((61, 61))
    ideal[30, 30] = 1
    ideal = ndimage.gaussian_filter(ideal, 3, truncate=2)
    inside = np.abs(kernel) > 1e-6
    assert np.corrcoef(kernel[inside], ideal[inside])[0, 1] > 0.99
    assert np.abs(centred(np.full((40, 40), 7, np.float32), (3, 3), (13, 13))).max() < 1e-4


def test_cells_are_counted_as_seeds_at_their_size():
    rng = np.random.default_rng(1)
    movie = rng.normal(0, 1, (200, 64, 64)).astype(np.float32)
    cell = np.zeros((64, 64))
    for number, (y, x) in enumerate([(16, 16), (16, 48), (48, 16), (48, 48)]):
        cell[:] = 0
        cell[y, x] = 1
        shape = ndimage.gaussian_filter(cell, 3) * 2 * np.pi * 9
        movie[20 + 40 * number : 30 + 40 * number] += 6 * shape.astype(np.float32)
    found = tunings(movie, (3, 3), (13, 13))
    assert [tuple(one.gsig) for one in found] == [(1.8, 1.8), (3.0, 3.0), (4.8, 4.8)]
    seeds = found[1].seeds
    assert seeds.shape == (len(CORRELATIONS), len(RATIOS))
    assert seeds[list(CORRELATIONS).index(0.8), list(RATIOS).index(10)] == 4
    assert (np.diff(seeds, axis=0) <= 0).all() and (np.diff(seeds, axis=1) <= 0).all()


def test_a_long_movie_is_looked_at_in_stretches():
    assert stretches(10, 400) == list(range(10))
    chosen = stretches(10_000, 400)
    assert len(set(chosen)) == 400 and chosen[0] == 0 and chosen[-1] == 9999
