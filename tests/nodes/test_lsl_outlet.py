"""The node against pylsl itself, in a process of another program."""

from __future__ import annotations

import builtins
import json
import os
import platform
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from syntalos_miniscope import lsl
from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import FloatSignalBlock, Frame, TableRow

pylsl: Any = pytest.importorskip("pylsl", reason="the extra lsl is not installed")

Outlet: Any = Catalog.shipped().node("lsl_outlet")
LISTENER = Path(__file__).with_name("lsl_listener.py")
ORIENTATION = {"time_unit": "milliseconds", "data_unit": "au",
               "signal_names": ["qw", "qx", "qy", "qz"]}  # fmt: skip
ROWS = {"table_header": ["Time [us]", "Cell"]}
FRAMES = {"framerate": 20.0, "size": (4, 4), "has_color": False}


def started(name: str, inputs: dict[str, Any], **settings: Any) -> Script:
    node = Outlet(Outlet.Settings(name=f"{name} {os.getpid()}", **settings))
    script = Script(node, inputs, wired=set(inputs))
    script.prepare()
    script.start()
    return script


def source_id(script: Script, ending: str = "") -> str:
    return f"syntalos-miniscope/{platform.node()}/{script.node.settings.name}{ending}"


def heard(
    script: Script, port: str, make: Callable[[int], Any], ending: str = ""
) -> dict[str, Any]:
    """Feed items, one after the other, until a listener of its own process has heard ten."""
    call = [sys.executable, str(LISTENER), source_id(script, ending), "10"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as listener:
        for k in range(1200):
            script.feed(port, make(k))
            try:
                listener.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                continue
        listener.kill()
        assert listener.stdout is not None
        return json.loads(listener.stdout.read())


def described(told: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(told["xml"])


def offset_s(info: ElementTree.Element) -> float:
    return float(info.findtext("desc/run_clock_offset_s") or "nan")


def test_orientation_arrives_with_its_channels_its_units_and_the_time_of_the_run() -> None:
    script = started("orientation", {"signal-in": ORIENTATION})

    def block(k: int) -> FloatSignalBlock:
        times = np.array([100 * k, 100 * k + 50], np.int64)
        return FloatSignalBlock(times, np.array([[k, 1, 2, 3], [k, 4, 5, 6]], np.float32))

    told = heard(script, "signal-in", block)
    info = described(told)
    assert (info.findtext("type"), info.findtext("channel_format")) == ("MoCap", "float32")
    channels = info.findall("desc/channels/channel")
    assert [c.findtext("label") for c in channels] == ORIENTATION["signal_names"]
    assert {c.findtext("unit") for c in channels} == {"au"}
    for sample, time_s in zip(told["samples"], told["times_s"], strict=True):
        time_ms = 100 * sample[0] + (0 if sample[1] == 1 else 50)
        assert time_s == pytest.approx(offset_s(info) + time_ms / 1e3, abs=1e-8)
    script.stop()


def test_the_times_of_frames_are_a_stream_whose_index_shows_the_drops() -> None:
    script = started("scope", {"frames-in": FRAMES})
    mat = np.zeros((4, 4), np.uint8)
    told = heard(
        script, "frames-in", lambda k: Frame(3 * k, 50_000 * k, mat.copy()), ending=" frames"
    )
    info = described(told)
    labels = [c.findtext("label") for c in info.findall("desc/channels/channel")]
    assert labels == ["index", "time_us"] and info.findtext("channel_format") == "double64"
    assert info.findtext("desc/nominal_rate_hz") == "20.0"
    for (index, time_us), time_s in zip(told["samples"], told["times_s"], strict=True):
        assert time_us == 50_000 * index / 3
        assert time_s == pytest.approx(offset_s(info) + time_us / 1e6, abs=1e-8)
    assert script.counters["frames_sent"] >= 10
    script.stop()


def test_rows_are_markers_at_the_time_that_they_say() -> None:
    script = started("events", {"rows-in": ROWS})
    told = heard(
        script, "rows-in", lambda k: TableRow((str(1000 * k), f"cell {k}")), ending=" rows"
    )
    info = described(told)
    assert (info.findtext("type"), info.findtext("channel_format")) == ("Markers", "string")
    for (time_us, cell), time_s in zip(told["samples"], told["times_s"], strict=True):
        assert cell == f"cell {int(time_us) // 1000}"
        assert time_s == pytest.approx(offset_s(info) + int(time_us) / 1e6, abs=1e-8)
    script.stop()


def test_the_stated_offset_is_between_the_two_clocks() -> None:
    script = started("clock", {"frames-in": FRAMES})
    (note,) = script.notes
    stated = float(note.split(" was ")[1].split(" s ")[0])
    uncertain = float(note.split("± ")[1].split(" µs")[0]) * 1e-6 + 2e-6
    before_s, run_us, after_s = pylsl.local_clock(), script.clock.now_us(), pylsl.local_clock()
    assert before_s - uncertain <= stated + run_us / 1e6 <= after_s + uncertain
    assert any(f"{stated:.6f} s" in status for status in script.statuses)
    script.stop()
    assert "during the run" in script.notes[-1]


def test_a_signal_without_names_is_opened_when_its_channels_are_seen() -> None:
    script = started("unnamed", {"signal-in": {}})
    assert script.statuses == []
    script.feed("signal-in", FloatSignalBlock(np.zeros(1, np.int64), np.zeros((1, 3), np.float32)))
    assert script.statuses[0].startswith("1 open") and script.counters["signal_sent"] == 1
    script.stop()


def test_rows_without_a_time_are_sent_and_counted() -> None:
    script = started("untimed", {"rows-in": {"table_header": ["What"]}})
    script.feed("rows-in", TableRow(("now",)))
    assert (script.counters["rows_sent"], script.counters["rows_without_time"]) == (1, 1)
    script.stop()


def sockets() -> dict[int, int]:
    """The sockets of this process: the number of each by what tells one from another."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            about = os.stat(int(name))
        except OSError:
            continue
        if stat.S_ISSOCK(about.st_mode):
            found[about.st_ino] = int(name)
    return found


def test_streams_of_a_machine_hear_loopback_only() -> None:
    before = sockets()
    script = started("alone", {"frames-in": FRAMES, "signal-in": ORIENTATION, "rows-in": ROWS})
    opened = [number for inode, number in sockets().items() if inode not in before]
    tied = 0
    for number in opened:
        with socket.socket(fileno=os.dup(number)) as each:
            if each.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            address, port = each.getsockname()[:2]
            if port and address != "127.0.0.1":
                device = each.getsockopt(socket.SOL_SOCKET, lsl.SO_BINDTODEVICE, 16)
                assert device.rstrip(b"\0") == b"lo", f"{address}:{port} hears the network"
                tied += 1
    assert tied == 6, "the data and the time server of each of three streams"
    script.stop()


def test_another_visibility_is_refused_as_lsl_cannot_be_told_twice() -> None:
    started("first", {"frames-in": FRAMES}).stop()
    with pytest.raises(lsl.LslError, match="held to 'machine' since its first use"):
        started("second", {"frames-in": FRAMES}, visibility="site")


def test_a_program_that_used_lsl_for_the_network_before_cannot_hold_it_to_this_machine() -> None:
    script = (
        "import pylsl\n"
        "other = pylsl.StreamOutlet(pylsl.StreamInfo('x', 'x', 1, 0, 'float32', 'x'))\n"
        "from syntalos_miniscope.lsl import Channel, Lsl, LslError, StreamKind\n"
        "try:\n"
        "    Lsl('machine').outlet(StreamKind('y', 'x', 'float32', [Channel('a')]))\n"
        "except LslError as error:\n"
        "    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "was set up for the network in this program before" in told.stdout, told.stderr


def test_without_pylsl_a_run_is_refused_with_the_extra_that_brings_it(monkeypatch) -> None:
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pylsl":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(lsl.LslError, match=r"syntalos-miniscope\[lsl\]"):
        started("absent", {"frames-in": FRAMES})


def test_an_outlet_that_nothing_is_wired_to_opens_nothing() -> None:
    script = started("idle", {})
    script.stop()
    assert script.notes == [] and script.statuses == []


def test_the_offset_is_that_of_the_middle_between_two_readings():
    readings_s = iter([10.0, 10.5, 20.0, 20.25])
    run = RunClock(lambda: 4_000_000_000)
    run.start(at_ns=0)
    offset = lsl.measure_offset(run, lambda: next(readings_s), tries=2)
    assert offset.offset_s == 20.125 - 4
    assert offset.uncertainty_s == pytest.approx(0.125, abs=1e-5)
