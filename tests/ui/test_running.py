"""The controller of runs, without a window, on the real engine."""

import threading
from collections.abc import Iterator

import pytest
from waiting import wait_for

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.project import Project, check
from syntalos_miniscope_ui.running import Running


@pytest.fixture
def running() -> Iterator[Running]:
    driver = Running()
    yield driver
    # A run that a failed test left on would keep the process of the tests.
    driver.stop()
    driver.join(60)


@pytest.fixture
def options(tmp_path) -> RunOptions:
    return RunOptions(export_dir=tmp_path / "export", subject="m01")


def test_a_run_goes_from_idle_to_idle_and_leaves_a_folder(document, running, options) -> None:
    running.run(document.graph, options)
    wait_for(lambda: running.phase == "running")
    wait_for(lambda: running.look().boxes["recorder"].counters["frames"] > 3)
    running.stop()
    assert running.join(60)
    assert running.phase == "idle"
    assert running.error is None
    assert running.report is not None
    assert running.report["exit_reason"] == "stopped"
    assert (options.export_dir / "m01").is_dir()


def test_running_returns_before_a_slow_prepare_has(document, options) -> None:
    gate = threading.Event()

    class Slow:
        def __init__(self, graph, options) -> None:
            self._engine = Running()._make_engine(graph, options)

        def __getattr__(self, name):
            return getattr(self._engine, name)

        def prepare(self) -> None:
            gate.wait(60)
            self._engine.prepare()

    running = Running(Slow)  # pyright: ignore[reportArgumentType]
    running.run(document.graph, options)
    assert running.phase == "preparing"
    running.stop()
    assert running.phase == "preparing"
    gate.set()
    assert running.join(60)
    assert running.phase == "idle"
    assert running.error is None


def test_a_refused_run_names_the_box_and_is_idle_again(document, running, options) -> None:
    settings = document.settings("camera").model_copy(update={"refuse": True})
    document.set_settings("camera", settings)
    running.run(document.graph, options)
    assert running.join(60)
    assert running.phase == "idle"
    assert running.error is not None
    assert running.error.node == "camera"
    assert "the lens cap is on" in str(running.error)
    assert running.look().boxes["camera"].phase == "failed"


def test_a_box_that_fails_in_a_run_is_named(document, running, options) -> None:
    settings = document.settings("camera").model_copy(update={"fail_at": 2})
    document.set_settings("camera", settings)
    running.run(document.graph, options)
    assert running.join(60)
    assert running.error is not None
    assert running.error.node == "camera"
    texts = [line.text for line in running.take_log() if line.level == "error"]
    assert len(texts) == 1
    assert "the cable came out" in texts[0]


def test_live_settings_reach_the_box(document, running, options) -> None:
    running.run(document.graph, options)
    wait_for(lambda: running.phase == "running")
    tap = running.engine.tap("canvas", "frames-in")
    running.apply("camera", document.settings("camera").model_copy(update={"level": 77}))
    wait_for(lambda: any(item.mat[0, 0] == 77 for item in tap.take()))
    running.stop()
    assert running.join(60)


def test_notes_are_kept_with_the_run(document, running, options) -> None:
    running.run(document.graph, options)
    wait_for(lambda: running.phase == "running")
    running.note("the mouse turned left")
    running.stop()
    assert running.join(60)
    assert "the mouse turned left" in str(running.report)
    assert "Note: the mouse turned left" in [line.text for line in running.take_log()]


def test_wires_tell_their_rate_after_a_second(document, running, options) -> None:
    running.run(document.graph, options)
    wait_for(lambda: running.phase == "running")
    wait_for(lambda: running.look().wires["recorder.frames-in"].items_per_s is not None)
    assert running.look().wires["recorder.frames-in"].items_per_s > 0
    running.stop()
    assert running.join(60)
    assert running.look().wires["recorder.frames-in"].items_per_s is None


def test_a_second_run_while_one_is_on_is_refused(document, running, options) -> None:
    running.run(document.graph, options)
    with pytest.raises(RuntimeError, match="on already"):
        running.run(document.graph, options)
    running.stop()
    assert running.join(60)


def test_one_run_after_another(document, running, options) -> None:
    for _ in range(2):
        running.run(document.graph, options)
        wait_for(lambda: running.phase == "running")
        running.stop()
        assert running.join(60)
    assert len(list((options.export_dir / "m01").glob("*/*"))) == 2


def test_an_empty_graph_ends_at_once(running, options) -> None:
    running.run(check(Project(), Catalog({})), options)
    assert running.join(60)
    assert running.phase == "idle"


def test_a_folder_that_cannot_be_written_is_said_in_words(document, running, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    options = RunOptions(export_dir=tmp_path / "file", subject="m01")
    running.run(document.graph, options)
    assert running.join(60)
    assert running.error is not None
    assert str(tmp_path / "file") in str(running.error)


def test_a_source_that_is_silent_is_told_of_and_what_others_find_may_be_rare(
    document, running, options, monkeypatch
) -> None:
    monkeypatch.setattr("syntalos_miniscope_ui.running.SILENT_AFTER_S", 0.3)
    muted = document.settings("camera").model_copy(update={"mute": True})
    document.set_settings("camera", muted)
    blur = document.add("blur", (0, 0))
    document.connect((blur, "frames-out"), ("canvas", "frames-in"))
    running.run(document.graph, options)
    wait_for(lambda: running.phase == "running" and running.elapsed_s > 0.4)
    wait_for(lambda: sum(load.items > 0 for load in running.engine.loads()) == 2)
    running.look()
    running.look()
    told = [line.text for line in running.take_log() if line.level == "warning"]
    assert told == ["Nothing has come over camera.signal-out → plot.signal-in in 0 s"]
    running.stop()
    assert running.join(60)
