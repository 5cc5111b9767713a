"""What views are made of, without widgets: colours, limits, pace, trails and rotations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope.display import SATURATED
from syntalos_miniscope_ui.viewers.orientation import euler_deg, rotation
from syntalos_miniscope_ui.viewers.picture import (
    COLOURS,
    SATURATION_RED,
    Pace,
    as_bytes,
    auto_limits,
    colour_table,
)
from syntalos_miniscope_ui.viewers.signals import Trail, thinned


@pytest.mark.parametrize("name", COLOURS)
def test_every_colour_table_gets_brighter(name: str) -> None:
    table = colour_table(name, 0, 255, show_saturation=False).astype(int)
    light = table[:, :3] @ np.array([299, 587, 114])
    assert table.shape == (256, 4)
    assert (np.diff(light) >= -1500).all()
    assert light[255] > light[0]


def test_limits_stretch_what_lies_between() -> None:
    table = colour_table("grey", 50, 100, show_saturation=False)
    assert table[:51, 0].max() == 0
    assert table[75, 0] in (127, 128)
    assert table[100:, 0].min() == 255


def test_saturated_pixels_are_red_wherever_the_limits_are() -> None:
    table = colour_table("grey", 0, 20, show_saturation=True)
    assert tuple(table[SATURATED]) == SATURATION_RED
    assert tuple(table[SATURATED - 1]) != SATURATION_RED


def test_deep_frames_keep_their_highest_bits() -> None:
    deep = np.array([[0, 16, 4080, 4095, 65535]], np.uint16)
    assert as_bytes(deep, 4095).tolist() == [[0, 1, 255, 255, 255]]


def test_a_frame_of_bytes_is_not_copied() -> None:
    mat = np.zeros((4, 4), np.uint8)
    assert as_bytes(mat, 65535) is mat


@given(st.lists(st.integers(0, 10_000), min_size=256, max_size=256))
def test_auto_limits_are_in_range_and_apart(counts: list[int]) -> None:
    low, high = auto_limits(np.array(counts))
    assert 0 <= low < high <= 255


def test_the_pace_is_that_of_the_last_two_seconds() -> None:
    pace = Pace()
    for tick in range(100):
        pace.count(tick / 20, tick)
    assert pace.per_s == pytest.approx(20)
    for tick in range(100):
        pace.count(5 + tick / 20, 100)
    assert pace.per_s == 0


def test_a_trail_keeps_the_newest_in_order() -> None:
    trail = Trail(1, capacity=10)
    for start in range(0, 24, 4):
        times = np.arange(start, start + 4, dtype=float)
        trail.add(times, times.astype(np.float32)[:, None])
    times, values = trail.last(100)
    assert times.tolist() == list(range(14, 24))
    assert values[:, 0].tolist() == list(range(14, 24))
    assert trail.last(3)[0].tolist() == [20, 21, 22, 23]


def test_a_block_larger_than_the_trail_leaves_its_end() -> None:
    trail = Trail(1, capacity=10)
    times = np.arange(25, dtype=float)
    trail.add(times, times.astype(np.float32)[:, None])
    assert trail.last(100)[0].tolist() == list(range(15, 25))


def test_thinning_keeps_every_spike() -> None:
    values = np.zeros((10_000, 1), np.float32)
    values[7_321] = 9
    times, shown = thinned(np.arange(10_000) / 1000, values, 500)
    assert len(times) == len(shown) <= 500
    assert shown.max() == 9


def test_a_short_trail_is_not_thinned() -> None:
    values = np.ones((20, 2), np.float32)
    assert thinned(np.arange(20.0), values, 500)[1] is values


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 1e-3))
def test_a_rotation_keeps_lengths_and_hands(quaternion) -> None:
    turn = rotation(quaternion)
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_the_angles_of_plain_turns() -> None:
    half = np.sqrt(0.5)
    assert euler_deg((1, 0, 0, 0)) == pytest.approx((0, 0, 0))
    assert euler_deg((half, half, 0, 0)) == pytest.approx((90, 0, 0))
    assert euler_deg((half, 0, 0, half)) == pytest.approx((0, 0, 90))
