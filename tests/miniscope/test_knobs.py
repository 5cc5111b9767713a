"""Knobs of the driver, on both ways to a DAQ: what reaches the scope, and what is logged."""

import pytest

from syntalos_miniscope.miniscope.device_types import device_type
from syntalos_miniscope.miniscope.events import ControlChange
from syntalos_miniscope.miniscope.knobs import Knobs
from syntalos_miniscope.scope import ScopeSettings

FACES = pytest.mark.parametrize("face", ["libusb", "v4l2"])


@FACES
def test_knobs_reach_the_scope(rig, face):
    made = rig(face).start(led_percent=20, rate_hz=10, gain="high", ewl=50)
    made.read(5)
    assert made.daq.scope.led_registers == (0xCC, 0xCC)
    assert made.daq.scope.focus_steps == 50
    assert made.daq.scope.gain == "high"
    assert made.scope.frame_rate_hz == pytest.approx(9.94, abs=0.01)
    made.scope.apply(ScopeSettings(led_percent=0, frame_rate_hz=30))
    made.read(5)
    assert made.daq.scope.led_registers == (255, 255)
    assert made.daq.scope.frame_period_ns == pytest.approx(33.198e6)


@FACES
@pytest.mark.parametrize(("before_hz", "after_hz"), [(10, 30), (2, 30), (30, 2)])
def test_another_frame_rate_costs_no_frame_and_no_false_drop(rig, face, before_hz, after_hz):
    made = rig(face).start(rate_hz=before_hz)
    made.read(20)
    made.scope.apply(ScopeSettings(frame_rate_hz=after_hz))
    assert [exposure.frame.index for exposure in made.read(20)] == list(range(20, 40))
    counters = made.scope.counters
    assert counters["dropped"] == counters["gaps"] == counters["counter_jumps"] == 0


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("Miniscope_V4_BNO", ["Low", "Medium", "High"]),
        ("Minicam-Mono-XGA", ["1X", "8X", "32X"]),
        ("MiniLFOV_Bin2x_Sum", ["Low", "16X", "128X"]),
    ],
)
def test_low_medium_and_high_are_the_first_the_middle_and_the_last_gain(kind, names):
    scope = device_type(kind)
    gains = scope.choices["gain"]
    for gain, name in zip(("low", "medium", "high"), names, strict=True):
        settings = ScopeSettings(gain=gain, frame_rate_hz=scope.frame_rate_hz(0))
        turn = Knobs(scope).turn(settings, 0)
        assert gains.commands(gains.names.index(name))[0] in turn.commands


def test_a_led_that_is_set_in_steps_is_known_to_be_lit(rig):
    made = rig()
    made.scope.apply(ScopeSettings(led_percent=0, frame_rate_hz=30), led_step=51)
    made.start_stream()
    made.read(5)
    assert made.lights == [True]
    assert made.daq.scope.led_registers == (204, 204)
    made.read(300)
    assert made.scope.light_dose_percent_s == pytest.approx(20 * 10, rel=0.05)


def test_many_turns_of_a_knob_cost_few_packets(rig):
    made = rig().start()
    made.read(60)
    before = len(made.daq.packets)
    for ewl in range(-100, 101):
        made.scope.apply(ScopeSettings(frame_rate_hz=30, ewl=ewl))
    made.read(10)
    assert made.daq.scope.focus_steps == 100
    assert len(made.daq.packets) - before <= 4


def test_settings_are_sent_again_a_second_after_the_start(rig):
    made = rig().start(led_percent=20)
    made.read(5)
    made.daq.scope.mcu[1] = 255
    made.read(40)
    assert made.daq.scope.led_registers == (0xCC, 0xCC)


def test_each_change_is_logged_once_with_its_time(rig):
    made = rig().start(led_percent=20)
    made.read(30)
    made.scope.apply(ScopeSettings(led_percent=30, frame_rate_hz=30))
    made.read(2)
    changes = [event for event in made.events if isinstance(event, ControlChange)]
    assert [(change.control, change.shown, change.code) for change in changes] == [
        ("frameRate", "30", 3300),
        ("gain", "1", 225),
        ("ewl", "0", 127),
        ("led0", "20", 204),
        ("led0", "30", 178),
    ]
    assert changes[0].time_us == 0
    assert changes[-1].time_us > 900_000


def test_led_steps_reach_below_one_percent_and_go_before_the_percent(rig):
    made = rig().start(led_percent=0)
    made.scope.apply(ScopeSettings(led_percent=90, frame_rate_hz=30), 1)
    made.read(3)
    assert made.daq.scope.led_registers == (254, 254)
    assert bytes.fromhex("200119") not in made.daq.packets
    with pytest.raises(ValueError, match="an LED step is 0 to 255, not 256"):
        made.scope.apply(ScopeSettings(frame_rate_hz=30), 256)


def test_a_rate_that_there_is_not_lists_those_there_are(rig):
    with pytest.raises(
        ValueError, match="has 2, 5, 10, 15, 20, 25, 30 frames a second; 22 is none"
    ):
        rig().start(rate_hz=22)


def test_the_true_rate_is_accepted_as_well(rig):
    made = rig().start(rate_hz=1e6 / (10.06 * 5000))
    made.read(3)
    assert made.daq.scope.sensor[201] == 5000


def test_the_second_led_of_a_two_colour_scope_is_set_and_ends_dark(rig):
    made = rig(kind="Miniscope_V4_2C_Manual").start(led_percent=0)
    made.scope.apply_second_led(50)
    made.read(5)
    assert made.daq.scope.mcu[2] == made.daq.scope.pot[1] == 0x7F
    assert made.lights == [True]
    made.close()
    assert made.daq.scope.mcu[2] == made.daq.scope.pot[1] == 255
    assert made.lights == [True, False]
    with pytest.raises(ValueError, match="a Miniscope_V4_BNO has one LED only"):
        rig().scope.apply_second_led(10)
