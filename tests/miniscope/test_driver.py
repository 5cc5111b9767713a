"""The driver on both ways to a DAQ: set-up, frames, times and light."""

import itertools

import numpy as np
import pytest

from syntalos_miniscope.miniscope.device_types import device_type
from syntalos_miniscope.miniscope.events import SyncPoint
from syntalos_miniscope.miniscope.link import State
from syntalos_miniscope.miniscope.packets import serdes_mode
from syntalos_miniscope.scope import ScopeSettings
from virtual_miniscope.firmware import FIRMWARES

FACES = pytest.mark.parametrize("face", ["libusb", "v4l2"])
LED = ("2001", "580072")


def without_light(packets):
    return [packet for packet in packets if not packet.hex().startswith(LED)]


@FACES
def test_set_up_sends_the_table_in_order_and_only_one_packet_more(rig, face):
    made = rig(face, strict_timing=True)
    kind = device_type("Miniscope_V4_BNO")
    sent = without_light(made.daq.packets)
    assert bytes.fromhex("503d00") in sent
    assert [p for p in sent if p != bytes.fromhex("503d00")] == [*serdes_mode(16.6), *kind.init]
    assert made.daq.scope.bno == {0x3D: 0x0C, 0x41: 9, 0x42: 5}
    assert made.scope.state is State.READY
    order = [packet.hex() for packet in made.daq.packets]
    assert order.index("580072ff") < order.index(kind.init[0].hex())
    assert [p for p in made.daq.scope.not_acknowledged if p.hex()[:4] not in ("2001", "5800")] == []


@FACES
def test_a_scope_that_was_left_lit_is_dark_before_the_first_apply(rig, face):
    made = rig(face)
    made.start(led_percent=80).read(5)
    assert made.daq.led_lit
    made.scope._link.abandon()
    made.scope._open()
    assert made.daq.scope.led_registers == (255, 255)


def test_a_lit_scope_behind_a_link_that_was_reset_is_dark_as_well(rig):
    made = rig().start(led_percent=80)
    made.read(5)
    made.scope._link.abandon()
    made.daq.scope.deserialiser.clear()
    made.daq.scope.serialiser.clear()
    made.scope._open()
    assert made.daq.scope.led_registers == (255, 255)


def test_axes_are_remapped_though_the_sensor_was_left_in_fusion(rig):
    made = rig()
    made.daq.scope.bno[0x41] = 0
    made.scope.close()
    made.scope._open()
    assert made.daq.scope.bno[0x41] == 9


@FACES
def test_every_grey_value_arrives_bit_exact(rig, face):
    last = rig(face).start().read(10)[-1]
    ramp = np.arange(608 * 608) % 256
    assert np.array_equal(last.frame.mat.ravel(), ramp)


@FACES
def test_a_reader_that_was_busy_finds_in_each_frame_its_own_pixels(rig, face, monkeypatch):
    made = rig(face)
    exposed = itertools.count()

    def uniform(frame):
        return bytes([next(exposed) % 256]) * (2 * 608 * 608)

    monkeypatch.setattr(made.daq.stream, "_expose", uniform)
    made.start(rate_hz=30).read(5)
    made.daq.clock.sleep(0.12)
    counts = [np.unique(exposure.frame.mat).tolist() for exposure in made.read(5)]
    assert [len(each) for each in counts] == [1] * 5
    assert counts == sorted(counts)
    assert len({each[0] for each in counts}) == 5


@FACES
def test_index_and_time_run_on_from_zero_at_the_true_rate(rig, face):
    exposures = rig(face).start(rate_hz=20).read(45)
    assert [exposure.frame.index for exposure in exposures] == list(range(45))
    times = np.array([exposure.frame.time_us for exposure in exposures])
    assert times[0] >= 0
    # The frame rate reaches the sensor with the first frames.
    assert np.diff(times[5:]) == pytest.approx(50_300, abs=2)


@FACES
def test_closing_leaves_the_led_dark_and_twice_does_no_harm(rig, face):
    made = rig(face).start()
    made.read(5)
    assert made.daq.led_lit
    wire = made.scope._link.transport
    made.close()
    made.close()
    assert made.daq.scope.led_registers == (255, 255)
    assert made.scope.state is State.CLOSED
    if face == "libusb":
        # The kernel's driver may have it again.
        assert wire._handle.claimed == set()
    assert made.lights == [True, False]
    assert made.notes == []


@FACES
@pytest.mark.parametrize("behind_s", [0.0, 0.1, 0.3, 3.0])
def test_closing_is_dark_however_far_the_reader_is_behind(rig, face, behind_s):
    made = rig(face).start(rate_hz=30)
    made.read(10)
    made.daq.clock.sleep(behind_s)
    made.close()
    assert made.daq.scope.led_registers == (255, 255)
    assert made.notes == []


def test_closing_at_the_slowest_rate_is_dark(rig):
    made = rig().start(rate_hz=2)
    made.read(5)
    made.close()
    assert made.daq.scope.led_registers == (255, 255)


def test_the_record_flag_toggles_the_ttl_once_a_frame_and_ends_with_the_stream(rig):
    made = rig().start()
    made.read(5)
    made.scope.record_flag = True
    made.read(20)
    assert 18 <= len(made.daq.ttl_log) <= 20
    made.close()
    assert not made.daq.recording


def test_the_light_dose_is_power_times_time(rig):
    made = rig().start(led_percent=50)
    made.read(302)
    made.scope.apply(ScopeSettings(led_percent=0, frame_rate_hz=30))
    made.read(100)
    assert made.scope.light_dose_percent_s == pytest.approx(500, rel=0.02)


@FACES
def test_the_led_goes_off_when_nobody_reads_and_on_when_somebody_does(rig, face):
    made = rig(face).start(led_percent=20)
    made.read(5)
    made.daq.clock.sleep(4)
    made.scope.check_unattended()
    assert made.daq.led_lit
    made.daq.clock.sleep(2)
    made.scope.check_unattended()
    assert not made.daq.led_lit
    after = made.read(10)
    assert made.daq.scope.led_registers == (0xCC, 0xCC)
    assert made.notes[0] == "Nothing reads the frames: the LED is off until something does."
    assert "about" in made.notes[1]
    missing = after[0].frame.index - 5
    # Six seconds, and however long it took to carry the command to the scope.
    assert 6 * 30 - 5 <= missing == made.scope.counters["dropped"] < 13 * 30


def test_frames_before_the_trigger_are_neither_given_nor_lost(rig):
    made = rig()
    made.scope.wait_for_trigger = True
    made.start()
    assert made.read(1, patience_s=3) == []
    made.daq.inject("trigger", 1)
    first = made.read(10)
    assert [exposure.frame.index for exposure in first] == list(range(10))
    made.daq.inject("trigger", 0)
    assert len(made.read(10, patience_s=2)) <= 1
    made.daq.inject("trigger", 1)
    made.read(10)
    assert made.scope.counters["dropped"] == 0


def test_open_ephys_metadata_is_read_from_the_frame_and_its_clock_is_kept(rig):
    made = rig("v4l2", kernel="new", firmware=FIRMWARES["open-ephys"]).start()
    exposures = made.read(40)
    assert exposures[-1].quaternion is not None
    points = [event for event in made.events if isinstance(event, SyncPoint)]
    told = [(p.device_us, p.time_us) for p in points if p.device_us is not None]
    assert len(told) == 39
    assert told[-1][0] - told[10][0] == pytest.approx(told[-1][1] - told[10][1], abs=2000)


def test_noise_in_the_odd_bytes_is_not_taken_for_metadata(rig, monkeypatch):
    rng = np.random.default_rng(0)
    made = rig()

    def noisy(frame):
        yuyv = np.frombuffer(expose(frame), np.uint8).copy()
        yuyv[1::2] = rng.integers(0, 256, yuyv.size // 2)
        return yuyv.tobytes()

    expose = made.daq._expose
    monkeypatch.setattr(made.daq.stream, "_expose", noisy)
    exposures = made.start().read(30)
    assert [exposure.frame.index for exposure in exposures] == list(range(30))
    assert all(event.device_us is None for event in made.events if isinstance(event, SyncPoint))
    assert all(exposure.quaternion for exposure in exposures[3:])


def test_sync_points_hold_first_and_last_arrival(rig):
    made = rig().start()
    made.read(10)
    points = [event for event in made.events if isinstance(event, SyncPoint)]
    assert [point.index for point in points] == list(range(10))
    assert all(15_000 < point.end_us - point.first_us < 25_000 for point in points)


def test_the_ttl_stamp_of_another_firmware_does_no_harm(rig):
    made = rig(firmware=FIRMWARES["ttl-stamp"]).start()
    assert len(made.read(10)) == 10
    assert made.scope.counters["dropped"] == 0


def test_a_scope_without_orientation_sensor_gives_none(rig):
    made = rig(kind="Miniscope_V4").start()
    assert {exposure.quaternion for exposure in made.read(10)} == {None}


def test_on_a_usb_2_port_the_user_is_told(rig):
    with pytest.raises(OSError, match="is on a USB 2 port and cannot stream"):
        rig(firmware=FIRMWARES["high-speed"])
    with pytest.raises(OSError, match="does not come up: the camera gives no frames"):
        rig("v4l2", firmware=FIRMWARES["high-speed"])
