"""Every shipped node that makes sense in Syntalos, run there for a while."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from host import Host

from syntalos_miniscope.catalog import Catalog, shipped_folder
from syntalos_miniscope.node import Node, is_source
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame, TableRow
from syntalos_miniscope.syntalos.install import suitable
from syntalos_miniscope.syntalos.nodes import load_node

RATE_HZ = 30.0
NODES = sorted(folder.id for folder in suitable(Catalog.find([shipped_folder()])))
SETTINGS: dict[str, dict[str, Any]] = {
    "simulated_scope": {"preset": "Generic 1p scope", "frame_rate_hz": 30.0},
    "miniscope_v4": {"device": "virtual", "frame_rate_hz": 30.0},
}
METADATA: dict[Any, dict[str, Any]] = {
    Frame: {"framerate": RATE_HZ, "size": (256, 240), "has_color": False},
    FloatSignalBlock: {
        "time_unit": "microseconds", "data_unit": "au", "signal_names": ["a", "b"],
        "sample_rate": RATE_HZ, "framerate": RATE_HZ,
    },
    TableRow: {"table_header": ["Time [us]", "Cell", "Spikes"]},
}  # fmt: skip


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "frames.mkv"
    writer = VideoWriter(path, RATE_HZ, picture(0))
    for index in range(400):
        writer.add(picture(index), round(index * 1e6 / RATE_HZ))
    writer.close()
    return path


@pytest.fixture(scope="session", autouse=True)
def kernels() -> None:
    """Compile what Syntalos would not wait for, as the installation does."""
    command = [sys.executable, "-P", "-m", "syntalos_miniscope.syntalos.warm_up", *NODES]
    subprocess.run(command, check=True, timeout=170)


def picture(index: int) -> Any:
    noise = np.random.default_rng(index).integers(0, 30, (240, 256), np.uint8)
    noise[30:40, 50:60] += np.uint8(100 + index % 50)
    return noise


def given(kind: Any, index: int) -> Any:
    """Give what a port of a type is sent."""
    time_us = round(index * 1e6 / RATE_HZ)
    if kind is Frame:
        return index, time_us, picture(index)
    if kind is FloatSignalBlock:
        values = np.array([[np.sin(index / 5), index % 40]], np.float32)
        return np.array([time_us], np.uint64), values
    if kind is TableRow:
        return [str(time_us), "1", "2"]
    return 1, 0, ""


def run_node(host: Callable[..., Host], name: str, recording: Path, seconds: float) -> Host:
    """Run a node for a while, giving it data if it wants any."""
    node = load_node(name)
    settings = SETTINGS.get(name, {})
    if name == "recording_player":
        settings = {"path": str(recording), "loop": True}
    module = host(name, settings)
    for port in node.inputs:
        if port.type is not Control:
            module.connect(port.id, **METADATA[port.type])
    assert module.prepare(), (module.errors, module.log())
    module.start()
    begin = time.monotonic()
    for index in range(round(seconds * RATE_HZ)):
        if not is_source(node):
            for port in node.inputs:
                module.give(port.id, given(port.type, index))
        time.sleep(max(begin + (index + 1) / RATE_HZ - time.monotonic(), 0))
    if is_source(node):
        module.wait(lambda: len(module.items["frames-raw-out"]) > 3)
    stop_s = module.stop()
    assert stop_s < 2 or seconds < 10, "a run of the length that counts stops within 2 s"
    return module


def check(module: Host, node: type[Node]) -> None:
    """Check all that left a module."""
    assert not module.errors, module.log()
    assert not module.sent_outside_a_run
    for port in node.outputs:
        items, about = module.items[port.id], module.metadata.get(port.id, {})
        if port.type is Frame:
            assert type(about["framerate"]) is float and about["has_color"] in (False, True)
            indices, times = [item[0] for item in items], [item[1] for item in items]
            assert indices == sorted(set(indices)) and times == sorted(set(times))
            _, width, height = about["size"]
            assert all(item[2].shape[:2] == (height, width) for item in items)
        elif port.type is FloatSignalBlock:
            assert about["time_unit"] in ("milliseconds", "microseconds")
            stamps = [int(stamp) for item in items for stamp in item[0]]
            assert stamps == sorted(stamps)
            assert all(item[1].shape[0] == len(item[0]) for item in items)
        elif port.type is TableRow:
            assert all(len(row) == len(about["table_header"]) for row in items)
    counts = {out["port"]: out["items"] for out in module.report()["outputs"]}
    assert counts == {port.id: len(module.items[port.id]) for port in node.outputs}
    for entry in module.report()["inputs"]:
        assert entry["dropped"] <= entry["items"]


def check_source(module: Host, seconds: float) -> None:
    raw = module.items["frames-raw-out"]
    assert len(raw) > (seconds * RATE_HZ / 2 if seconds >= 10 else 3), "a long run is on time"
    assert len(module.items["frames-disp-out"]) == len(raw)
    handed_over_us = module.submitted_us["frames-raw-out"]
    assert all(at >= frame[1] for frame, at in zip(raw, handed_over_us, strict=True))
    # One sample of orientation per frame, while there is one.
    if module.items["bno-tab-out"]:
        assert len(module.items["bno-tab-out"]) == len(module.items["bno-raw-out"])
        assert all(len(row) == 5 for row in module.items["bno-tab-out"])


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize(
    "seconds",
    [pytest.param(1.2, id="briefly"), pytest.param(10.0, id="10s", marks=pytest.mark.slow)],
)
def test_a_node_runs_in_syntalos(
    host: Callable[..., Host], name: str, recording: Path, seconds: float
) -> None:
    if name == "camera":
        pytest.skip("there is no camera to be sure of")
    node = load_node(name)
    module = run_node(host, name, recording, seconds)
    check(module, node)
    if is_source(node):
        check_source(module, seconds)
