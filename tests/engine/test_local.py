"""What the local engine promises, shown on boxes of a few lines."""

from __future__ import annotations

import json
import threading
import time

import pytest
from boxes import SourceSettings, node, report_of, run

from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunError, RunOptions
from syntalos_miniscope.streams import Control, ControlKind, Frame

CHAIN = "Source.frames-out > Relay.frames-in, Relay.frames-out > SlowSink.frames-in"


def test_a_lossless_chain_delivers_everything_in_order(graph):
    engine = run(graph(CHAIN, Source={"frames": 300}))
    assert [f.index for f in node(engine, "SlowSink").got] == list(range(300))
    entry = report_of(engine, "SlowSink")["inputs"][0]
    assert (entry["items"], entry["dropped"], entry["policy"]) == (300, 0, "lossless")


def test_a_slow_view_drops_the_oldest_and_every_drop_is_counted(graph):
    engine = run(graph("Source.frames-out > SlowView.frames-in", Source={"frames": 500}))
    got = [f.index for f in node(engine, "SlowView").got]
    assert got == sorted(got) and got[-1] == 499
    entry = report_of(engine, "SlowView")["inputs"][0]
    assert entry["items"] == len(got)
    assert entry["dropped"] == 500 - len(got) > 0


def test_a_frame_is_not_copied_on_a_wire_and_cannot_be_written(graph):
    engine = run(graph(
        "Source.frames-out > Relay.frames-in, Relay.frames-out > Sink.frames-in, "
        "Source.frames-out > Sink2.frames-in", Source={"frames": 3}))  # fmt: skip
    here, there = node(engine, "Sink").got, node(engine, "Sink2").got
    assert all(a.mat is b.mat for a, b in zip(here, there, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        here[0].mat[0, 0] = 1


def test_metadata_is_there_when_a_box_downstream_prepares(graph):
    engine = run(graph(CHAIN.replace("SlowSink", "Sink")))
    assert node(engine, "Sink").metadata == {"framerate": 20.0}


def test_every_verb_after_start_runs_on_one_thread(graph):
    engine = run(graph("Source.frames-out > Sink.frames-in"))
    assert len(node(engine, "Sink").threads) == 1


def test_a_run_ends_by_itself_when_its_sources_have(graph):
    report = run(graph(CHAIN)).report()
    assert report["exit_reason"] == "finished" and report["error"] is None
    assert {n["status"] for n in report["nodes"]} == {"ended"}


def test_a_run_ends_when_its_time_is_up(graph):
    report = run(graph("Endless.frames-out > Sink.frames-in"), seconds=0.2).report()
    assert report["exit_reason"] == "finished"
    assert 0.2 <= report["length_s"] < 5


def test_stop_drains_what_was_sent_before_it_closes(graph):
    engine = LocalEngine(graph("Endless.frames-out > SlowSink.frames-in"), RunOptions(record=False))
    engine.prepare()
    engine.start()
    time.sleep(0.1)
    engine.stop()
    assert engine.wait(10)
    sent = report_of(engine, "Endless")["outputs"][0]["items"]
    assert len(node(engine, "SlowSink").got) == sent > 0
    assert engine.report()["exit_reason"] == "stopped"


def test_a_box_may_emit_its_last_words_in_stop(graph):
    engine = run(graph("Source.frames-out > LastWords.frames-in, "
                       "LastWords.frames-out > Sink.frames-in", Source={"frames": 2}))  # fmt: skip
    assert [f.index for f in node(engine, "Sink").got] == [0, 1, 999]


def test_a_node_that_raises_ends_the_run_and_is_named_with_its_port(graph):
    engine = run(
        graph("Endless.frames-out > Broken.frames-in, Endless.frames-out > Sink.frames-in")
    )
    report = engine.report()
    assert report["exit_reason"] == "failed"
    assert report["error"] == "Broken: frames-in: the third frame is bad"
    assert report_of(engine, "Broken")["status"] == "failed"
    assert node(engine, "Sink").stops == node(engine, "Broken").stops == 1


def test_items_for_a_box_that_has_ended_are_counted_as_dropped(graph):
    engine = run(graph("Source.frames-out > Broken.frames-in", Source={"frames": 50}))
    entry = report_of(engine, "Broken")["inputs"][0]
    sent = report_of(engine, "Source")["outputs"][0]["items"]
    assert entry["items"] + entry["dropped"] == sent


def test_emitting_the_wrong_type_is_named(graph):
    engine = run(graph("Source.frames-out > Wrong.frames-in, Wrong.frames-out > Sink.frames-in"))
    assert engine.report()["error"] == (
        "Wrong: frames-in: TypeError: frames-out gives Frame, not TableRow"
    )


def test_a_refused_prepare_names_the_node_and_stops_what_was_prepared(graph, tmp_path):
    engine = LocalEngine(
        graph("Source.frames-out > Sink.frames-in, Source.frames-out > Refusing.frames-in"),
        RunOptions(export_dir=tmp_path),
    )
    with pytest.raises(RunError, match=r"^Refusing: the disk is made of cheese$"):
        engine.prepare()
    assert node(engine, "Sink").stops == node(engine, "Refusing").stops == 1
    assert not list(tmp_path.rglob("*.toml")), "nothing is left of a run that never began"


def test_a_box_that_does_not_stop_is_named_and_the_run_ends_all_the_same(graph, monkeypatch):
    monkeypatch.setattr("syntalos_miniscope.engine.course.STOP_GRACE_S", 0.3)
    engine = LocalEngine(graph("Endless.frames-out > Stuck.frames-in"), RunOptions(record=False))
    engine.prepare()
    engine.start()
    time.sleep(0.05)
    engine.stop()
    assert engine.wait(10)
    assert engine.report()["error"] == "Stuck: did not stop within 0.3 s"
    assert node(engine, "Stuck").stops == 1


def test_a_run_that_hangs_in_prepare_can_be_left_with_everything_stopped(graph):
    engine = LocalEngine(
        graph("Source.frames-out > Sink.frames-in, Source.frames-out > Hanging.frames-in"),
        RunOptions(record=False),
    )
    refused = threading.Event()

    def prepare():
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


def test_live_settings_and_commands_reach_a_source_on_its_own_thread(graph):
    engine = LocalEngine(graph("Endless.frames-out > Sink.frames-in"), RunOptions(record=False))
    engine.prepare()
    engine.start()
    engine.apply("Endless", SourceSettings(gain=2.0))
    engine.command("Endless", Control(ControlKind.CUSTOM, "hello"))
    while len(node(engine, "Endless").log) < 2:
        time.sleep(0.005)
    engine.stop()
    assert engine.wait(10)
    assert sorted(node(engine, "Endless").log) == ["gain 1.0 -> 2.0", "hello"]
    assert node(engine, "Endless").settings.gain == 2.0


def test_a_loop_may_be_closed_through_a_control_wire(graph):
    engine = run(graph("Source.frames-out > Looped.frames-in, Looped.frames-out > Sink.frames-in, "
                       "Looped.control-out > Source.control-in", Source={"frames": 5}))  # fmt: skip
    assert engine.report()["exit_reason"] == "finished"
    assert len(node(engine, "Sink").got) == 5


def test_a_tap_sees_the_newest_and_counts_the_rest(graph):
    engine = LocalEngine(graph("Source.frames-out > Sink.frames-in"), RunOptions(record=False))
    tap = engine.tap("Sink", "frames-in", depth=3)
    engine.prepare()
    engine.start()
    engine.wait(10)
    assert [f.index for f in tap.take() if isinstance(f, Frame)] == [97, 98, 99]
    assert (tap.seen, tap.dropped) == (100, 97)


def test_the_run_keeps_its_project_and_its_report(graph, tmp_path):
    engine = LocalEngine(graph(CHAIN), RunOptions(export_dir=tmp_path, subject="m1"))
    engine.prepare()
    engine.start()
    assert engine.wait(10)
    folder = engine.export_dir
    assert folder is not None and folder.parts[-3] == "m1"
    assert json.loads((folder / "report.json").read_text())["exit_reason"] == "finished"
    assert "SlowSink" in (folder / "project.toml").read_text()


def test_latency_is_measured_from_emit_to_on_data(graph):
    entry = report_of(run(graph(CHAIN)), "SlowSink")["inputs"][0]
    assert 0 < entry["latency_p50_us"] <= entry["latency_p99_us"]
