"""Runs that place nodes on another machine, which is this one, at a port of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
from collections.abc import Generator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from engine_boxes import entry_of, got, noted, pid_of
from waiting import PATIENCE_S, wait_for

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.ezmsg.engine import EzmsgEngine
from syntalos_miniscope.engine.ezmsg.machine import LOOPBACK, Machine
from syntalos_miniscope.engine.ezmsg.serve import MachineServer
from syntalos_miniscope.engine.run import RunError, RunOptions
from syntalos_miniscope.project import Graph

pytest.importorskip("ezmsg.core", reason="the extra 'distributed' is not installed")

PC = "analysis-pc"


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
