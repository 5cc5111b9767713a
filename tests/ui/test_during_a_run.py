"""A run that is on keeps its project in the window."""

import pytest
from hands import at, pull, tip
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.mark.parametrize("card", ["empty", "miniscope", "rehearsal"])
def test_no_other_project_comes_while_a_run_is_on(
    window, document, answers, run_until, tmp_path, card
) -> None:
    document.save(tmp_path / "mine.toml")
    window.ask_run(record=False)
    run_until(window, "running")
    answers.say = ["Close"] * 3
    QTest.keyClick(window, Qt.Key.Key_N, CTRL)
    assert not window.files.open(tmp_path / "mine.toml")
    window.show_start()
    window.start.picked.emit(card)
    assert len(answers.asked) == 3
    assert all("Stop it first" in asked for asked in answers.asked)
    assert window.files.document is document
    window.running.stop()
    run_until(window, "idle")
    assert window.files.open(tmp_path / "mine.toml")


def test_a_box_is_renamed_while_a_run_is_on(window, document, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.scene.select(["canvas"])
    window.actions_by_name["Rename"].trigger()
    title = window.focusWidget()
    QTest.keyClicks(title, "My eye")
    QTest.keyClick(title, Qt.Key.Key_Return)
    assert document.label("canvas") == "My eye"
    assert window.views.docks["canvas", "frames-in"].windowTitle() == "My eye"


def test_a_wire_that_is_pulled_while_a_run_is_on_says_why_it_is_not(window, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    start = tip(window, "camera", "signal-out")
    pull(window, start, start + QPointF(60, 60))
    assert "stop it first" in window.statusBar().currentMessage()
    assert QApplication.activePopupWidget() is None


def test_the_rate_on_a_wire_opens_its_view(window, run_until, until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    wire = window.scene.wires["recorder.frames-in"]
    until(wire.label.isVisible)
    window.view.fit()
    place = at(window, wire.label.sceneBoundingRect().center())
    QTest.mouseDClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert ("recorder", "frames-in") in window.views.docks


def test_a_view_into_a_wire_lies_beside_the_others_and_takes_no_room(
    window, run_until, until
) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    least = window.minimumSizeHint().height()
    window.scene.wire_opened.emit("recorder.frames-in")
    looked, canvas = (window.views.docks[box, "frames-in"] for box in ("recorder", "canvas"))
    assert looked in window.tabifiedDockWidgets(canvas)
    until(lambda: looked.widget().frame is not None)
    assert window.minimumSizeHint().height() < least + looked.widget().minimumHeight()


def test_a_view_into_a_wire_shows_the_next_run_too(window, run_until, until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.scene.wire_opened.emit("recorder.frames-in")
    view = window.views.docks["recorder", "frames-in"].widget()
    until(lambda: view.frame is not None)
    window.running.stop()
    run_until(window, "idle")
    before = view.frame
    window.ask_run(record=False)
    run_until(window, "running")
    until(lambda: view.frame is not before)
