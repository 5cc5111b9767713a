"""Random numbers that depend on their key and number alone."""

import numpy as np

from syntalos_miniscope.simulation import noise


def test_a_draw_is_the_same_whatever_was_drawn_before():
    key = noise.stream(3, "a")
    assert noise.uniforms(key, 100)[99] == noise.uniform(key, 99)


def test_streams_of_other_names_and_seeds_are_independent():
    draws = [
        noise.normals(key, 100_000)
        for key in (noise.stream(0, "a"), noise.stream(0, "b"), noise.stream(1, "a"))
    ]
    off_diagonal = np.corrcoef(draws) - np.eye(3)
    assert np.abs(off_diagonal).max() < 0.015


def test_uniform_numbers_fill_the_unit_interval_evenly():
    draws = noise.uniforms(noise.stream(0), 1_000_000)
    counts, _ = np.histogram(draws, 100, (0, 1))
    assert draws.min() >= 0 and draws.max() < 1
    assert abs(((counts - 10_000) ** 2 / 10_000).sum() - 99) < 5 * np.sqrt(2 * 99)


def test_normal_deviates_have_the_moments_and_tails_of_a_normal_distribution():
    draws = noise.normals(noise.stream(0), 2_000_000)
    assert abs(draws.mean()) < 0.003
    assert abs(draws.var() - 1) < 0.004
    assert abs((draws**3).mean()) < 0.01
    assert abs((draws**4).mean() - 3) < 0.03
    for sigmas, share in ((2, 0.0455), (3, 0.0027), (4, 6.3e-5)):
        assert abs((np.abs(draws) > sigmas).mean() / share - 1) < 0.25


def test_neighbouring_draws_do_not_correlate():
    draws = noise.normals(noise.stream(0), 500_000)
    for lag in (1, 2, 608):
        assert abs(np.mean(draws[lag:] * draws[:-lag])) < 0.006
