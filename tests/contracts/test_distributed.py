"""What only an engine of several processes, on several machines, has to promise."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from engine_boxes import PATIENCE_S, got, make_node_folders, noted, wait_for

from syntalos_miniscope.catalog import Catalog, shipped_folder
from syntalos_miniscope.engine.run import RunError, RunOptions
from syntalos_miniscope.project import Box, Graph, Project, Wire, check
from syntalos_miniscope.recording.video import VideoReader

pytest.importorskip("ezmsg.core", reason="the extra 'distributed' is not installed")

from syntalos_miniscope.engine.ezmsg.engine import EzmsgEngine
from syntalos_miniscope.engine.ezmsg.exchange import Exchange
from syntalos_miniscope.engine.ezmsg.machine import LOOPBACK, Machine
from syntalos_miniscope.engine.ezmsg.serve import MachineServer

PC = "analysis-pc"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_node_folders(tmp_path_factory.mktemp("nodes"))


@pytest.fixture(scope="module")
def catalog(folder) -> Catalog:
    return Catalog.find([folder, shipped_folder()])


@pytest.fixture
def graph(catalog, tmp_path):
    """Build a graph of `node.port > node.port`; nodes are in one group unless placed elsewhere."""

    def build(wires: str, **places: dict[str, Any]) -> Graph:
        ends = [tuple(wire.split(" > ")) for wire in wires.split(", ")]
        ids = dict.fromkeys(end.split(".")[0] for pair in ends for end in pair)
        boxes = tuple(
            Box.model_validate(
                {"id": node, "type": node, "group": "main"}
                | ({"settings": {"notes": str(tmp_path)}} if node[0].isupper() else {})
                | places.get(node, {})
            )
            for node in ids
        )
        lines = tuple(Wire(source=a, target=b) for a, b in ends)
        return check(Project(title="Test", nodes=boxes, wires=lines), catalog)

    return build


@pytest.fixture
def server(folder, tmp_path, monkeypatch) -> Generator[tuple[str, int]]:
    """Another machine, on this one; a busy test machine may be silent for long."""
    monkeypatch.setattr("syntalos_miniscope.engine.ezmsg.process.LOST_AFTER_S", 30.0)
    serving = MachineServer(PC, (LOOPBACK, 0), Machine(LOOPBACK, [folder], tmp_path / "there"))
    address, _ = serving.open()
    thread = Thread(target=serving.serve)
    thread.start()
    yield address
    serving.close()
    thread.join()


@pytest.fixture
def begun() -> Generator[Callable[[EzmsgEngine], EzmsgEngine]]:
    """Begin a run; one that a failed test leaves behind is stopped."""
    engines: list[EzmsgEngine] = []

    def begin(engine: EzmsgEngine) -> EzmsgEngine:
        engine.prepare()
        engine.start()
        engines.append(engine)
        return engine

    yield begin
    for engine in engines:
        engine.stop()
        engine.wait(PATIENCE_S)


def entry_of(report: dict, node: str) -> dict:
    return next(entry for entry in report["nodes"] if entry["id"] == node)


def pid_of(folder: Path, kind: str) -> int:
    [[pid]] = noted(folder, kind, "prepare")
    return pid


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


def test_nodes_on_another_machine_run_there_and_keep_their_files_there(
    graph, catalog, begun, tmp_path, server
) -> None:
    engine = begun(EzmsgEngine(
        graph("Source.frames-out > Measuring.frames-in, Measuring.rows-out > Reading.rows-in, "
              "Source.frames-out > Sink.frames-in",
              Measuring={"machine": PC}),
        RunOptions(export_dir=tmp_path / "here", subject="m1"), catalog, {PC: server},
    ))  # fmt: skip
    assert engine.wait(PATIENCE_S)
    report = engine.report()
    assert report["exit_reason"] == "finished", report["error"]
    assert len(noted(tmp_path, "Reading", "row")) == 100
    [machine] = report["machines"]
    assert machine["name"] == PC and machine["clock_uncertainty_us"] > 0
    there = Path(machine["export_dir"])
    assert there.is_relative_to(tmp_path / "there" / "m1")
    assert len((there / "measured" / "means.csv").read_text().split()) == 100
    assert "Measuring" in (there / "project.toml").read_text()
    assert json.loads((there / "report.json").read_text())["exit_reason"] == "finished"
    assert not list((tmp_path / "here").rglob("means.csv"))


def assert_nothing_is_kept(folder: Path) -> None:
    for place in ("here", "there"):
        assert not [file for file in (folder / place).rglob("*") if file.is_file()]


def test_a_refused_run_leaves_nothing_on_the_other_machine(
    graph, catalog, tmp_path, server
) -> None:
    engine = EzmsgEngine(
        graph("Source.frames-out > Measuring.frames-in, Source.frames-out > Refusing.frames-in",
              Measuring={"machine": PC}),
        RunOptions(export_dir=tmp_path / "here"), catalog, {PC: server},
    )  # fmt: skip
    with pytest.raises(RunError, match=r"^Refusing: the disk is made of cheese$"):
        engine.prepare()
    assert noted(tmp_path, "Measuring", "prepare"), "it had been prepared there"
    assert_nothing_is_kept(tmp_path)
    engine = EzmsgEngine(
        graph("Source.frames-out > Measuring.frames-in, Source.frames-out > Unready.frames-in",
              Measuring={"machine": PC}),
        RunOptions(export_dir=tmp_path / "here"), catalog, {PC: server},
    )  # fmt: skip
    engine.prepare()
    with pytest.raises(RunError, match=r"^Unready: the lamp is out$"):
        engine.start()
    assert_nothing_is_kept(tmp_path)


def test_a_machine_that_falls_silent_fails_the_nodes_on_it_only(
    graph, catalog, begun, tmp_path, server, monkeypatch
) -> None:
    monkeypatch.setattr("syntalos_miniscope.engine.ezmsg.process.LOST_AFTER_S", 8.0)
    engine = begun(EzmsgEngine(
        graph("Endless.frames-out > Relay.frames-in, Relay.frames-out > Sink.frames-in, "
              "Endless.frames-out > SlowSink.frames-in", Relay={"machine": PC}),
        RunOptions(record=False), catalog, {PC: server},
    ))  # fmt: skip
    wait_for(lambda: entry_of(engine.report(), "Sink")["inputs"][0]["items"] > 10)
    os.kill(pid_of(tmp_path, "Relay"), signal.SIGSTOP)
    wait_for(lambda: engine.boxes()["Relay"].phase == "failed")
    before = entry_of(engine.report(), "SlowSink")["inputs"][0]["items"]
    wait_for(lambda: entry_of(engine.report(), "SlowSink")["inputs"][0]["items"] > before + 50)
    assert engine.running
    engine.stop()
    assert engine.wait(PATIENCE_S)
    os.kill(pid_of(tmp_path, "Relay"), signal.SIGCONT)
    report = engine.report()
    assert report["exit_reason"] == "failed"
    assert report["error"] == f"Relay: machine '{PC}' showed no sign of life for 8 s"
    sent = entry_of(report, "Endless")["outputs"][0]["items"]
    assert got(tmp_path, "SlowSink") == list(range(sent))
    [lost] = entry_of(report, "Relay")["inputs"]
    assert lost["items"] + lost["dropped"] == sent
    # Once it hears again that nobody is there, it ends in order too.
    wait_for(lambda: noted(tmp_path, "Relay", "stop"))


LINE = "Source.frames-out > Relay.frames-in"


def refusal(graph: Graph, catalog: Catalog, machines: dict[str, Any], **options: Any) -> str:
    engine = EzmsgEngine(graph, RunOptions(record=False), catalog, machines, **options)
    with pytest.raises(RunError) as refused:
        engine.prepare()
    assert engine.report()["exit_reason"] == "failed"
    return str(refused.value)


def test_a_machine_is_refused_in_one_line_that_says_what_would_be_right(
    graph, catalog, server, monkeypatch
) -> None:
    placed = graph(LINE, Relay={"machine": PC})
    assert refusal(placed, catalog, {}) == (
        f"Relay: is placed on machine '{PC}', whose address is not given; "
        f"give --machine {PC}=ADDRESS:PORT"
    )
    assert refusal(graph(LINE), catalog, {"spare": server}) == (
        "machine 'spare': the project places no node on it"
    )
    assert "listens on 127.0.0.1 only; give its address on their network with --listen" in (
        refusal(placed, catalog, {PC: ("10.255.0.2", 1)})
    )
    with socket.create_server((LOOPBACK, 0)) as nobody:
        free = nobody.getsockname()
    assert "is 'syntalos-miniscope serve' running there?" in refusal(placed, catalog, {PC: free})
    other = graph(LINE, Relay={"machine": "other"})
    assert refusal(other, catalog, {"other": server}).endswith(f"this is machine '{PC}'")
    assert "cannot listen on 192.0.2.1" in refusal(
        placed, catalog, {PC: server}, listen="192.0.2.1"
    )
    theirs = {"syntalos-miniscope": "0.0.1", "ezmsg": "1.0"}
    monkeypatch.setattr("syntalos_miniscope.engine.ezmsg.serve.versions", lambda: theirs)
    assert "has syntalos-miniscope 0.0.1, and this machine has" in (
        refusal(placed, catalog, {PC: server})
    )


def test_a_node_that_the_other_machine_has_not_is_named(graph, catalog, server) -> None:
    placed = graph("Source.frames-out > canvas.frames-in", canvas={"machine": PC})
    assert "there is no node 'canvas'" in refusal(placed, catalog, {PC: server})


def test_strangers_at_the_port_of_a_machine_do_not_harm_it(graph, catalog, server) -> None:
    wrong = struct.pack("<II", 15, 0) + b'{"machine": 17}'
    huge, empty = struct.pack("<II", 2**31, 0), struct.pack("<II", 2, 0) + b"[]"
    for noise in (b"", b"GET / HTTP/1.1\r\n\r\n", empty, huge, wrong):
        with socket.create_connection(server) as stranger:
            stranger.sendall(noise)
    other = graph(LINE, Relay={"machine": "other"})
    assert refusal(other, catalog, {"other": server}).endswith(f"this is machine '{PC}'")


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

    payload = pickle.dumps(Bomb(tmp_path / "harmed"))
    request = Command.SESSION_PROFILING_SUBSCRIBE.value + struct.pack("<Q", len(payload)) + payload
    with socket.create_connection(machine.site.inner) as stranger:
        stranger.sendall(request)
        while stranger.recv(1000):
            pass
    assert not (tmp_path / "harmed").exists()
    exchange = Exchange()
    assert exchange.sender("still there", machine.site.inner)


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
        finally:
            stranger.kill()
    assert not (tmp_path / "harmed").exists()


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
    assert engine.wait(5)
    print(f"{time.monotonic() - killed_s:.2f} s")
    assert engine.report()["error"] == "Sink: its process was killed (SIGKILL)"
