from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from syntalos_miniscope.analysis import oasis
from syntalos_miniscope.analysis.events import EventFinder, noise_sd
from syntalos_miniscope.analysis.oasis import Oasis, deconvolve


def trace(seed=0, samples=300, g=0.9, noise=0.3) -> tuple[np.ndarray, np.ndarray]:
    """A calcium trace with noise, and its spikes."""
    rng = np.random.default_rng(seed)
    spikes = (rng.random(samples) < 0.03) * rng.uniform(1, 3, samples)
    calcium = np.zeros(samples)
    for t in range(samples):
        calcium[t] = g * calcium[t - 1] * (t > 0) + spikes[t]
    return calcium + noise * rng.standard_normal(samples), spikes


def online(y, g, penalty=0.0, least=0.0) -> tuple[np.ndarray, np.ndarray]:
    solver = Oasis(1, g, penalty, least)
    for value in y:
        solver.push(np.array([value]))
    solver.flush()
    return solver.result(0)


@settings(deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(0.3, 0.98),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.integers(2, 120),
)
def test_online_is_the_least_squares_solution_of_the_whole(seed, g, penalty, samples):
    """min ½|y - Ks|² + penalty·Σs over s ≥ 0, by non-negative least squares."""
    y, _ = trace(seed, samples, g)
    power = np.subtract.outer(np.arange(samples), np.arange(samples))
    kernel = np.tril(g ** np.maximum(power, 0))
    shift = np.linalg.solve(kernel.T, np.full(samples, penalty))
    spikes, _ = nnls(kernel, y - shift, maxiter=100 * samples)
    calcium, found = online(y, g, penalty)
    assert calcium == pytest.approx(kernel @ spikes, abs=1e-7)
    assert found[1:] == pytest.approx(spikes[1:], abs=1e-7)


@pytest.mark.parametrize(("penalty", "least"), [(0.5, 0.0), (0.0, 0.8), (0.0, 0.3)])
def test_online_is_what_oasis_deconv_says(penalty, least):
    methods = pytest.importorskip("oasis.oasis_methods", reason="oasis-deconv is not installed")
    y, _ = trace(3)
    theirs = methods.oasisAR1(y, 0.9, lam=penalty, s_min=least)
    ours = online(y, 0.9, penalty, least)
    assert ours[0] == pytest.approx(theirs[0], abs=1e-9)
    assert ours[1][1:] == pytest.approx(theirs[1][1:], abs=1e-9)


def batch_with_least_spike(y, g, least) -> np.ndarray:
    """Pools joined over the whole trace, until none is left to join; written on its own."""
    pools = [[value, 1.0, 1] for value in y]
    at = 0
    while at < len(pools) - 1:
        here, following = pools[at], pools[at + 1]
        decay = g ** here[2]
        if following[0] >= decay * here[0] + least:
            at += 1
            continue
        weight = here[1] + decay**2 * following[1]
        joined = (here[1] * here[0] + decay * following[1] * following[0]) / weight
        pools[at : at + 2] = [[joined, weight, here[2] + following[2]]]
        at = max(at - 1, 0)
    return np.concatenate([max(v, 0) * g ** np.arange(n) for v, _, n in pools])


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 0.98), st.floats(0.1, 2.0))
def test_with_a_least_spike_online_is_the_batch_result(seed, g, least):
    y, _ = trace(seed, 200, g)
    assert online(y, g, least=least)[0] == pytest.approx(batch_with_least_spike(y, g, least))


def test_old_pools_are_let_go_and_the_new_ones_stay_right():
    y, g = np.random.default_rng(1).normal(size=6 * oasis.POOLS), 0.2
    whole = batch_with_least_spike(y, g, 0.0)
    solver, roomy = Oasis(1, g), Oasis(1, g, room=len(y))
    for value in y:
        solver.push(np.array([value]))
        roomy.push(np.array([value]))
    pools = solver.pools(0)
    assert len(pools) <= oasis.POOLS < len(roomy.pools(0)) / 2
    assert all(a + n == b for (a, n, _), (b, _, _) in pairwise(pools)), "without a gap"
    assert solver.result(0)[0][-200:] == pytest.approx(whole[-200:])


def test_calcium_of_the_moment_is_the_end_of_what_is_known():
    y, _ = trace(3, 200)
    solver = Oasis(1, 0.9, least_spike=0.5)
    for value in y:
        assert solver.push(np.array([value]))[0][0] == pytest.approx(solver.result(0)[0][-1])


def test_a_decay_of_one_or_more_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        Oasis(1, 1.0)


def test_the_noise_of_a_trace_is_found_under_its_events():
    y, _ = trace(2, 4000, noise=0.3)
    assert noise_sd(y[:, None])[0] == pytest.approx(0.3, rel=0.15)


def finder(**changes) -> EventFinder:
    settings: dict[str, Any] = {
        "rate_hz": 20.0,
        "decay_s": 0.5,
        "threshold_sd": 4.0,
        "learn_samples": 100,
    }
    return EventFinder(1, **settings | changes)


def steps(at, height=10.0, samples=400) -> np.ndarray:
    """Noise of SD 1, and transients that begin at these samples."""
    y = np.random.default_rng(5).standard_normal(samples)
    for begin in at:
        y[begin:] += height * np.exp(-np.arange(samples - begin) / 10)
    return y


@pytest.mark.parametrize("confirm", [0, 1, 3])
def test_an_event_is_told_at_its_sample_and_once(confirm):
    events, told_at = [], []
    search = finder(confirm_samples=confirm)
    for t, value in enumerate(steps([200, 300])):
        news = search.push(np.array([value]))[1]
        events += news
        told_at += [t] * len(news)
    assert [event.sample for event in events] == [200, 300]
    assert told_at == [200 + confirm, 300 + confirm]
    assert events[0].rise == pytest.approx(10, abs=3)


@pytest.mark.parametrize("rest", [0.0, 100.0, -100.0, np.linspace(100, 90, 400)])
def test_events_do_not_depend_on_where_a_trace_rests(rest):
    search = finder(threshold_sd=5.0)
    rows = steps([200, 300]) + rest
    told = [event.sample for value in rows for event in search.push(np.array([value]))[1]]
    assert told == [200, 300]


def test_an_event_is_told_at_the_latest_when_the_next_one_comes():
    search, told_at = finder(confirm_samples=50), {}
    for t, value in enumerate(steps([200, 206])):
        told_at |= {event.sample: t for event in search.push(np.array([value]))[1]}
    assert told_at == {200: 206, 206: 256}


def test_noise_alone_makes_hardly_an_event():
    search = finder(confirm_samples=1)
    rows = np.random.default_rng(0).standard_normal(4000)
    assert sum(len(search.push(np.array([value]))[1]) for value in rows) <= 4


@pytest.mark.parametrize("confirm", [0, 2])
def test_nothing_is_told_while_the_noise_is_learnt(confirm):
    search = finder(learn_samples=250, confirm_samples=confirm)
    told = [e.sample for value in steps([200, 300]) for e in search.push(np.array([value]))[1]]
    assert told == [300]


@pytest.mark.parametrize("confirm", [0, 2])
def test_what_comes_back_from_the_dark_is_no_event(confirm):
    rows = steps([300])
    rows[200:220] -= 60
    search = finder(threshold_sd=5.0, confirm_samples=confirm)
    told = [event.sample for value in rows for event in search.push(np.array([value]))[1]]
    assert told == [300]


def test_a_trace_that_is_held_at_zero_has_the_noise_of_its_moving_parts():
    trace = np.random.default_rng(0).normal(size=(4000, 1))
    trace[1000:] = 0
    assert noise_sd(trace)[0] == pytest.approx(1, rel=0.15)
    assert noise_sd(np.zeros((100, 1)))[0] == np.inf


def test_an_unconfirmed_event_is_told_at_the_end():
    search = finder(confirm_samples=5)
    told = [e for value in steps([200, 397]) for e in search.push(np.array([value]))[1]]
    assert [event.sample for event in told] == [200]
    assert [event.sample for event in search.flush()] == [397]


def test_samples_count_from_the_first_one_even_if_cells_come_later():
    search = finder()
    y = np.concatenate([np.full(50, np.nan), steps([200])])
    told = [event.sample for value in y for event in search.push(np.array([value]))[1]]
    assert told == [250]


def test_a_channel_without_a_cell_has_no_events():
    search = EventFinder(2, rate_hz=20, decay_s=0.5, threshold_sd=4, learn_samples=100)
    rows = np.stack([steps([200]), np.full(400, np.nan)], axis=1)
    assert {event.trace for row in rows for event in search.push(row)[1]} == {0}


def test_the_spikes_of_the_moment_are_the_rise_of_it():
    search = finder()
    spikes = np.array([search.push(np.array([value]))[0][0] for value in steps([200])])
    assert np.argmax(spikes) == 200


def test_a_whole_trace_is_deconvolved_as_sample_by_sample():
    trace = np.random.default_rng(0).normal(size=3000)
    solver = Oasis(1, 0.9, least_spike=0.5, room=3000)
    for value in trace:
        solver.push(np.array([value]))
    solver.flush()
    for ours, theirs in zip(deconvolve(trace, 0.9, least_spike=0.5), solver.result(0), strict=True):
        assert ours == pytest.approx(theirs)
