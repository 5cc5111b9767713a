"""Times of a second clock on the run clock."""

import numpy as np
import pytest

from syntalos_miniscope.clock import ClockSynchronizer

PERIOD_US = 50_000


@pytest.mark.parametrize(
    ("rate", "points"), [(30, 710), (25, 750), (20, 810), (15, 886), (10, 900)]
)
def test_calibration_lengths_are_those_of_syntalos(rate, points):
    assert ClockSynchronizer(rate).calibration_points == points


def run(arrivals, stamps, rate=20):
    sync = ClockSynchronizer(rate)
    pairs = zip(arrivals, stamps, strict=True)
    return sync, np.array([sync.correct(int(a), int(s)) for a, s in pairs])


def test_nothing_is_changed_while_the_clocks_agree():
    ideal = np.arange(3000) * PERIOD_US
    jitter = np.random.default_rng(1).integers(0, 400, 3000)
    sync, times = run(ideal + jitter, ideal + 7_000_000)
    assert sync.expected_offset_us is not None
    assert np.abs(times - ideal).max() < 2_000


def test_a_late_arrival_is_put_where_the_device_says():
    ideal = np.arange(2500) * PERIOD_US
    arrivals = ideal + np.random.default_rng(2).integers(0, 100, 2500)
    arrivals[2200] += 30_000
    _, times = run(arrivals, ideal)
    assert abs(times[2200] - ideal[2200]) < 300


def test_when_arrivals_fall_behind_times_follow_the_device_forward_only():
    ideal = np.arange(12_000) * PERIOD_US
    late = np.maximum(np.arange(12_000) - 2_000, 0) * 20
    sync, times = run(ideal + late, ideal)
    assert sync.correction_us < 0
    assert (times >= ideal).all()


def test_when_arrivals_come_ahead_of_the_device_times_stay_those_of_arrival():
    ideal = np.arange(12_000) * PERIOD_US
    sync, times = run(ideal, ideal + 20 * np.arange(12_000))
    assert sync.correction_us > 0
    assert (times == ideal).all()


def test_after_a_step_the_correction_rests_while_the_ring_fills_anew():
    ideal = np.arange(12_000) * PERIOD_US
    late = np.maximum(np.arange(12_000) - 2_000, 0) * 20
    sync = ClockSynchronizer(20)
    corrections = []
    for arrival, stamp in zip(ideal + late, ideal, strict=True):
        sync.correct(int(arrival), int(stamp))
        corrections.append(sync.correction_us)
    steps = np.flatnonzero(np.diff(corrections))
    assert len(steps) > 3
    assert np.diff(steps).min() >= 0.65 * sync.calibration_points


@pytest.mark.parametrize("seed", range(3))
def test_time_never_runs_back(seed):
    rng = np.random.default_rng(seed)
    ideal = np.arange(4000) * PERIOD_US
    arrivals = ideal + rng.integers(0, 40_000, 4000)
    _, times = run(arrivals, ideal * 1.001 + rng.integers(-50_000, 50_000, 4000))
    assert (np.diff(times) > 0).all()
    assert times[0] >= 0


def test_time_never_runs_back_either_where_one_of_the_clocks_does_for_a_moment():
    rng = np.random.default_rng(3)
    ideal = np.arange(4000) * PERIOD_US
    arrivals, stamps = ideal.copy(), ideal.copy()
    for clock in (arrivals, stamps):
        clock[rng.integers(1, 4000, 100)] -= 300_000
    _, times = run(np.maximum(arrivals, 0), stamps)
    assert (np.diff(times) > 0).all()
