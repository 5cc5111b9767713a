"""What only an engine of several processes has to promise."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from engine_boxes import entry_of, got, noted, pid_of
from waiting import PATIENCE_S, wait_for

from syntalos_miniscope.engine.ezmsg.engine import EzmsgEngine
from syntalos_miniscope.engine.ezmsg.machine import LOOPBACK, Machine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.recording.video import VideoReader

pytest.importorskip("ezmsg.core", reason="the extra 'distributed' is not installed")


def test_a_killed_worker_ends_the_run_in_order_and_is_named(
    graph, catalog, begun, tmp_path
) -> None:
    (tmp_path / "stuck").touch()
    engine = begun(EzmsgEngine(
        graph("Endless.frames-out > video_recorder.frames-in, Endless.frames-out > Sink.frames-in, "
              "Endless.frames-out > Stuck.frames-in",
              Stuck={"group": "doomed"}, video_recorder={"group": ""}),
        RunOptions(export_dir=tmp_path), catalog,
    ))  # fmt: skip
    # It sits on a frame; the room before it fills, on both sides of the wire, until all wait.
    wait_for(lambda: sum(load.waiting for load in engine.loads()) >= 4 + 4)
    os.kill(pid_of(tmp_path, "Stuck"), signal.SIGKILL)
    assert engine.wait(PATIENCE_S)
    report = engine.report()
    assert report["exit_reason"] == "failed"
    assert report["error"] == "Stuck: its process was killed (SIGKILL)"
    statuses = {entry["id"]: entry["status"] for entry in report["nodes"]}
    assert statuses.pop("Stuck") == "failed" and set(statuses.values()) == {"ended"}
    sent = entry_of(report, "Endless")["outputs"][0]["items"]
    assert got(tmp_path, "Sink") == list(range(sent))
    [video] = Path(report["export_dir"]).rglob("*.mkv")
    assert [int(mat[0, 0]) for _, mat in VideoReader(video).frames()] == [
        index % 256 for index in range(sent)
    ]
    [lost] = entry_of(report, "Stuck")["inputs"]
    assert lost["items"] + lost["dropped"] == sent and lost["dropped"] > 0


def test_a_view_whose_process_stalls_holds_up_nobody_and_what_it_missed_is_counted(
    graph, catalog, begun, tmp_path
) -> None:
    engine = begun(EzmsgEngine(
        graph("Endless.frames-out > SlowView.frames-in, Endless.frames-out > Sink.frames-in",
              SlowView={"group": "view"}),
        RunOptions(record=False), catalog,
    ))  # fmt: skip
    wait_for(lambda: all(load.items > 20 for load in engine.loads()))
    os.kill(pid_of(tmp_path, "SlowView"), signal.SIGSTOP)
    try:
        wait_for(lambda: entry_of(engine.report(), "SlowView")["inputs"][0]["dropped_unsent"] > 50)
        before = entry_of(engine.report(), "Sink")["inputs"][0]["items"]
        wait_for(lambda: entry_of(engine.report(), "Sink")["inputs"][0]["items"] > before)
    finally:
        os.kill(pid_of(tmp_path, "SlowView"), signal.SIGCONT)
    engine.stop()
    assert engine.wait(PATIENCE_S)
    report = engine.report()
    sent = entry_of(report, "Endless")["outputs"][0]["items"]
    [view] = entry_of(report, "SlowView")["inputs"]
    assert view["items"] + view["dropped"] == sent and view["dropped"] >= view["dropped_unsent"]
    assert got(tmp_path, "Sink") == list(range(sent))


def test_nothing_outlives_a_killed_engine_and_its_files_are_closed(folder, tmp_path) -> None:
    boxes = ['[project]\nformat = 1\ntitle = "Test"']
    for kind in ("Endless", "Sink"):
        boxes.append(f'[[nodes]]\nid = "{kind}"\ntype = "{kind}"\n'
                     f'settings = {{ notes = "{tmp_path}" }}')  # fmt: skip
    boxes.append('[[wires]]\nfrom = "Endless.frames-out"\nto = "Sink.frames-in"')
    (tmp_path / "project.toml").write_text("\n".join(boxes))
    words = ["run", str(tmp_path / "project.toml"), "--headless", "--engine", "ezmsg",
             "--no-record", "--nodes", str(folder)]  # fmt: skip
    running = subprocess.Popen([sys.executable, "-m", "syntalos_miniscope.cli", *words])
    wait_for(lambda: noted(tmp_path, "Sink", "prepare"))
    running.kill()
    running.wait()
    wait_for(lambda: noted(tmp_path, "Sink", "stop") and noted(tmp_path, "Endless", "stop"))


@pytest.mark.slow
def test_a_killed_worker_ends_the_run_within_5_s(graph, catalog, begun, tmp_path) -> None:
    engine = begun(EzmsgEngine(
        graph("Endless.frames-out > video_recorder.frames-in, Endless.frames-out > Sink.frames-in",
              Sink={"group": "doomed"}),
        RunOptions(export_dir=tmp_path), catalog,
    ))  # fmt: skip
    wait_for(lambda: all(load.items > 20 for load in engine.loads()))
    killed_s = time.monotonic()
    os.kill(pid_of(tmp_path, "Sink"), signal.SIGKILL)
    assert engine.wait(60)
    print(f"{time.monotonic() - killed_s:.2f} s")
    assert engine.report()["error"] == "Sink: its process was killed (SIGKILL)"


@pytest.fixture
def machine(tmp_path) -> Generator[Machine]:
    here = Machine(LOOPBACK, [], tmp_path)
    here.open()
    yield here
    here.close()


class Bomb:
    """Runs code where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return (Path.touch, (self.file,))


def test_the_graph_server_unpickles_nothing(machine, tmp_path) -> None:
    from ezmsg.core.netprotocol import Command

    from syntalos_miniscope.engine.ezmsg.exchange import Exchange

    payload = pickle.dumps(Bomb(tmp_path / "harmed"))
    request = Command.SESSION_PROFILING_SUBSCRIBE.value + struct.pack("<Q", len(payload)) + payload
    with socket.create_connection(machine.site.inner) as stranger:
        stranger.sendall(request)
        while stranger.recv(1000):
            pass
    assert not (tmp_path / "harmed").exists()
    assert Exchange().sender("still there", machine.site.inner)


STRANGER = """
import asyncio, sys
from pathlib import Path
from ezmsg.core import Publisher
class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path(sys.argv[2]),))
async def main():
    publisher = await Publisher.create("frames", ("127.0.0.1", int(sys.argv[1])))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await publisher.broadcast(Bomb())
    await asyncio.sleep(600)
asyncio.run(main())
"""


def test_a_message_that_is_no_parcel_is_an_error_and_runs_no_code(machine, tmp_path) -> None:
    from syntalos_miniscope.engine.ezmsg.exchange import Exchange

    words = [sys.executable, "-c", STRANGER, str(machine.site.inner[1]), str(tmp_path / "harmed")]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as stranger:
        try:
            assert stranger.stdin is not None and stranger.stdout is not None
            assert stranger.stdout.readline() == "ready\n"
            receiver = Exchange().receiver("frames", machine.site.inner)
            stranger.stdin.write("\n")
            stranger.stdin.flush()
            with pytest.raises(ValueError, match="unknown kind"):
                receiver.receive()
            receiver.call_off()
        finally:
            stranger.kill()
    assert not (tmp_path / "harmed").exists()
