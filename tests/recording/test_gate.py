import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope.recording.gate import RecordGate
from syntalos_miniscope.streams import ControlKind, Frame

MAT = np.zeros((2, 2), np.uint8)


def times(
    gate: RecordGate, count: int, commands: dict[int, ControlKind] | None = None
) -> list[int]:
    """Feed frames every 100 ms, with commands before some of them; give what was kept, in ms."""
    kept = []
    for number in range(count):
        if commands and number in commands:
            gate.command(commands[number])
        kept += gate.take(Frame(number, number * 100_000, MAT))
    return [frame.time_us // 1000 for frame in kept]


def test_everything_is_kept_unless_it_is_said_otherwise():
    assert times(RecordGate(), 4) == [0, 100, 200, 300]


def test_a_schedule_keeps_its_beat():
    gate = RecordGate(first_us=200_000, duration_us=200_000, every_us=500_000)
    assert times(gate, 15) == [200, 300, 700, 800, 1200, 1300]
    assert gate.openings == 3


def test_frames_that_come_late_do_not_shift_the_beat():
    gate = RecordGate(duration_us=100_000, every_us=500_000)
    times_us = range(0, 2_100_000, 70_000)
    kept = [at // 1000 for at in times_us if gate.take(Frame(at, at, MAT))]
    assert kept == [0, 70, 560, 1050, 1540, 2030]


def test_a_pause_forgets_what_was_before_it():
    gate = RecordGate(waits_for_start=True, before_us=250_000)
    commands = {4: ControlKind.PAUSE, 5: ControlKind.START}
    assert times(gate, 7, commands) == [500, 600]


def test_beats_that_went_by_without_frames_are_not_made_up_for():
    gate = RecordGate(duration_us=200_000, every_us=1_000_000)
    kept = [
        time_us // 1000
        for number, time_us in enumerate((0, 100_000, 3_500_000, 3_600_000, 4_000_000, 4_100_000))
        if gate.take(Frame(number, time_us, MAT))
    ]
    assert kept == [0, 100, 4000, 4100]
    assert gate.openings == 2


def test_a_recorder_that_waits_keeps_nothing_before_the_start_but_what_was_asked():
    start = {5: ControlKind.START}
    assert times(RecordGate(waits_for_start=True), 5) == []
    assert times(RecordGate(waits_for_start=True), 8, start) == [500, 600, 700]
    before = RecordGate(waits_for_start=True, before_us=250_000)
    assert times(before, 8, start) == [300, 400, 500, 600, 700]


def test_a_trigger_with_a_duration_shuts_and_waits_again():
    gate = RecordGate(waits_for_start=True, duration_us=200_000, before_us=100_000)
    commands = {3: ControlKind.START, 9: ControlKind.START}
    assert times(gate, 13, commands) == [200, 300, 400, 800, 900, 1000]


def test_what_was_kept_from_before_is_not_kept_again():
    gate = RecordGate(waits_for_start=True, duration_us=100_000, before_us=400_000)
    commands = {5: ControlKind.START, 7: ControlKind.START}
    assert times(gate, 9, commands) == [100, 200, 300, 400, 500, 600, 700]


def test_a_pause_leaves_a_gap_and_a_start_goes_on():
    gate = RecordGate(before_us=1_000_000)
    commands = {2: ControlKind.PAUSE, 4: ControlKind.START}
    assert times(gate, 6, commands) == [0, 100, 400, 500]


def test_a_start_while_it_records_changes_nothing():
    assert times(RecordGate(), 4, {2: ControlKind.START}) == [0, 100, 200, 300]


@given(
    st.dictionaries(st.integers(0, 40), st.sampled_from(list(ControlKind)), max_size=10),
    st.integers(0, 500_000),
    st.integers(0, 700_000),
    st.integers(0, 900_000),
    st.booleans(),
)
def test_no_frame_is_kept_twice_or_out_of_order(commands, before, duration, every, waits):
    gate = RecordGate(waits_for_start=waits, before_us=before, duration_us=duration, every_us=every)
    kept = times(gate, 41, commands)
    assert kept == sorted(set(kept))


@pytest.mark.parametrize("frames", [10, 100])
def test_memory_is_bounded(frames):
    gate = RecordGate(waits_for_start=True, before_us=60_000_000, memory_frames=20)
    kept = times(gate, frames, {frames - 1: ControlKind.START})
    assert len(kept) == min(frames, 21)
