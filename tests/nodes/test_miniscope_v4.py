"""The Miniscope's box, on a virtual Miniscope in real time."""

import csv
import re
from collections.abc import Callable
from typing import Any

import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import Control, ControlKind
from virtual_miniscope import plug_in, usb_pair
from virtual_miniscope.daq import Daq

MiniscopeV4: Any = Catalog.shipped().node("miniscope_v4")


def script(tmp_path=None, device="virtual:tissue=pattern", wired=None, **settings) -> Any:
    chosen = {"led_percent": 50, "frame_rate_hz": 30, **settings}
    node = MiniscopeV4(MiniscopeV4.Settings(device=device, **chosen))
    return Script(node, wired=wired, record_to=tmp_path)


def own_box(made: Any) -> Daq:
    """Let the node open a box that the test can look into, and that waits for a busy machine."""
    daq = Daq(patient=True)
    made.node.connect = lambda device, transport: lambda: usb_pair(daq)
    return daq


def test_the_four_ports_have_syntalos_names_and_metadata():
    assert [(port.id, port.title) for port in MiniscopeV4.outputs] == [
        ("frames-raw-out", "Raw Frames"),
        ("frames-disp-out", "Display Frames"),
        ("bno-raw-out", "Orientation Vector"),
        ("bno-tab-out", "Orientation Rows"),
    ]


def test_a_run_gives_frames_orientation_a_log_and_a_dark_scope(tmp_path):
    made = script(tmp_path, show_orientation=True)
    daq = own_box(made)
    made.prepare()
    assert made.described["frames-raw-out"]["framerate"] == pytest.approx(30.12, abs=0.01)
    assert made.described["frames-raw-out"]["has_color"] is False
    assert made.described["frames-disp-out"]["has_color"] is True
    assert made.described["bno-tab-out"]["table_header"] == ["Time [ms]", "qw", "qx", "qy", "qz"]
    assert not daq.led_lit
    made.start()
    made.run(until_us=1_500_000)
    assert daq.led_lit
    assert daq.recording
    made.stop()
    assert daq.scope.led_registers == (255, 255)
    assert not daq.recording
    raw, shown = made.emitted["frames-raw-out"], made.emitted["frames-disp-out"]
    assert len(raw) - len(shown) in (0, 1)
    assert len(shown) > 5
    indices = [frame.index for frame in raw]
    assert indices == sorted(set(indices))
    # A busy machine may lose frames, but none unseen.
    assert indices[-1] + 1 - len(raw) <= made.counters["dropped"]
    assert shown[0].mat.shape == (608, 608, 3)
    assert len(made.emitted["bno-tab-out"]) >= len(raw) - 5
    assert all(re.match(r"FPS: \d+ Dropped: \d+ · fluor", status) for status in made.statuses)
    assert made.statuses
    assert made.notes[-1].startswith("Light dose: ")
    (log,) = tmp_path.rglob("ctlvalue-changes.csv")
    rows = list(csv.reader(log.read_text().splitlines(), delimiter=";"))
    assert rows[0][:4] == ["Time", "ID", "Display Value", "Device Value"]
    assert ["0", "led0", "50", "127"] in [row[:4] for row in rows]
    (sync,) = tmp_path.rglob("sync-points.csv")
    points = list(csv.reader(sync.read_text().splitlines(), delimiter=";"))[1:]
    times = {int(point[0]): int(point[1]) for point in points}
    assert all(times[frame.index] == frame.time_us for frame in raw)
    # First bytes, then the end of the frame.
    assert all(int(point[2]) < int(point[3]) for point in points)


def test_knobs_turn_while_it_runs_and_a_rate_that_is_none_is_said_and_not_taken():
    made = script()
    daq = own_box(made)
    made.prepare()
    made.start()
    settings = made.node.settings
    made.apply(settings.model_copy(update={"led_percent": 10.0, "ewl": 20}))
    made.run(items=30)
    assert daq.scope.led_registers == (0xE5, 0xE5)
    assert daq.scope.focus_steps == 20
    made.apply(settings.model_copy(update={"frame_rate_hz": 22.0}))
    made.run(items=30)
    made.stop()
    assert any("22 is none of them" in note for note in made.notes)
    assert daq.scope.sensor[201] == 3300


def run_until(made: Any, there: Callable[[], bool]) -> None:
    """Let the node run until a state is there; a minute matters only where it never comes."""
    while not there():
        assert made.clock.now_us() < 60_000_000
        made.run(until_us=made.clock.now_us() + 50_000)


def lit() -> tuple[Any, Daq]:
    """Give a node whose raw frames alone are heard, and its box, once the light is on."""
    made = script(wired={"frames-raw-out"})
    daq = own_box(made)
    made.prepare()
    made.start()
    run_until(made, lambda: daq.led_lit)
    return made, daq


def test_pause_is_dark_and_a_gap_start_goes_on_stop_ends():
    made, daq = lit()
    made.feed("control-in", Control(ControlKind.PAUSE))
    run_until(made, lambda: not daq.led_lit)
    paused = len(made.emitted["frames-raw-out"])
    made.run(until_us=made.clock.now_us() + 500_000)
    made.feed("control-in", Control(ControlKind.START))
    run_until(made, lambda: daq.led_lit and len(made.emitted["frames-raw-out"]) > paused)
    frames = made.emitted["frames-raw-out"]
    assert frames[paused].index - frames[paused - 1].index > 5
    made.feed("control-in", Control(ControlKind.STOP))
    made.run(until_us=60_000_000)
    made.stop()
    assert not daq.led_lit


def test_knobs_turned_in_a_pause_leave_it_dark_and_hold_from_the_start_on():
    made, daq = lit()
    made.feed("control-in", Control(ControlKind.PAUSE))
    run_until(made, lambda: not daq.led_lit)
    made.apply(made.node.settings.model_copy(update={"led_percent": 10.0, "ewl": 20}))
    run_until(made, lambda: daq.scope.focus_steps == 20)
    assert not daq.led_lit
    made.feed("control-in", Control(ControlKind.START))
    run_until(made, lambda: daq.scope.led_registers == (0xE5, 0xE5))
    made.stop()


def test_a_rate_that_is_none_holds_up_no_other_knob_and_no_pause():
    made, daq = lit()
    wrong = {"frame_rate_hz": 22.0, "led_percent": 10.0}
    made.apply(made.node.settings.model_copy(update=wrong))
    run_until(made, lambda: daq.scope.led_registers == (0xE5, 0xE5))
    made.feed("control-in", Control(ControlKind.PAUSE))
    run_until(made, lambda: not daq.led_lit)
    made.stop()
    assert daq.scope.sensor[201] == 3300


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("nowhere", "no device 'nowhere'; there are auto, a port path such as 2-1.4,.* virtual"),
        ("virtual:firmware=high-speed,tissue=pattern", "on a USB 2 port and cannot stream"),
        ("9-9.9", "no Miniscope at port 9-9.9"),
    ],
)
def test_a_device_that_cannot_be_had_refuses_the_run_in_one_line(device, says):
    made = script(device=device)
    with pytest.raises((OSError, ValueError), match=says):
        made.prepare()
    made.stop()


def test_a_wrong_rate_or_kind_refuses_the_run():
    made = script(frame_rate_hz=22)
    daq = own_box(made)
    with pytest.raises(ValueError, match="22 is none of them"):
        made.prepare()
    made.stop()
    assert daq.scope.led_registers == (255, 255)
    with pytest.raises(ValueError, match="no device type 'V5'; there are"):
        script(device_type="V5").prepare()


def test_the_virtual_device_is_found_under_its_name_on_either_face():
    assert callable(plug_in("face=capture,tissue=pattern"))
    for options in ("face=usb", "face=capture,kernel=live"):
        made = script(device=f"virtual:tissue=pattern,{options}")
        made.prepare()
        made.start()
        made.run(items=20)
        made.stop()
        assert len(made.emitted["frames-raw-out"]) >= 4
