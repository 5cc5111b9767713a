"""A scope and a recorder on one machine, the analysis on another, the results back on the first.

Opt-in (`make test-net`): needs root, for network namespaces, and a machine that is not busy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.analysis.rois import Rois, save_rois
from syntalos_miniscope.project import Box, Project, Wire, save
from syntalos_miniscope.recording.video import VideoReader

pytestmark = [pytest.mark.net, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
MACHINE = "analysis-pc"
PROGRAM = [sys.executable, "-m", "syntalos_miniscope.cli"]
RATE_HZ = 30


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write the project; `rois.json` is read on the machine where the traces are."""
    rows, columns = np.mgrid[:608, :608]
    centers = np.random.default_rng(1).uniform(60, 548, (40, 2))
    blobs = [np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 50) for y, x in centers]
    save_rois(Rois.of(np.where(np.array(blobs) > 0.05, blobs, 0)), tmp_path / "rois.json")
    there: dict[str, Any] = {"machine": MACHINE, "group": "analysis"}
    boxes = (
        Box(id="scope", type="simulated_scope", group="scopes",
            settings={"preset": "Miniscope V4 - CA1", "frame_rate_hz": RATE_HZ}),
        Box(id="recorder", type="video_recorder"),
        Box(id="stabilise", type="stabilise", **there),
        Box(id="traces", type="roi_traces",
            settings={"rois": str(tmp_path / "rois.json")}, **there),
        Box(id="results", type="signal_recorder"),
        Box(id="round_trip", type="round_trip", group="scopes"),
    )  # fmt: skip
    wires = {
        "scope.frames-raw-out": (
            "recorder.frames-in",
            "stabilise.frames-in",
            "round_trip.frames-in",
        ),
        "stabilise.frames-out": ("traces.frames-in",),
        "traces.traces-out": ("results.signal-in", "round_trip.traces-in"),
    }
    lines = [Wire(source=a, target=b) for a, targets in wires.items() for b in targets]
    save(Project(title="Two machines", nodes=boxes, wires=tuple(lines)), tmp_path / "project.toml")
    return tmp_path / "project.toml"


@pytest.fixture
def serving(machines, tmp_path) -> Generator[subprocess.Popen[str]]:
    words = ["serve", "--machine", MACHINE, "--listen", machines.address_b]
    server = subprocess.Popen(
        [*machines.on(machines.b), *PROGRAM, *words, "--export", str(tmp_path / "b")],
        stderr=subprocess.PIPE, text=True, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    assert server.stderr is not None
    told = "".join(server.stderr.readline() for _ in range(4))
    assert f"{machines.address_b}:25970" in told and "authenticated" in told
    yield server
    server.terminate()
    server.communicate(timeout=60)


@pytest.fixture
def run(machines, serving, project, tmp_path) -> Callable[..., subprocess.Popen[str]]:
    """Begin the run on machine A."""

    def begin(seconds: float, *, report: str = "report.json") -> subprocess.Popen[str]:
        words = ["run", str(project), "--headless", "--for", str(seconds), "--engine", "ezmsg",
                 "--machine", f"{MACHINE}={machines.address_b}", "--listen", machines.address_a,
                 "--nodes", str(HERE / "nodes"), "--export", str(tmp_path / "a"),
                 "--report", str(tmp_path / report)]  # fmt: skip
        return subprocess.Popen(
            [*machines.on(machines.a), *PROGRAM, *words],
            stderr=subprocess.PIPE, text=True, env=os.environ | {"HOME": str(tmp_path)},
        )  # fmt: skip

    return begin


def wait_for_frames(folder: Path) -> None:
    """Wait until a good second of frames is on disk."""
    deadline_s = time.monotonic() + 100
    while not any(video.stat().st_size > 4_000_000 for video in folder.rglob("*.mkv")):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def entry_of(report: dict, node: str) -> dict:
    return next(entry for entry in report["nodes"] if entry["id"] == node)


def assert_recording_is_whole(report: dict) -> None:
    """Every frame that the scope gave is in the file, none is missing between two."""
    scope = entry_of(report, "scope")
    assert scope["counters"]["overflowed"] == scope["counters"]["dropped"] == 0
    sent = next(out["items"] for out in scope["outputs"] if out["port"] == "frames-raw-out")
    [video] = Path(report["export_dir"]).rglob("*.mkv")
    assert sum(1 for _ in VideoReader(video).frames()) == sent
    [wire] = entry_of(report, "recorder")["inputs"]
    assert (wire["items"], wire["dropped"]) == (sent, 0)


def test_results_are_back_within_10_ms_and_nothing_is_lost(run, tmp_path) -> None:
    running = run(20)
    _, said = running.communicate(timeout=200)
    assert running.returncode == 0, said
    report = json.loads((tmp_path / "report.json").read_text())
    told = json.loads(entry_of(report, "round_trip")["notes"][0])
    print(told, report["machines"])
    sent = entry_of(report, "scope")["outputs"][0]["items"]
    assert sent >= 19 * RATE_HZ
    assert (told["results"], told["in_order"]) == (sent, True)
    assert all(wire["dropped"] == 0 for node in report["nodes"] for wire in node["inputs"])
    assert_recording_is_whole(report)
    [machine] = report["machines"]
    assert json.loads(Path(machine["export_dir"], "report.json").read_text())["nodes"]
    assert told["p50_ms"] <= 10, told


def test_a_pulled_cable_is_told_and_harms_no_recording_and_the_next_run_works(
    run, machines, tmp_path
) -> None:
    running = run(16)
    wait_for_frames(tmp_path / "a")
    machines.pull()
    assert running.stderr is not None
    told = ""
    while "no sign of life" not in told:
        told += (line := running.stderr.readline())
        assert line, told
    assert f"stabilise, traces: machine '{MACHINE}' showed no sign of life for 3 s" in told
    time.sleep(1)
    machines.put_back()
    running.communicate(timeout=100)
    assert running.returncode == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert MACHINE in report["error"]
    assert report["length_s"] >= 16, "the rest went on to the end"
    assert_recording_is_whole(report)
    assert {n["id"] for n in report["nodes"] if n["status"] == "failed"} == {"stabilise", "traces"}
    assert entry_of(report, "results")["status"] == "ended"
    again = run(3, report="again.json")
    _, said = again.communicate(timeout=100)
    assert again.returncode == 0, said


def test_a_cable_that_is_back_within_a_second_costs_nothing(run, machines, tmp_path) -> None:
    running = run(10)
    wait_for_frames(tmp_path / "a")
    machines.pull()
    time.sleep(1)
    machines.put_back()
    _, said = running.communicate(timeout=100)
    assert running.returncode == 0, said
    report = json.loads((tmp_path / "report.json").read_text())
    told = json.loads(entry_of(report, "round_trip")["notes"][0])
    assert told["results"] == entry_of(report, "scope")["outputs"][0]["items"]
    assert_recording_is_whole(report)
