"""The window: files, runs, views and colours, as a person meets them."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QInputDialog

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.examples import examples
from syntalos_miniscope.project import check, load
from syntalos_miniscope_ui.autosave import autosave_path
from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.running import LogLine
from syntalos_miniscope_ui.start_strip import MINISCOPE
from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.viewers.rows import RowsView
from syntalos_miniscope_ui.viewers.signals import SignalView
from syntalos_miniscope_ui.window import EditorWindow

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def press(window: EditorWindow, key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window, key, modifier)


def test_the_miniscope_to_begin_with_fits_the_shipped_nodes() -> None:
    check(MINISCOPE, Catalog.shipped())


def test_every_action_of_the_menus_has_a_name_and_a_tip(window) -> None:
    for name, action in window.actions_by_name.items():
        assert name.strip()
        assert action.toolTip()


def test_no_two_actions_share_a_key(window) -> None:
    keys = [
        shortcut.toString()
        for action in window.actions_by_name.values()
        for shortcut in action.shortcuts()
    ]
    assert len(keys) == len(set(keys))


# Files


def test_the_title_shows_name_and_unsaved_changes(window, document) -> None:
    assert "Small" in window.windowTitle()
    assert not window.isWindowModified()
    document.rename("camera", "Eye")
    assert window.isWindowModified()


def test_save_asks_for_a_file_once(window, document, tmp_path, monkeypatch) -> None:
    file = tmp_path / "mine.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    document.rename("camera", "Eye")
    press(window, Qt.Key.Key_S, CTRL)
    assert load(file).box("camera").title == "Eye"
    assert not window.isWindowModified()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: pytest.fail("asked again"))
    document.rename("camera", "Ear")
    press(window, Qt.Key.Key_S, CTRL)
    assert load(file).box("camera").title == "Ear"
    assert window.files.recent() == [file]


def test_a_save_that_fails_is_said_and_loses_nothing(window, document, answers, tmp_path) -> None:
    document.file = tmp_path / "nowhere" / "p.toml"
    document.rename("camera", "Eye")
    answers.say = ["Close"]
    assert not window.files.save()
    assert "cannot be saved" in answers.asked[0]
    assert document.dirty


def test_a_broken_file_is_said_in_words_and_changes_nothing(window, answers, tmp_path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[project]\nformat = 99\n")
    before = window.files.document
    answers.say = ["Close"]
    assert not window.files.open(broken)
    assert "newer syntalos-miniscope" in answers.asked[0]
    assert window.files.document is before


def test_leaving_unsaved_changes_asks_and_cancel_stays(window, document, answers) -> None:
    document.rename("camera", "Eye")
    answers.say = ["Cancel"]
    window.files.new()
    assert window.files.document is document
    answers.say = ["Do not save"]
    window.files.new()
    assert window.files.document is not document
    assert window.scene.boxes == {}


def test_unsaved_changes_are_kept_beside_the_file_by_themselves(
    window, document, tmp_path, until
) -> None:
    document.save(tmp_path / "p.toml")
    document.rename("camera", "Eye")
    place = autosave_path(tmp_path / "p.toml")
    until(place.exists)
    document.undo()
    window.files.autosave()
    assert not place.exists()


@pytest.mark.parametrize(
    ("answer", "title"), [("Use them", "Eye"), ("Open the file as it is", "Camera")]
)
def test_what_a_crash_left_is_offered(
    window, catalog, document, answers, tmp_path, answer, title
) -> None:
    file = tmp_path / "p.toml"
    document.save(file)
    crashed = Document.open(catalog, file)
    crashed.rename("camera", "Eye")
    autosave_path(file).write_text(crashed.project.to_toml())
    answers.say = [answer]
    assert window.files.open(file)
    opened = window.files.document
    assert opened.label("camera") == title
    assert opened.dirty is (answer == "Use them")
    assert load(file).box("camera").title == "Camera"


def test_examples_are_opened_without_their_file(window) -> None:
    catalog = window.catalog
    for name, path in examples().items():
        types = {box.type for box in load(path).nodes}
        if types <= set(catalog.folders):
            window.open_example(name)
            assert window.files.document.file is None


# Running


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
    assert "GiB free" in window.run_bar.clock.text() or window.run_bar.clock.text() == ""
    window.ask_run(record=True)
    run_until(window, "running")
    until(lambda: window.run_bar.clock.text()[:5].replace(":", "").isdigit())
    assert "GiB free" in window.run_bar.clock.text()


# First steps and colours


def test_first_steps_open_and_go(window, answers) -> None:
    press(window, Qt.Key.Key_F1)
    assert window.start is not None
    window.start.picked.emit("empty")
    assert window.scene.boxes == {}
    window.hide_start()
    assert window.start is None
    assert window.settings.value("window/start-seen", type=bool)


def test_a_run_puts_the_first_steps_away(window, run_until) -> None:
    window.show_start()
    window.ask_run(record=False)
    run_until(window, "running")
    assert window.start is None


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_mode_is_remembered_and_worn(window, mode) -> None:
    window.set_mode(mode)
    assert window.settings.value("window/mode") == mode
    assert window.palette().window().color().name().upper() == window.theme.window


def test_a_click_on_the_log_selects_the_box(window) -> None:
    window.log.add([LogLine(1.0, "error", "camera", "the lens cap is on")])
    window.log.itemClicked.emit(window.log.topLevelItem(0), 0)
    assert window.scene.selected_boxes() == ["camera"]


def test_f2_renames_the_selected_box(window, document) -> None:
    window.scene.select(["camera"])
    window.view.setFocus()
    QTest.keyClick(window.view, Qt.Key.Key_F2)
    title = window.inspector._title
    title.setText("Eye")
    title.editingFinished.emit()
    assert document.label("camera") == "Eye"
    assert window.scene.boxes["camera"].node.box.label == "Eye"


def test_a_project_that_never_had_a_file_is_brought_back(
    window, document, answers, tmp_path
) -> None:
    place = autosave_path(None).with_name("untitled-999999999.toml")
    place.parent.mkdir(parents=True)
    place.write_text(document.project.to_toml())
    window.files.new()
    answers.say = ["Bring it back"]
    window.files.offer_orphans()
    assert set(window.scene.boxes) == {box.id for box in document.project.nodes}
    assert window.files.document.dirty
    assert not place.exists()
    assert Path(autosave_path(None)).exists()


def test_colours_may_change_while_a_box_is_selected(window) -> None:
    window.scene.select(["camera"])
    window.set_mode("light")
    assert window.scene.selected_boxes() == ["camera"]
    assert window.inspector.form is not None


def test_regions_that_are_saved_are_offered_to_the_box_that_reads_them(
    window, document, answers, run_until
) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.running.stop()
    run_until(window, "idle")
    traces = document.add("traces", (640, 0))
    answers.say = ["Use them"]
    window.views.docks["canvas", "frames-in"].widget().rois_saved.emit("/tmp/rois.json")
    assert "Use these regions in Traces?" in answers.asked[0]
    assert document.project.box(traces).settings == {"rois": "/tmp/rois.json"}
