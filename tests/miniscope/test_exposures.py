"""Index and time of frames whose stamps cannot all be believed."""

import numpy as np

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.miniscope.counter import FrameCounter
from syntalos_miniscope.miniscope.exposures import Exposures
from syntalos_miniscope.miniscope.readback import ReadBack
from syntalos_miniscope.miniscope.transport import RawFrame
from syntalos_miniscope.streams import Frame

PERIOD_NS, READOUT_NS, RATE_HZ = 50_000_000, 20_000_000, 20.0


def frames_of(first_ns: list[int], readout_ns: int = READOUT_NS) -> list[Frame]:
    """Give what comes of frames that a program stamped, with a counter that counts each."""
    now_ns = [0]
    clock = RunClock(lambda: now_ns[0])
    clock.start()
    exposures = Exposures(clock, FrameCounter(), False, lambda event: None)
    frames: list[Frame] = []
    for number, at_ns in enumerate(first_ns):
        now_ns[0] = max(at_ns + readout_ns, now_ns[0])
        raw = RawFrame(np.zeros((4, 4, 2), np.uint8), at_ns, now_ns[0])
        back = ReadBack(number, None)
        made = exposures.make(raw, back, RATE_HZ, wait_for_trigger=False)
        assert made is not None
        frames.append(made.frame)
    return frames


def test_times_go_on_though_a_stamp_runs_back():
    first_ns = [at * 1_000_000 for at in (10, 60, 30, 60, 160, 210)]
    times_us = [frame.time_us for frame in frames_of(first_ns)]
    assert times_us == [10_000, 60_000, 60_001, 60_002, 160_000, 210_000]


def test_a_program_that_is_late_once_has_lost_no_frame():
    first_ns = [number * PERIOD_NS for number in range(40)]
    first_ns[20] += PERIOD_NS * 7 // 10
    assert [frame.index for frame in frames_of(first_ns)] == list(range(40))


def test_frames_that_stay_late_by_a_period_were_preceded_by_a_lost_one():
    first_ns = [(number + (number >= 20)) * PERIOD_NS for number in range(40)]
    index = [frame.index for frame in frames_of(first_ns)]
    assert index[:20] == list(range(20))
    assert index[-18:] == list(range(23, 41))


def test_frames_that_came_before_the_start_are_neither_given_nor_counted():
    clock = RunClock(lambda: 500_000_000)
    clock.start()
    exposures = Exposures(clock, FrameCounter(), False, lambda event: None)

    def made(number: int):
        at_ns = number * PERIOD_NS
        raw = RawFrame(np.zeros((4, 4, 2), np.uint8), at_ns, at_ns + READOUT_NS)
        return exposures.make(raw, ReadBack(number, None), RATE_HZ, wait_for_trigger=False)

    assert [made(number) for number in range(10)] == [None] * 10
    first = made(10)
    assert first is not None
    assert (first.frame.index, first.frame.time_us) == (0, 0)
