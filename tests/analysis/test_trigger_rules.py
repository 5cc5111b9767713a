from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syntalos_miniscope.analysis.trigger import Burst, Crossing


def fired(rule, values) -> list[int]:
    return [at for at, value in enumerate(values) if rule(value)]


def test_a_value_that_crosses_fires_once():
    assert fired(Crossing(5, "rises above"), [0, 4, 6, 7, 8]) == [2]


def test_it_fires_again_after_it_has_gone_back():
    assert fired(Crossing(5, "rises above"), [0, 6, 4, 6]) == [1, 3]


def test_with_hysteresis_it_must_go_back_further():
    assert fired(Crossing(5, "rises above", 2), [0, 6, 4, 6, 2, 6]) == [1, 5]


def test_falling_is_the_mirror_of_rising():
    values = np.random.default_rng(0).normal(size=200)
    rising = fired(Crossing(0.5, "rises above", 0.3), values)
    assert rising and fired(Crossing(-0.5, "falls below", 0.3), -values) == rising


def test_a_value_beyond_the_level_from_the_beginning_has_not_crossed_it():
    assert fired(Crossing(5, "rises above"), [9, 9, 4, 9]) == [3]


def test_nan_is_no_value():
    assert fired(Crossing(5, "rises above"), [0, float("nan"), 6, float("nan"), 7]) == [2]


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10)), st.floats(-5, 5), st.floats(0, 3))
def test_between_two_firings_the_value_was_back(values, level, hysteresis):
    at = fired(Crossing(level, "rises above", hysteresis), values)
    for first, second in pairwise(at):
        assert min(values[first:second]) <= level - hysteresis
        assert values[second] > level


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 10, 20], [2]),
        ([0, 10, 200], []),
        ([0, 150, 160, 170], [3]),
        ([0, 1, 2, 3, 4, 5], [2, 5]),
    ],
)
def test_a_burst_is_so_many_within_a_time_and_its_events_count_once(times, expected):
    assert fired(Burst(3, 100), times) == expected


def test_every_event_is_a_burst_of_one():
    assert fired(Burst(1, 0), [5, 5, 9]) == [0, 1, 2]
