import numpy as np
import pytest

from syntalos_miniscope.analysis.baseline import EVERY, PERCENT, SAMPLES, Baseline


def after(values) -> float:
    baseline = Baseline(1)
    for value in values:
        baseline.add(np.array([value]))
    return float(baseline.level[0])


@pytest.mark.parametrize("count", [5, 100, 128, 200, 500, 1000])
def test_in_the_beginning_all_of_a_trace_counts(count):
    assert after(range(count)) == pytest.approx(count * PERCENT / 100, abs=EVERY)


def test_later_it_is_the_last_thousand_samples():
    assert after(range(5000)) == pytest.approx(5000 - 0.8 * SAMPLES * EVERY, abs=2 * EVERY)


def test_what_a_cell_does_now_and_then_does_not_lift_it():
    rng = np.random.default_rng(0)
    trace = rng.normal(50, 1, 3000) + 40 * (rng.random(3000) < 0.25)
    assert after(trace) == pytest.approx(49.4, abs=0.6)


def test_traces_are_followed_each_by_itself():
    baseline = Baseline(2)
    for value in range(100):
        baseline.add(np.array([value, -value]))
    assert baseline.level == pytest.approx([20, -79])
