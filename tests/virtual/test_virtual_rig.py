"""The shipped rig on a virtual Miniscope behind USB/IP: what a user sees when things go wrong."""

import csv
import json
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from virtual_miniscope.daq import Daq
from virtual_miniscope.usbip_server import UsbIpServer

SECONDS = 4

FAILING_NODE = """
from syntalos_miniscope.node import In, Node
from syntalos_miniscope.streams import Frame


class Failing(Node):
    inputs = (In("frames-in", "Frames", Frame),)

    def on_data(self, ctx, port, item):
        if item.index > 20:
            raise ValueError("no more frames, please")
"""
FAILING_TOML = """
[syntalos_module]
type = "python"
name = "Failing"
description = "Raises."
main = "node.py"
icon = "icon.svg"
categories = ["processing"]
"""
FAILING_PROJECT = """
[project]
format = 1
title = "Failing"
[[nodes]]
id = "scope"
type = "miniscope_v4"
[[nodes]]
id = "failing"
type = "failing"
[[wires]]
from = "scope.frames-raw-out"
to = "failing.frames-in"
"""


class Rig:
    """The command line on the shipped project, and the box that it drives."""

    def __init__(self, folder):
        self.folder, self.daq = folder, Daq()
        self.server = UsbIpServer(self.daq, port=0)

    def start(self, seconds: float = SECONDS, project: str = "virtual-rig", *more: str) -> None:
        device = f"usbip:127.0.0.1:{self.server.address[1]}"
        command = [sys.executable, "-m", "syntalos_miniscope.cli", "run", project, *more]
        command += ["--headless", "--for", str(seconds), "--export", str(self.folder / "out")]
        command += ["--report", str(self.folder / "report.json"), "--set", f"scope.device={device}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_until_recording(self) -> None:
        deadline = time.monotonic() + 60
        while not (self.daq.recording and self.daq.led_lit):
            assert time.monotonic() < deadline, "the rig never began to record"
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        time.sleep(0.5)

    def finish(self) -> dict:
        self.process.communicate(timeout=90)
        report = json.loads((self.folder / "report.json").read_text())
        return {"report": report} | {node["id"]: node for node in report["nodes"]}

    def recorded(self) -> list[int]:
        """Give the frame numbers that were given times, as the scope's own log has them."""
        (sync,) = self.folder.rglob("sync-points.csv")
        rows = list(csv.reader(sync.read_text().splitlines(), delimiter=";"))[1:]
        return [int(row[0]) for row in rows]


@pytest.fixture
def rig(tmp_path):
    made = Rig(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.communicate()
    made.server.close()


def gaps(index: list[int]) -> list[int]:
    return [b - a - 1 for a, b in pairwise(index) if b - a > 1]


def test_a_quiet_run_records_every_frame_and_ends_dark(rig):
    rig.start()
    rig.wait_until_recording()
    done = rig.finish()
    assert done["report"]["exit_reason"] == "finished"
    # A busy machine may lose frames; what matters is that none is lost unseen.
    assert done["scope"]["counters"]["dropped"] == sum(gaps(rig.recorded()))
    assert done["recorder"]["counters"]["frames"] > SECONDS
    assert done["table"]["counters"]["rows"] >= done["recorder"]["counters"]["frames"] - 5
    assert done["scope"]["notes"][-1].startswith("Light dose: ")
    assert rig.daq.scope.led_registers == (255, 255)
    assert not rig.daq.recording
    assert rig.process.returncode == 0


def test_dropped_frames_are_counted_and_are_a_gap_in_what_was_recorded(rig):
    rig.start()
    rig.wait_until_recording()
    rig.daq.inject("drop", 4)
    done = rig.finish()
    missing = gaps(rig.recorded())
    assert max(missing) >= 4
    assert done["scope"]["counters"]["dropped"] == sum(missing)
    assert rig.daq.scope.led_registers == (255, 255)


def test_an_unplugged_cable_is_told_and_the_run_goes_on(rig):
    rig.start(9)
    rig.wait_until_recording()
    rig.daq.inject("unplug", 1)
    done = rig.finish()
    assert done["report"]["exit_reason"] == "finished"
    assert done["scope"]["counters"]["reconnects"] == 1
    notes = done["scope"]["notes"]
    assert any("LED state unknown until it is back" in note for note in notes)
    assert any("The scope is back after" in note for note in notes)
    missing = gaps(rig.recorded())
    assert max(missing) > 20
    assert done["scope"]["counters"]["dropped"] == sum(missing)
    assert rig.daq.device_number == 2
    assert rig.daq.scope.led_registers == (255, 255)


@pytest.mark.slow
def test_frozen_reads_are_told_and_leave_a_gap_in_the_orientation(rig):
    rig.start(6)
    rig.wait_until_recording()
    rig.daq.inject("freeze", 2.5)
    done = rig.finish()
    assert any("answers from a cache" in note for note in done["scope"]["notes"])
    assert done["scope"]["counters"]["orientation_invalid"] > 20
    frames = done["recorder"]["counters"]["frames"]
    assert done["table"]["counters"]["rows"] < frames - 20
    assert rig.daq.scope.led_registers == (255, 255)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_closes_its_files_and_ends_dark(rig, how):
    rig.start(60)
    rig.wait_until_recording()
    rig.process.send_signal(how)
    done = rig.finish()
    assert rig.process.returncode == 130
    assert done["report"]["exit_reason"] == "stopped"
    assert rig.daq.scope.led_registers == (255, 255)


def test_a_box_that_raises_ends_the_run_and_the_light(rig, tmp_path):
    node = tmp_path / "nodes/failing"
    node.mkdir(parents=True)
    (node / "node.py").write_text(FAILING_NODE)
    (node / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (node / "module.toml").write_text(FAILING_TOML)
    (tmp_path / "failing.toml").write_text(FAILING_PROJECT)
    rig.start(60, str(tmp_path / "failing.toml"), "--nodes", str(tmp_path / "nodes"))
    done = rig.finish()
    assert rig.process.returncode == 1
    assert done["report"]["exit_reason"] == "failed"
    assert "no more frames, please" in done["report"]["error"]
    assert rig.daq.scope.led_registers == (255, 255)
    assert rig.daq.scope.sensor[201] == 5000
