"""Indices out of a 16-bit counter that is read late, and frames out of payloads that are spoilt."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from syntalos_miniscope.miniscope.counter import FrameCounter
from syntalos_miniscope.miniscope.payloads import FrameAssembler


@given(
    start=st.integers(0, 65535),
    drops=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    ahead=st.data(),
    seen_in_time=st.booleans(),
)
def test_every_drop_is_counted_once_however_late_the_counter_is_read(
    start, drops, ahead, seen_in_time
):
    count = FrameCounter()
    counter, reading, indices = start, start, []
    for lost in [0, *drops, *[0] * 30]:
        counter += 1 + lost
        late = ahead.draw(st.sampled_from([0, 0, 0, 1, 3])) if len(indices) % 6 == 5 else 0
        # A later reading is never of an earlier moment.
        reading = max(counter + late, reading)
        indices.append(count.take(reading & 0xFFFF, lost if seen_in_time else 0))
    assert count.lost == sum(drops)
    assert all(b > a for a, b in itertools.pairwise(indices))


@given(st.integers(65500, 65535), st.integers(1, 40))
def test_a_drop_at_the_wrap_is_counted(start, lost):
    count = FrameCounter()
    counter = start
    for step in [1] * 10 + [1 + lost] + [1] * 40:
        counter += step
        count.take(counter & 0xFFFF)
    assert count.lost == lost


def test_frames_lost_inside_the_daq_are_known_by_the_hole_in_time():
    count = FrameCounter()
    indices = [count.take(at, 12 if at == 10 else 0) for at in range(30)]
    assert indices == [*range(10), *range(22, 42)]
    assert (count.lost, count.holes) == (12, 1)


def test_incomplete_frames_are_lost_ones_though_the_counter_cannot_be_read():
    count = FrameCounter()
    assert [count.take(None, torn=torn) for torn in (0, 2, 0)] == [0, 3, 4]
    assert (count.lost, count.holes) == (2, 0)


def test_a_counter_that_stood_still_once_hides_no_later_drop():
    count = FrameCounter()
    for value in [*range(10), *range(9, 30), *range(31, 50)]:
        count.take(value)
    assert count.lost == 1


def test_a_late_reading_before_a_hole_in_time_is_no_drop_of_its_own():
    count = FrameCounter()
    for value in range(10):
        count.take(value)
    count.take(11)
    count.take(11, 12)
    for value in range(12, 40):
        count.take(value)
    assert count.lost == 12


def test_a_counter_that_starts_anew_is_no_drop():
    count = FrameCounter()
    indices = [count.take(value) for value in [40_000, 40_001, 5, 6, 7]]
    assert indices == [0, 1, 2, 3, 4]


@given(st.integers(0, 65535), st.integers(3, 65535), st.integers(0, 5))
def test_a_step_that_the_time_has_no_room_for_is_a_jump_and_no_drop(start, jump, lost):
    count = FrameCounter()
    counter = start
    for step, room in [(1, 2)] * 10 + [(jump, 2)] + [(1, 2)] * 10 + [(1 + lost, 6)] + [(1, 2)] * 20:
        counter += step
        count.take(counter & 0xFFFF, room=room)
    assert (count.jumps, count.lost) == (1, lost)


def payloads_of(frame: bytes, frame_id: int, size: int = 10) -> list[bytes]:
    parts = [frame[at : at + size] for at in range(0, len(frame), size)]
    flags = [0x8C | frame_id | (2 if at == len(parts) - 1 else 0) for at in range(len(parts))]
    return [bytes((12, flag)) + bytes(10) + part for flag, part in zip(flags, parts, strict=True)]


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=40), max_size=20))
def test_after_any_garbage_the_second_whole_frame_is_right(garbage):
    assembler = FrameAssembler(8, 4)
    picture = bytes(range(64))
    for data in garbage:
        assembler.take(data, 0)
    given_back = []
    for number in range(3):
        for at, data in enumerate(payloads_of(picture, number & 1)):
            frame = assembler.take(data, 100 * number + at)
            if frame is not None:
                given_back.append((frame.yuyv.tobytes(), frame.first_ns, frame.end_ns))
    assert given_back[-2:] == [(picture, 100, 106), (picture, 200, 206)]


def test_frames_given_away_stay_whole_however_many_follow_before_they_are_looked_at():
    assembler = FrameAssembler(8, 4)
    given_away = []
    for number in range(5):
        for data in payloads_of(bytes([number] * 64), number & 1):
            given_away.append(assembler.take(data, 0))
    pictures = [frame.yuyv.tobytes() for frame in given_away if frame is not None]
    assert pictures == [bytes([number] * 64) for number in range(5)]


def test_an_error_flag_and_a_change_of_frame_id_spoil_a_frame():
    assembler = FrameAssembler(8, 4)
    spoilt = payloads_of(bytes(64), 0)
    spoilt[2] = bytes((12, spoilt[2][1] | 0x40)) + spoilt[2][2:]
    assert not any(assembler.take(data, 0) for data in spoilt)
    assert not any(assembler.take(data, 0) for data in payloads_of(bytes(64), 1)[:3])
    whole = [assembler.take(data, 0) for data in payloads_of(bytes(64), 0)][-1]
    assert whole is not None
    assert whole.torn == 2
