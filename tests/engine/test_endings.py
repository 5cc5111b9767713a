"""How a run ends: whatever happens, in order, with every file closed and every item counted."""

from __future__ import annotations

import json
import signal
import threading
import time
import tomllib
from typing import Any

import pytest
from boxes import node, run
from engine_boxes import SlowSink, Source, assert_sums, entry_of, picture

from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.streams import Control, ControlKind

LIVE = "Endless.frames-out > Sink.frames-in"


def begun(graph, *, record: bool = False, **options: Any) -> LocalEngine:
    engine = LocalEngine(graph, RunOptions(record=record, **options))
    engine.prepare()
    engine.start()
    return engine


@pytest.mark.parametrize(
    "wires",
    [
        "Source.frames-out > SlowView.frames-in, Source.frames-out > Sink.frames-in",
        "Source.frames-out > Broken.frames-in, Source.frames-out > Sink.frames-in",
        "Source.frames-out > Broken.frames-in, Source.frames-out > SlowSink.frames-in",
        "Source.frames-out > Exiting.frames-in, Source.frames-out > Sink.frames-in",
        "Source.frames-out > Looped.frames-in, Looped.control-out > Sink.control-in",
        "Source.frames-out > Looped.frames-in, Looped.control-out > Source.control-in",
        "Source.frames-out > Wordy.frames-in, Wordy.frames-out > Broken.frames-in",
    ],
)
def test_what_was_sent_is_delivered_or_counted_as_dropped(graph, wires) -> None:
    assert_sums(run(graph(wires)).report())


def test_the_command_of_a_person_is_not_counted_on_a_wire(graph) -> None:
    engine = begun(graph(
        "Endless.frames-out > Looped.frames-in, Looped.control-out > Endless.control-in"
    ))  # fmt: skip
    for _ in range(200):  # more than may wait, and the caller never waits
        engine.command("Endless", Control(ControlKind.CUSTOM, "hello"))
    while node(engine, "Endless").noted.count(("command", "hello")) < 200:
        time.sleep(0.005)
    engine.stop()
    assert engine.wait(60)
    assert_sums(engine.report())


def test_a_circle_of_commands_never_waits_for_itself(graph) -> None:
    engine = run(graph(
        "Source.frames-out > Chatty.frames-in, Chatty.frames-out > Sink.frames-in, "
        "Chatty.control-out > Source.control-in", Source={"frames": 100},
    ))  # fmt: skip
    assert engine.report()["exit_reason"] == "finished"
    assert len(node(engine, "Sink").got) == 30_000
    assert entry_of(engine.report(), "Chatty")["cpu_s"] > 0
    assert_sums(engine.report())


def test_boxes_that_command_each_other_do_not_wait_for_each_others_end(graph) -> None:
    engine = run(graph(
        "Source.frames-out > Peer1.frames-in, Source.frames-out > Peer2.frames-in, "
        "Peer1.control-out > Peer2.control-in, Peer2.control-out > Peer1.control-in"
    ))  # fmt: skip
    assert engine.report()["exit_reason"] == "finished"
    assert_sums(engine.report())


def test_a_box_hears_the_last_command_of_a_box_that_is_slower_than_its_data(graph) -> None:
    engine = run(graph(
        "Source.frames-out > Sink.frames-in, Source.frames-out > SlowRelay.frames-in, "
        "SlowRelay.frames-out > Looped.frames-in, Looped.control-out > Sink.control-in",
        Source={"frames": 20},
    ))  # fmt: skip
    assert entry_of(engine.report(), "Sink")["inputs"][1]["items"] == 20
    assert_sums(engine.report())


def test_a_box_that_hears_only_commands_hears_them_all(graph) -> None:
    engine = run(graph(
        "Source.frames-out > Looped.frames-in, Looped.control-out > Commanded.control-in",
        Source={"frames": 30},
    ))  # fmt: skip
    assert node(engine, "Commanded").noted[1:] == [
        *(("command", f"saw {index}") for index in range(30)),
        ("stop",),
    ]


def test_an_input_that_is_full_makes_its_sender_wait(graph) -> None:
    engine = begun(graph("Source.frames-out > StuckForGood.frames-in", Source={"frames": 500}))
    time.sleep(0.2)
    [load] = engine.loads()
    assert (load.items, load.waiting, load.dropped) == (1, 4, 0)
    node(engine, "StuckForGood").released.set()
    assert engine.wait(60)
    assert entry_of(engine.report(), "StuckForGood")["inputs"][0]["items"] == 500


def test_whatever_a_node_raises_ends_the_run_and_the_node_is_stopped(graph) -> None:
    engine = run(graph("Endless.frames-out > Exiting.frames-in"))
    assert engine.report()["error"] == "Exiting: frames-in: SystemExit: 3"
    assert node(engine, "Exiting").stops == 1


@pytest.fixture
def hurried(monkeypatch) -> None:
    monkeypatch.setattr("syntalos_miniscope.engine.course.STOP_GRACE_S", 0.3)


def test_a_box_that_wakes_up_after_it_was_given_up_is_not_stopped_again(graph, hurried) -> None:
    engine = begun(graph("Endless.frames-out > Sleeping.frames-in"))
    time.sleep(0.05)
    engine.stop()
    assert engine.wait(60)
    assert engine._workers["Sleeping"].ended(10)
    assert node(engine, "Sleeping").stops == 1
    assert_sums(engine.report())


def test_a_box_that_cannot_even_be_stopped_does_not_hold_up_the_others(graph, hurried) -> None:
    engine = begun(graph(f"{LIVE}, Endless.frames-out > StuckForGood.frames-in"))
    time.sleep(0.05)
    engine.stop()
    assert engine.wait(60)
    assert engine.report()["error"] == "StuckForGood: did not stop within 0.3 s"
    assert node(engine, "Sink").stops == 1
    node(engine, "StuckForGood").released.set()


def test_a_slow_box_that_goes_on_draining_is_not_given_up(graph, hurried, monkeypatch) -> None:
    monkeypatch.setattr(SlowSink, "on_data", lambda self, ctx, port, item: time.sleep(0.15))
    engine = begun(graph("Endless.frames-out > SlowSink.frames-in"))
    time.sleep(0.3)
    engine.stop()
    assert engine.wait(60)
    report = engine.report()
    assert report["exit_reason"] == "stopped", report["error"]
    assert entry_of(engine.report(), "SlowSink")["inputs"][0]["dropped"] == 0


def test_a_source_that_does_not_hear_is_given_up(graph, hurried, monkeypatch) -> None:
    released = threading.Event()

    def deaf(self, ctx) -> None:
        index = 0
        while not released.wait(0.001):
            ctx.emit("frames-out", picture(index))
            index += 1

    monkeypatch.setattr(Source, "run", deaf)
    engine = begun(graph("Source.frames-out > Sink.frames-in"))
    engine.stop()
    assert engine.wait(60)
    released.set()
    assert engine.report()["error"] == "Source: did not stop within 0.3 s"


def test_ctrl_c_while_waiting_ends_the_run_in_order(graph) -> None:
    engine = begun(graph(LIVE))
    here = threading.get_ident()
    timer = threading.Timer(0.2, signal.pthread_kill, [here, signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        engine.wait(60)
    assert engine.wait(0) and node(engine, "Sink").stops == 1
    assert engine.report()["exit_reason"] == "stopped"


def test_a_stop_after_the_end_changes_nothing(graph) -> None:
    engine = run(graph("Source.frames-out > Sink.frames-in"))
    report = engine.report()
    engine.stop()
    engine.stop()
    assert engine.report() == report and node(engine, "Sink").stops == 1


@pytest.mark.parametrize("seconds", [float("inf"), 1e300])
def test_a_run_of_any_length_can_be_stopped(graph, seconds) -> None:
    engine = begun(graph(LIVE), seconds=seconds)
    engine.stop()
    assert engine.wait(60)


def test_a_disk_that_is_full_in_the_end_fails_the_run(graph, tmp_path, monkeypatch) -> None:
    def full(self, name: str, text: str) -> None:
        raise RecordingError(f"{name}: No space left on device")

    monkeypatch.setattr(ExperimentDir, "keep", full)
    engine = begun(graph("Source.frames-out > Sink.frames-in"), record=True, export_dir=tmp_path)
    assert engine.wait(60)
    report = engine.report()
    assert report["exit_reason"] == "failed"
    assert report["error"] == "project.toml: No space left on device"


@pytest.mark.parametrize(("sink", "success"), [("Sink", True), ("Broken", False)])
def test_the_folder_of_a_run_says_whether_it_did_well(graph, tmp_path, sink, success) -> None:
    wires = graph(f"Source.frames-out > {sink}.frames-in")
    engine = begun(wires, record=True, export_dir=tmp_path)
    assert engine.wait(60)
    assert engine.export_dir is not None
    attributes = tomllib.loads((engine.export_dir / "attributes.toml").read_text())
    assert attributes["success"] is success
    assert attributes["recording_length_msec"] == engine.report()["length_s"] * 1000


def test_a_note_has_the_same_time_in_the_report_and_in_the_folder(graph, tmp_path) -> None:
    engine = begun(graph(LIVE), record=True, export_dir=tmp_path)
    engine.note("the animal woke up")
    engine.stop()
    assert engine.wait(60)
    assert engine.export_dir is not None
    header, row = (engine.export_dir / "notes" / "notes.csv").read_text().splitlines()
    time_ms, _, text = row.partition(";")
    assert (header, text) == ("Time [ms];Note", "the animal woke up")
    assert engine.report()["marks"] == [f"{time_ms} ms: the animal woke up"]


def test_the_first_thing_that_failed_is_the_one_that_is_told(graph, tmp_path, monkeypatch) -> None:
    def full(self, name: str, text: str) -> None:
        raise RecordingError(f"{name}: No space left on device")

    monkeypatch.setattr(ExperimentDir, "keep", full)
    engine = begun(graph("Source.frames-out > Broken.frames-in"), record=True, export_dir=tmp_path)
    assert engine.wait(60)
    assert engine.report()["error"] == "Broken: frames-in: the third frame is bad"


def test_a_remark_that_the_disk_refuses_fails_the_run(graph, tmp_path, monkeypatch) -> None:
    def full(self, time_us: int, text: str) -> None:
        raise RecordingError("notes.csv: No space left on device")

    monkeypatch.setattr(ExperimentDir, "mark", full)
    engine = begun(graph(LIVE), record=True, export_dir=tmp_path)
    engine.note("the animal woke up")
    assert engine.wait(60)
    report = engine.report()
    assert report["error"] == "notes.csv: No space left on device"
    assert "the animal woke up" in report["marks"][0]


def test_a_report_can_be_had_while_the_graph_runs_and_is_one_with_the_kept_one(
    graph, tmp_path
) -> None:
    engine = begun(graph(LIVE), record=True, export_dir=tmp_path)
    for _ in range(20):
        json.dumps(engine.report())
        engine.loads()
    engine.note("a remark")
    engine.stop()
    assert engine.wait(60)
    assert engine.export_dir is not None
    assert json.loads((engine.export_dir / "report.json").read_text()) == engine.report()
    engine.note("a remark after the end")
