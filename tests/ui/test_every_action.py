"""Every action of the menus by its key, every button of the bars and cards by the mouse."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.project import load
from syntalos_miniscope_ui.start_strip import CARDS
from syntalos_miniscope_ui.window import EditorWindow

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def no_files(monkeypatch) -> None:
    """Nobody picks a file."""
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: ("", ""))


def test_every_key_does_what_its_menu_says(window, no_files) -> None:
    heard: list[str] = []
    for name, action in window.actions_by_name.items():
        if name in ("Run", "Run without recording", "Quit"):
            action.triggered.disconnect()  # a run would fix the graph
        action.triggered.connect(lambda _on=False, name=name: heard.append(name))
    for name, action in list(window.actions_by_name.items()):
        for keys in action.shortcuts():
            action.setEnabled(True)  # undo and redo wait for something to undo
            window.view.setFocus()
            heard.clear()
            QTest.keySequence(window.view, QKeySequence(keys))
            popup = QApplication.activePopupWidget()
            if popup is not None:
                popup.close()
            assert heard == [name], keys.toString()
            window.files.document.mark_saved()


def test_files_are_opened_and_saved_elsewhere_by_keys(
    window, document, tmp_path, monkeypatch
) -> None:
    mine, other = tmp_path / "mine.toml", tmp_path / "other.toml"
    document.save(mine)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(mine), ""))
    QTest.keySequence(window, QKeySequence("Ctrl+N"))
    assert window.scene.boxes == {}
    QTest.keySequence(window, QKeySequence("Ctrl+O"))
    assert window.files.document.file == mine
    assert "camera" in window.scene.boxes
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(other), ""))
    QTest.keySequence(window, QKeySequence("Ctrl+Shift+S"))
    assert load(other) == load(mine)
    assert window.files.document.file == other


def test_undo_and_redo_by_keys_of_moves_settings_and_titles(window, document) -> None:
    states = [document.project]
    window.scene.select(["camera"])
    window.view.setFocus()
    QTest.keyClick(window.view, Qt.Key.Key_Right)
    states.append(document.project)
    document.set_settings("camera", document.settings("camera").model_copy(update={"level": 99}))
    states.append(document.project)
    document.rename("camera", "Eye")
    states.append(document.project)
    assert all(one != other for one, other in pairwise(states))
    for state in reversed(states[:-1]):
        QTest.keySequence(window, QKeySequence("Ctrl+Z"))
        assert document.project == state
    for state in states[1:]:
        QTest.keySequence(window, QKeySequence("Ctrl+Shift+Z"))
        assert document.project == state


@pytest.mark.parametrize(
    ("keys", "edge"),
    [
        ("Ctrl+Left", lambda left, top, width, height: left),
        ("Ctrl+Right", lambda left, top, width, height: left + width),
        ("Ctrl+Up", lambda left, top, width, height: top),
        ("Ctrl+Down", lambda left, top, width, height: top + height),
    ],
)
def test_boxes_are_aligned_on_each_side(window, document, keys, edge) -> None:
    chosen = ["camera", "plot", "canvas"]
    window.scene.select(chosen)
    window.view.setFocus()
    QTest.keySequence(window.view, QKeySequence(keys))
    rects = window.scene.rects(chosen).values()
    edges = {round(edge(*rect)) for rect in rects}
    assert max(edges) - min(edges) < 16  # they lie on the grid


def test_run_preview_and_stop_by_mouse(window, run_until) -> None:
    bar = window.run_bar
    for button, kept in ((bar.preview, False), (bar.run, True)):
        QTest.mouseClick(button, LEFT)
        run_until(window, "running")
        assert window.running.options.record is kept
        assert not button.isEnabled()
        QTest.mouseClick(bar.stop, LEFT)
        run_until(window, "idle")


def test_every_card_of_the_first_steps_opens_what_it_says(qtbot, settings, answers) -> None:
    window = EditorWindow(Catalog.shipped(), settings, ask=answers)
    window.show()
    shown: dict[str, set[str]] = {}
    for name, title, _words in CARDS:
        window.show_start()
        assert window.start is not None
        card = window.start.findChild(QPushButton, f"start-{name}")
        assert card is not None
        assert card.text() == title
        QTest.mouseClick(card, LEFT)
        shown[name] = set(window.scene.boxes)
        if name == "real-recording":
            assert window.scene.selected_boxes() == ["player"]
    assert {"scope", "recorder", "canvas"} <= shown["rehearsal"]
    assert "player" in shown["real-recording"]
    assert shown["miniscope"] == {"scope", "recorder", "canvas"}
    assert shown["empty"] == set()
    window.close()
    window.deleteLater()


def test_a_box_is_added_by_a_double_click_in_the_palette(window, document) -> None:
    before = set(document.graph.nodes)
    window.palette_list.chosen.emit("blur")
    window.view.node_dropped.emit("blur", QPointF(640, 640))
    assert len(set(document.graph.nodes) - before) == 2


def test_quit_by_key_closes_the_window(window) -> None:
    QTest.keySequence(window, QKeySequence("Ctrl+Q"))
    assert not window.isVisible()
