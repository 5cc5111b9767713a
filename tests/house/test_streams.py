"""What a wire can carry, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.streams import FloatSignalBlock, Frame


@pytest.mark.parametrize(
    "mat",
    [
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 3), np.uint8),
        np.zeros((4, 6), np.uint16),
    ],
)
def test_a_frame_is_locked_from_the_moment_it_is_made(mat) -> None:
    frame = Frame(0, 0, mat)
    with pytest.raises(ValueError, match="read-only"):
        frame.mat[0, 0] = 1


@pytest.mark.parametrize(
    "mat",
    [
        np.zeros((4, 6), np.float32),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((4, 6, 3), np.uint16),
        np.zeros((4, 6), np.int8),
        np.zeros(24, np.uint8),
        np.zeros((6, 4), np.uint8).T,
        np.zeros((4, 12), np.uint8)[:, ::2],
    ],
)
def test_a_frame_refuses_what_no_wire_carries(mat) -> None:
    with pytest.raises(ValueError, match="C-contiguous uint8"):
        Frame(0, 0, mat)


def test_a_block_is_locked_from_the_moment_it_is_made() -> None:
    block = FloatSignalBlock(np.zeros(2, np.int64), np.zeros((2, 4), np.float32))
    with pytest.raises(ValueError, match="read-only"):
        block.timestamps[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        block.data[0, 0] = 1


def test_a_block_refuses_times_that_do_not_fit_its_data() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        FloatSignalBlock(np.zeros(3, np.int64), np.zeros((2, 4), np.float32))
    with pytest.raises(ValueError, match="int64 times and float32 data"):
        FloatSignalBlock(np.zeros(2), np.zeros((2, 4), np.float32))  # pyright: ignore[reportArgumentType]


def test_the_clock_stands_at_zero_until_the_start_and_then_counts_microseconds() -> None:
    now_ns = 5_000_000
    clock = RunClock(lambda: now_ns)
    assert clock.now_us() == 0
    clock.start()
    now_ns += 1_234_000
    assert clock.now_us() == 1234
    assert clock.at_us(5_010_000) == 10
