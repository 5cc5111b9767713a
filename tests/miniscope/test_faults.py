"""Each fault: what the user is told, what the recording says, and how the LED ends."""

from itertools import pairwise

import pytest

from syntalos_miniscope.miniscope.link import State
from virtual_miniscope.faults import Fault

FACES = pytest.mark.parametrize("face", ["libusb", "v4l2"])


def indices(exposures):
    return [exposure.frame.index for exposure in exposures]


def dark(made) -> bool:
    made.close()
    return made.daq.scope.led_registers == (255, 255)


@FACES
def test_dropped_frames_are_a_gap_in_the_index_and_are_counted(rig, face):
    made = rig(face).start()
    made.read(10)
    made.daq.inject("drop", 3)
    exposures = made.read(30)
    after = indices(exposures)
    times_us = [exposure.frame.time_us for exposure in exposures]
    # The gap in the index is where the gap in time is.
    for (a, b), (begun, ended) in zip(pairwise(after), pairwise(times_us), strict=True):
        assert (ended - begun) / 33_198 == pytest.approx(b - a, abs=0.2)
    assert made.scope.counters["dropped"] == 3
    assert after[-1] == 42
    assert sorted(b - a for a, b in pairwise([9, *after])) == [1] * 29 + [4]
    assert dark(made)


@FACES
def test_torn_frames_are_never_shown_and_are_counted(rig, face):
    made = rig(face).start()
    made.read(10)
    made.daq.inject("torn", 2)
    after = made.read(30)
    assert all(exposure.frame.mat.max() == 255 for exposure in after[3:])
    assert made.scope.counters["dropped"] == 2
    # The kernel throws incomplete frames away unseen.
    assert made.scope.counters["torn"] == (2 if face == "libusb" else 0)
    assert indices(after)[-1] == 41
    assert dark(made)


@FACES
def test_a_counter_wrap_is_no_drop(rig, face):
    made = rig(face).start()
    made.read(5)
    made.daq.inject("counter", 65530)
    assert indices(made.read(33)) == list(range(5, 38))
    assert made.daq.counter < 100
    assert made.scope.counters["dropped"] == 0
    assert dark(made)


@FACES
@pytest.mark.parametrize("to", [20, 20_000, 60_000])
def test_a_counter_that_jumps_further_than_time_allows_is_told_and_loses_no_frame(rig, face, to):
    made = rig(face).start()
    made.read(10)
    made.daq.inject("counter", to)
    assert indices(made.read(30)) == list(range(10, 40))
    assert made.scope.counters["dropped"] == 0
    assert made.scope.counters["counter_jumps"] == 1
    assert [note for note in made.notes if "counter jumped" in note] == made.notes[-1:]
    made.daq.inject("drop", 2)
    made.read(20)
    assert made.scope.counters["dropped"] == 2
    assert dark(made)


def test_a_wrap_from_the_beginning_gives_an_unbroken_index(rig):
    made = rig(faults=[Fault("counter", 65500)]).start()
    assert indices(made.read(90)) == list(range(90))
    assert made.scope.counters["dropped"] == 0


@FACES
def test_a_counter_that_stands_still_for_a_frame_is_no_drop_and_hides_none(rig, face):
    made = rig(face).start()
    made.read(10)
    made.daq.inject("duplicate", 1)
    assert indices(made.read(20)) == list(range(10, 30))
    made.daq.inject("drop", 2)
    made.read(20)
    assert made.scope.counters["dropped"] == 2
    assert dark(made)


@FACES
def test_a_stalled_stream_is_taken_up_again(rig, face):
    made = rig(face).start(led_percent=20)
    made.read(10)
    made.daq.inject("stall")
    after = made.read(10)
    assert len(after) == 10
    assert made.daq.scope.led_registers == (0xCC, 0xCC)
    assert made.scope.counters["reconnects"] == 1
    assert made.scope.counters["dropped"] > 0
    assert "LED state unknown until it is back" in made.notes[0]
    assert "is back after" in made.notes[-1]
    assert dark(made)


@FACES
def test_an_unplugged_scope_comes_back_set_up_with_its_settings_and_the_gap_counted(rig, face):
    made = rig(face).start(led_percent=20, gain="medium", ewl=-30)
    made.read(30)
    made.daq.inject("unplug", 4)
    after = made.read(30)
    scope = made.daq.scope
    assert made.daq.device_number == 2
    assert (scope.led_registers, scope.gain, scope.focus_steps) == ((0xCC, 0xCC), "medium", -30)
    assert scope.bno[0x41] == 9
    gap_s = (after[0].frame.time_us - 29 / 30.12 * 1e6) / 1e6
    assert after[0].frame.index - 29 == pytest.approx(gap_s * 30.12, abs=3)
    assert after[0].frame.time_us > 4_000_000
    assert any(exposure.quaternion is not None for exposure in after)
    assert "The scope is gone" in made.notes[0]
    assert made.lights == [True, False, True]
    assert dark(made)


def test_while_the_scope_is_away_closing_says_that_the_led_is_unknown(rig):
    made = rig().start()
    made.read(5)
    made.daq.inject("unplug", 1000)
    made.read_for(3)
    assert made.scope.state is State.LOST
    made.close()
    assert made.notes[-1].startswith("LED state unknown")


def test_attempts_to_reconnect_grow_apart(rig):
    made = rig().start()
    made.read(5)
    tried = []
    connect = made.scope._connect
    made.scope._connect = lambda: (tried.append(made.daq.clock.now_ns() / 1e9), connect())[1]
    made.daq.inject("unplug", 100)
    made.read_for(25)
    steps = [b - a for a, b in pairwise(tried)]
    assert steps[:5] == pytest.approx([2, 3, 4, 5, 5], abs=0.2)


def test_a_silent_stream_is_begun_anew_once_before_the_scope_is_given_up(rig, monkeypatch):
    made = rig().start(rate_hz=2)
    made.read(5)
    transport, begun = made.scope._link.transport, []
    monkeypatch.setattr(transport, "start", lambda: begun.append(True))
    made.daq.inject("silence", 1000)
    made.read_for(20)
    assert begun == [True]
    assert made.scope.counters["reconnects"] == 1


def test_after_each_loss_the_first_attempt_comes_soon_and_is_told(rig):
    made = rig().start()
    for _ in range(2):
        made.read(5)
        made.daq.inject("unplug", 12)
        made.read_for(20)
    assert made.scope.counters["reconnects"] == 2
    assert sum(note.startswith("Trying to reconnect") for note in made.notes) == 2


def test_a_led_commanded_off_is_off_after_a_reconnect(rig):
    made = rig().start(led_percent=0)
    made.read(5)
    made.daq.inject("unplug", 2)
    made.read(10)
    assert made.daq.scope.led_registers == (255, 255)


@pytest.mark.parametrize("rate_hz", [2, 30])
def test_frozen_reads_are_said_within_two_seconds_and_give_no_orientation(rig, rate_hz):
    made = rig("v4l2", kernel="new").start(rate_hz=rate_hz)
    exposures = made.read_for(2.6 if rate_hz == 2 else 2.0)
    assert {exposure.quaternion for exposure in exposures} == {None}
    assert "this kernel answers from a cache" in made.notes[0]
    assert made.scope.counters["dropped"] == 0
    assert indices(exposures) == list(range(len(exposures)))
    assert dark(made)


def test_reads_that_freeze_in_the_middle_end_the_orientation_and_thaw_again(rig):
    made = rig().start()
    assert made.read(30)[-1].quaternion is not None
    made.daq.inject("freeze", 4)
    frozen = made.read_for(3)
    assert {exposure.quaternion for exposure in frozen[4:]} == {None}
    assert made.notes
    assert made.read_for(3)[-1].quaternion is not None


def test_without_a_counter_lost_frames_are_seen_by_their_times(rig):
    made = rig("v4l2", kernel="new").start()
    made.read_for(2)
    made.daq.inject("drop", 3)
    after = indices(made.read(10))
    assert made.scope.counters["dropped"] == 3
    assert after[-1] - after[0] == 12


def test_the_libusb_transport_reads_live_on_every_kernel(rig):
    made = rig("libusb").start()
    assert all(exposure.quaternion for exposure in made.read(30)[3:])
    assert made.notes == []


@FACES
def test_an_orientation_sensor_that_forgot_is_set_up_again_and_said(rig, face):
    made = rig(face).start()
    made.read(10)
    made.daq.inject("bno-zero")
    gone = made.read(20)
    assert {exposure.quaternion for exposure in gone[1:]} == {None}
    after = made.read(40)
    assert after[-1].quaternion is not None
    assert made.scope.counters["orientation_restarts"] == 1
    assert made.notes == ["The orientation sensor gave only zeros and was set up again."]
    assert indices(after) == list(range(30, 70))
    assert dark(made)


def test_a_quaternion_of_the_wrong_length_is_not_valid(rig):
    made = rig().start()
    made.read(10)
    made.daq.inject("bno-norm", 1)
    assert None in {exposure.quaternion for exposure in made.read(20)[2:]}
    assert made.read(30)[-1].quaternion is not None


@FACES
def test_a_latency_spike_costs_no_frame_and_no_false_drop(rig, face):
    made = rig(face).start()
    made.read(10)
    made.daq.inject("latency", 60)
    after = indices(made.read(30))
    assert after == list(range(10, 40))
    assert made.scope.counters["dropped"] == made.scope.counters["counter_jumps"] == 0
    assert dark(made)


@FACES
def test_a_sensor_that_falls_silent_leaves_a_gap_though_the_counter_knows_none(rig, face):
    made = rig(face).start()
    made.read(10)
    made.daq.inject("silence", 0.5)
    after = indices(made.read(20))
    missing = made.scope.counters["dropped"]
    assert missing == pytest.approx(15, abs=2)
    assert sorted(b - a for a, b in pairwise([9, *after])) == [1] * 19 + [1 + missing]
    assert made.scope.counters["gaps"] == 1
    assert dark(made)


def test_frames_lost_inside_the_daq_are_a_gap_in_the_index(rig):
    made = rig().start()
    made.read(10)
    # Busy elsewhere for longer than the DAQ and the kernel can keep frames for.
    made.daq.clock.sleep(0.4)
    after = indices(made.read(30))
    assert made.daq.stream.overruns > 0
    assert after[-1] - 9 == pytest.approx(30 + 12 - 3, abs=2)
    assert made.scope.counters["dropped"] == after[-1] - 39
    assert made.scope.counters["counter_jumps"] == 0


def test_an_abrupt_end_leaves_the_led_lit_which_is_why_there_is_a_guardian(rig):
    made = rig().start()
    made.read(5)
    made.scope._link.abandon()
    made.daq.clock.sleep(5)
    assert made.daq.led_lit
    assert made.lights == [True]
