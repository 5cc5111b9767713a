"""Runs in the editor: by keys, asked about, refused, watched and marked."""

from hands import CTRL, SHIFT, press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog

from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.viewers.rows import RowsView
from syntalos_miniscope_ui.viewers.signals import SignalView
from syntalos_miniscope_ui.window import EditorWindow


def test_run_and_stop_by_keys_with_views_that_show(window, document, run_until, until) -> None:
    press(window, Qt.Key.Key_F5)
    run_until(window, "running")
    views = {end[0]: dock.widget() for end, dock in window.views.docks.items()}
    assert isinstance(views["canvas"], FrameView)
    assert isinstance(views["plot"], SignalView)
    assert isinstance(views["rows"], RowsView)
    until(lambda: views["canvas"].frame is not None)
    until(lambda: views["rows"].model.rowCount() > 2)
    until(lambda: window.scene.boxes["camera"].state == "running")
    until(lambda: "frames" in window.scene.boxes["camera"].lines[1])
    press(window, Qt.Key.Key_Escape, SHIFT)
    run_until(window, "idle")
    assert window.scene.boxes["camera"].state == "ended"
    assert any("kept in" in line for line in window.log.lines())
    assert list((window.run_bar.export_dir / "m01").glob("*/Small"))


def test_a_run_without_recording_keeps_nothing(window, run_until) -> None:
    press(window, Qt.Key.Key_F5, SHIFT)
    run_until(window, "running")
    window.running.stop()
    run_until(window, "idle")
    assert not window.run_bar.export_dir.exists()


def test_a_doubtful_run_asks_first(window, document, answers, run_until, until) -> None:
    document.connect(("camera", "frames-disp-out"), ("recorder", "frames-in"))
    answers.say = ["Cancel"]
    press(window, Qt.Key.Key_F5)
    until(lambda: len(answers.asked) == 1)
    assert "made for the eye" in answers.asked[0]
    assert window.running.phase == "idle"
    answers.say = ["Run anyway"]
    press(window, Qt.Key.Key_F5)
    run_until(window, "running")


def test_a_graph_without_source_offers_no_run(window, document) -> None:
    assert window.run_bar.run.isEnabled()
    document.remove(["camera"])
    assert not window.run_bar.run.isEnabled()


def test_a_refused_run_shows_the_words_on_its_box(window, document, until) -> None:
    settings = document.settings("camera").model_copy(update={"refuse": True})
    document.set_settings("camera", settings)
    window.ask_run(record=True)
    until(lambda: window.scene.boxes["camera"].state == "failed")
    box = window.scene.boxes["camera"]
    assert box.state == "failed"
    assert box.lines[1] == "the lens cap is on"
    assert any("the lens cap is on" in line for line in window.log.lines())


def test_the_graph_is_fixed_while_a_run_is_on(window, document, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    before = document.project
    window.scene.select(["canvas"])
    window.view.setFocus()
    QTest.keyClick(window.view, Qt.Key.Key_Delete)
    window.editing.undo()
    window.editing.duplicate()
    window.finder.add_in_view("blur")
    assert document.project == before
    assert "stop it first" in window.statusBar().currentMessage()
    window.running.stop()
    run_until(window, "idle")
    QTest.keyClick(window.view, Qt.Key.Key_Delete)
    assert "canvas" not in window.scene.boxes


def test_a_live_knob_turns_the_run_and_the_project(window, document, run_until, until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.scene.select(["camera"])
    form = window.inspector.form
    assert form is not None
    assert form.knob("level").isEnabled()
    assert not form.knob("fail_at").isEnabled()
    form.knob("level")._box.setValue(120)
    canvas = window.views.docks["canvas", "frames-in"].widget()
    until(lambda: canvas.frame is not None and canvas.frame.mat[0, 0] == 120)
    assert document.project.box("camera").settings == {"level": 120}


def test_notes_and_marks_by_key_stay_with_the_run(window, run_until, monkeypatch) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("turned left", True))
    window.ask_run(record=True)
    run_until(window, "running")
    press(window, Qt.Key.Key_T, CTRL)
    press(window, Qt.Key.Key_E, CTRL)
    press(window, Qt.Key.Key_3, CTRL)
    window.running.stop()
    run_until(window, "idle")
    (report,) = window.run_bar.export_dir.glob("m01/*/Small/report.json")
    assert "turned left" in report.read_text()
    text = report.read_text()
    assert "turned left (at " in text
    assert 'ms: Event"' in text
    assert 'ms: Event 3"' in text


def test_a_wire_can_be_looked_into(window, document, run_until, until) -> None:
    window.live.look_at("recorder.frames-in")
    assert "while a run is on" in window.statusBar().currentMessage()
    window.ask_run(record=False)
    run_until(window, "running")
    window.scene.wire_opened.emit("recorder.frames-in")
    view = window.views.docks["recorder", "frames-in"].widget()
    assert isinstance(view, FrameView)
    until(lambda: view.frame is not None)


def test_the_view_of_a_box_goes_with_the_box(window, document, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.running.stop()
    run_until(window, "idle")
    assert ("canvas", "frames-in") in window.views.docks
    document.rename("canvas", "Eye")
    assert window.views.docks["canvas", "frames-in"].windowTitle() == "Eye"
    document.remove(["canvas"])
    assert ("canvas", "frames-in") not in window.views.docks


def test_a_second_run_uses_the_views_again(window, run_until) -> None:
    for _ in range(2):
        window.ask_run(record=False)
        run_until(window, "running")
        window.running.stop()
        run_until(window, "idle")
    assert len(window.views.docks) == 3


def test_names_and_folder_are_remembered(window, catalog, settings, answers, tmp_path) -> None:
    window.run_bar.subject.setText("m42")
    window.run_bar.folder.setText(str(tmp_path / "elsewhere"))
    other = EditorWindow(catalog, settings, ask=answers)
    assert other.run_bar.options(record=True).subject == "m42"
    assert other.run_bar.export_dir == tmp_path / "elsewhere"
    other.deleteLater()


def test_the_clock_shows_time_disk_and_minutes_left(window, run_until, until) -> None:
    window.ask_run(record=True)
    run_until(window, "running")
    until(lambda: window.run_bar.clock.text()[:5].replace(":", "").isdigit())
    until(lambda: "GiB free" in window.run_bar.clock.text())
