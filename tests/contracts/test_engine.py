"""What every engine promises: one process, or a process for each box."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engine_boxes import Counted, assert_sums, entry_of, got, noted
from waiting import PATIENCE_S, wait_for

from syntalos_miniscope.engine.course import Engine
from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunError, RunOptions
from syntalos_miniscope.project import Box, Project, Wire, check
from syntalos_miniscope.streams import Control, ControlKind, Frame

MakeEngine = Callable[..., Engine]


@pytest.fixture(params=["local", "ezmsg"])
def make_engine(request, catalog, tmp_path) -> MakeEngine:
    """Make an engine for wires such as "Source.frames-out > Sink.frames-in"."""

    def make(wires: str, *, settings: dict[str, dict] | None = None, **options: Any) -> Engine:
        ends = [tuple(wire.split(" > ")) for wire in wires.split(", ")]
        ids = dict.fromkeys(end.split(".")[0] for pair in ends for end in pair)
        # Two processes are enough for each wire to cross, and cost less than one for each box.
        boxes = tuple(
            Box(
                id=node,
                type=node.rstrip("0123456789"),
                group="even" if place % 2 == 0 else "odd",
                settings={"notes": str(tmp_path)} | (settings or {}).get(node, {}),
            )
            for place, node in enumerate(ids)
        )
        lines = tuple(Wire(source=a, target=b) for a, b in ends)
        graph = check(Project(title="Test", nodes=boxes, wires=lines), catalog)
        defaults: dict[str, Any] = {"record": False, "export_dir": tmp_path / "runs"}
        told = RunOptions(**defaults | options)
        if request.param == "local":
            return LocalEngine(graph, told)
        pytest.importorskip("ezmsg.core", reason="the extra 'distributed' is not installed")
        from syntalos_miniscope.engine.ezmsg.engine import EzmsgEngine

        return EzmsgEngine(graph, told, catalog)

    return make


def begun(engine: Engine) -> Engine:
    engine.prepare()
    engine.start()
    return engine


def done(engine: Engine) -> dict[str, Any]:
    assert begun(engine).wait(PATIENCE_S)
    return engine.report()


LIVE = "Endless.frames-out > Sink.frames-in"


def test_a_lossless_chain_delivers_everything_in_order_and_is_reported(make_engine, tmp_path):
    engine = make_engine(
        "Source.frames-out > Relay.frames-in, Relay.frames-out > SlowSink.frames-in",
        settings={"Source": {"frames": 300}},
        record=True,
        subject="m1",
    )
    report = done(engine)
    assert report["exit_reason"] == "finished" and report["error"] is None
    assert {entry["status"] for entry in report["nodes"]} == {"ended"}
    assert got(tmp_path, "SlowSink") == list(range(300))
    [wire] = entry_of(report, "SlowSink")["inputs"]
    assert (wire["from"], wire["port"]) == ("Relay.frames-out", "frames-in")
    assert (wire["items"], wire["dropped"], wire["policy"]) == (300, 0, "lossless")
    assert 0 < wire["latency_p50_us"] <= wire["latency_p99_us"]
    assert entry_of(report, "Relay")["outputs"][0]["items"] == 300
    assert entry_of(report, "Relay")["outputs"][0]["rate_hz"] > 0
    assert engine.export_dir is not None and engine.export_dir.parts[-3] == "m1"
    assert json.loads((engine.export_dir / "report.json").read_text()) == report
    assert "SlowSink" in (engine.export_dir / "project.toml").read_text()
    assert tomllib.loads((engine.export_dir / "attributes.toml").read_text())["success"] is True


def test_metadata_is_there_when_a_box_downstream_prepares(make_engine, tmp_path):
    done(make_engine("Source.frames-out > Relay.frames-in, Relay.frames-out > Sink.frames-in"))
    described = {"framerate": 20.0, "size": [48, 64]}
    assert noted(tmp_path, "Relay", "metadata") == [["frames-in", described]]
    assert noted(tmp_path, "Sink", "metadata") == [["frames-in", described]]


def test_signals_and_rows_arrive_as_they_were_sent_and_datasets_are_the_runs(make_engine, tmp_path):
    engine = make_engine(
        "Source.frames-out > Measuring.frames-in, Source.frames-out > Measuring2.frames-in, "
        "Measuring.signal-out > Reading.signal-in, Measuring.rows-out > Reading.rows-in",
        settings={"Source": {"frames": 3}},
        record=True,
    )
    report = done(engine)
    assert noted(tmp_path, "Reading", "signal") == [[0, 0.0], [1000, 1.0], [2000, 2.0]]
    assert noted(tmp_path, "Reading", "row")[2] == ["2", "2.0 µ\n;"]
    assert entry_of(report, "Measuring")["counters"] == {"measured": 3}
    assert entry_of(report, "Measuring")["notes"] == ["measured to the end"]
    box = engine.boxes()["Measuring"]
    assert (box.text, box.trouble) == ("The ruler is bent", True)
    assert engine.export_dir is not None
    manifests = [
        tomllib.loads((engine.export_dir / place / "manifest.toml").read_text())
        for place in (".", "measured", "measured_2")
    ]
    assert len({manifest["collection_id"] for manifest in manifests}) == 1
    for place in ("measured", "measured_2"):
        assert (engine.export_dir / place / "means.csv").read_text() == "0\n1\n2\n"


def test_a_slow_view_drops_the_oldest_and_every_drop_is_counted(make_engine, tmp_path):
    report = done(make_engine(
        "Source.frames-out > SlowView.frames-in, Source.frames-out > Sink.frames-in",
        settings={"Source": {"frames": 500}},
    ))  # fmt: skip
    seen = got(tmp_path, "SlowView")
    assert seen == sorted(seen) and seen[-1] == 499
    [wire] = entry_of(report, "SlowView")["inputs"]
    assert (wire["items"], wire["policy"]) == (len(seen), "newest")
    assert wire["dropped"] == 500 - len(seen)
    assert got(tmp_path, "Sink") == list(range(500))
    assert_sums(report)


def test_a_node_that_raises_ends_the_run_and_is_named_with_its_port(make_engine, tmp_path):
    report = done(
        make_engine(f"{LIVE}, Endless.frames-out > Broken.frames-in", record=True)
    )  # fmt: skip
    assert report["exit_reason"] == "failed"
    assert report["error"] == "Broken: frames-in: the third frame is bad"
    assert entry_of(report, "Broken")["status"] == "failed"
    assert entry_of(report, "Sink")["status"] == "ended"
    assert got(tmp_path, "Broken") == [0, 1, 2]
    sent = entry_of(report, "Endless")["outputs"][0]["items"]
    assert got(tmp_path, "Sink") == list(range(sent))
    assert_sums(report)
    attributes = tomllib.loads((Path(report["export_dir"]) / "attributes.toml").read_text())
    assert attributes["success"] is False


def test_emitting_the_wrong_type_is_named(make_engine):
    report = done(make_engine(
        "Source.frames-out > Wrong.frames-in, Wrong.frames-out > Sink.frames-in"
    ))  # fmt: skip
    assert report["error"] == "Wrong: frames-in: TypeError: frames-out gives Frame, not TableRow"


def test_a_refused_prepare_names_the_node_and_stops_what_was_prepared(make_engine, tmp_path):
    engine = make_engine(
        "Source.frames-out > Wordy.frames-in, Wordy.frames-out > Sink.frames-in, "
        "Source.frames-out > Refusing.frames-in",
        record=True,
    )
    with pytest.raises(RunError, match=r"^Refusing: the disk is made of cheese$"):
        engine.prepare()
    assert noted(tmp_path, "Refusing", "stop") == [[]]
    assert noted(tmp_path, "Source", "stop") == [[]]
    assert not list((tmp_path / "runs").rglob("*.toml")), "nothing is left of it"
    assert engine.report()["exit_reason"] == "failed"
    with pytest.raises(RunError, match="an engine runs once"):
        engine.start()


def test_a_box_that_cannot_begin_fails_the_run_and_all_are_stopped(make_engine, tmp_path):
    engine = make_engine(f"{LIVE}, Endless.frames-out > Unready.frames-in")
    engine.prepare()
    with pytest.raises(RunError, match=r"^Unready: the lamp is out$"):
        engine.start()
    assert engine.began and engine.wait(PATIENCE_S)
    assert noted(tmp_path, "Sink", "stop") == noted(tmp_path, "Unready", "stop") == [[]]


def test_stop_drains_what_was_sent_before_it_closes(make_engine, tmp_path):
    engine = begun(make_engine("Endless.frames-out > SlowSink.frames-in"))
    wait_for(lambda: engine.loads()[0].items > 20)
    engine.stop()
    assert engine.wait(PATIENCE_S)
    report = engine.report()
    assert report["exit_reason"] == "stopped" and report["error"] is None
    sent = entry_of(report, "Endless")["outputs"][0]["items"]
    assert got(tmp_path, "SlowSink") == list(range(sent))


def test_a_run_ends_when_its_time_is_up_and_last_words_are_heard(make_engine, tmp_path):
    engine = make_engine(
        "Endless.frames-out > LastWords.frames-in, LastWords.frames-out > Sink.frames-in",
        seconds=0.3,
    )
    report = done(engine)
    assert report["exit_reason"] == "finished"
    assert report["length_s"] >= 0.3
    assert got(tmp_path, "Sink")[-1] == 999
    assert_sums(report)


def test_a_loop_may_be_closed_through_a_control_wire(make_engine, tmp_path):
    report = done(make_engine(
        "Source.frames-out > Looped.frames-in, Looped.frames-out > Sink.frames-in, "
        "Looped.control-out > Source.control-in",
        settings={"Source": {"frames": 50}},
    ))  # fmt: skip
    assert report["exit_reason"] == "finished"
    assert got(tmp_path, "Sink") == list(range(50))
    assert_sums(report)


def test_settings_commands_marks_and_taps_reach_a_running_graph(make_engine, tmp_path):
    engine = make_engine(LIVE, record=True)
    tap = engine.tap("Sink", "frames-in", depth=3)
    begun(engine)
    engine.apply("Endless", Counted(notes=str(tmp_path), gain=2.0))
    engine.command("Endless", Control(ControlKind.CUSTOM, "hello"))
    engine.note("the animal woke up")
    frames: list[Frame] = []
    while len(frames) < 10:
        frames += [item for item in tap.take() if isinstance(item, Frame)]
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    assert all(frame.mat.max() == frame.index % 256 for frame in frames)
    assert tap.seen >= 10
    assert engine.metadata("Sink", "frames-in") == {"framerate": 20.0, "size": (48, 64)}
    wait_for(lambda: noted(tmp_path, "Endless", "command"))
    wait_for(lambda: noted(tmp_path, "Endless", "gain"))
    assert {box.phase for box in engine.boxes().values()} == {"running"}
    engine.stop()
    assert engine.wait(PATIENCE_S)
    assert noted(tmp_path, "Endless", "command") == [["hello"]]
    assert noted(tmp_path, "Endless", "gain") == [[1.0, 2.0]]
    report = engine.report()
    assert "the animal woke up" in report["marks"][0]
    assert_sums(report)


def test_a_box_that_does_not_stop_is_named_and_the_run_ends_all_the_same(
    make_engine, tmp_path, monkeypatch
):
    monkeypatch.setattr("syntalos_miniscope.engine.course.STOP_GRACE_S", 0.3)
    (tmp_path / "stuck").touch()
    engine = begun(make_engine(f"{LIVE}, Endless.frames-out > Stuck.frames-in"))
    wait_for(lambda: any(load.items for load in engine.loads()))
    engine.stop()
    assert engine.wait(PATIENCE_S)
    (tmp_path / "stuck").unlink()
    report = engine.report()
    assert report["error"] == "Stuck: did not stop within 0.3 s"
    assert noted(tmp_path, "Sink", "stop") == [[]]
