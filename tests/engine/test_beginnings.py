"""How a run begins or is refused: what was prepared is stopped, and nothing is left behind."""

from __future__ import annotations

import threading
import time

import pytest
from boxes import node
from engine_boxes import SlowSink, entry_of

from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunError, RunOptions

LIVE = "Endless.frames-out > Sink.frames-in"


def test_a_refused_run_stops_boxes_that_have_much_to_say_in_the_end(graph) -> None:
    engine = LocalEngine(
        graph("Source.frames-out > Wordy.frames-in, Wordy.frames-out > Refusing.frames-in"),
        RunOptions(record=False),
    )
    with pytest.raises(RunError, match=r"^Refusing: "):
        engine.prepare()
    with pytest.raises(RunError, match="an engine runs once"):
        engine.start()
    assert {entry["status"] for entry in engine.report()["nodes"]} == {"ended", "failed"}
    assert entry_of(engine.report(), "Wordy")["error"] is None


def test_a_box_that_cannot_be_made_refuses_the_run_and_the_others_are_stopped(graph) -> None:
    engine = LocalEngine(
        graph(f"{LIVE}, Endless.frames-out > Unmade.frames-in"), RunOptions(record=False)
    )
    with pytest.raises(RunError, match=r"^Unmade: KeyError: 'no such lamp'$"):
        engine.prepare()
    assert node(engine, "Sink").stops == 1
    assert entry_of(engine.report(), "Unmade")["error"] == "KeyError: 'no such lamp'"


def test_ctrl_c_while_preparing_closes_what_was_opened(graph, tmp_path, monkeypatch) -> None:
    def interrupted(self, ctx) -> None:
        raise KeyboardInterrupt

    wires = graph(f"{LIVE}, Endless.frames-out > SlowSink.frames-in")
    monkeypatch.setattr(SlowSink, "prepare", interrupted)
    engine = LocalEngine(wires, RunOptions(export_dir=tmp_path))
    with pytest.raises(KeyboardInterrupt):
        engine.prepare()
    assert node(engine, "Sink").stops == node(engine, "SlowSink").stops == 1
    assert not list(tmp_path.rglob("*.toml"))


def test_a_stop_before_the_start_is_kept(graph) -> None:
    engine = LocalEngine(graph(LIVE), RunOptions(record=False))
    engine.prepare()
    engine.stop()
    engine.start()
    assert engine.wait(60)
    assert engine.report()["exit_reason"] == "stopped"


def test_a_run_that_hangs_in_prepare_can_be_left_with_everything_stopped(graph) -> None:
    engine = LocalEngine(
        graph("Source.frames-out > Sink.frames-in, Source.frames-out > Hanging.frames-in"),
        RunOptions(record=False),
    )
    refused = threading.Event()

    def prepare() -> None:
        with pytest.raises(RunError, match="too late"):
            engine.prepare()
        refused.set()

    preparing = threading.Thread(target=prepare)
    preparing.start()
    while engine.boxes()["Hanging"].text != "hanging":
        time.sleep(0.005)
    hanging = node(engine, "Hanging")
    engine.leave()
    assert node(engine, "Sink").stops == hanging.stops == 1
    hanging.released.set()
    assert refused.wait(60)
    assert node(engine, "Sink").stops == hanging.stops == 1
    preparing.join()
