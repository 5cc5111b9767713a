"""A whole session by hand, from an empty canvas to a recording that `info` can read."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QPointF, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope_ui.search import SearchPopup
from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.window import EditorWindow

RUN_S = 20


def add(window: EditorWindow, words: str) -> str:
    """Search a box by keyboard and add it."""
    before = set(window.scene.boxes)
    window.view.setFocus()
    QTest.keyClick(window.view, Qt.Key.Key_A)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, SearchPopup)
    QTest.keyClicks(popup.search.line, words)
    QTest.keyClick(popup.search.line, Qt.Key.Key_Return)
    (new,) = set(window.scene.boxes) - before
    return new


def wire(window: EditorWindow, source: tuple[str, str], target: tuple[str, str]) -> None:
    """Pull a wire by mouse."""
    port = window.view.viewport()

    def place(end: tuple[str, str]) -> QPointF:
        return window.scene.boxes[end[0]].port(end[1]).tip()

    start, end = (window.view.mapFromScene(place(which)) for which in (source, target))
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(port, (start + end) / 2)
    QTest.mouseMove(port, end)
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=end)


@pytest.mark.slow
def test_from_nothing_to_a_recording(qtbot, cli, settings: QSettings, answers, until) -> None:
    window = EditorWindow(Catalog.shipped(), settings, ask=answers)
    with qtbot.waitActive(window, timeout=60_000):
        window.show()
    scope = add(window, "simulated")
    recorder, canvas, table = add(window, "video rec"), add(window, "canvas"), add(window, "table")
    QTest.keyClick(window.view, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window.view, Qt.Key.Key_Home)
    wire(window, (scope, "frames-raw-out"), (recorder, "frames-in"))
    wire(window, (scope, "frames-disp-out"), (canvas, "frames-in"))
    wire(window, (scope, "bno-tab-out"), (table, "rows-in"))
    assert len(window.files.document.project.wires) == 3

    QTest.keyClick(window, Qt.Key.Key_F5)
    until(lambda: window.running.phase == "running")
    until(lambda: window.running.elapsed_s > RUN_S)
    view = window.views.docks[canvas, "frames-in"].widget()
    assert isinstance(view, FrameView)
    assert view.frame is not None
    with qtbot.waitActive(
        window, timeout=60_000
    ):  # offscreen, a popup that closes leaves no window active
        window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_Escape, Qt.KeyboardModifier.ShiftModifier)
    assert window.running.phase == "stopping"
    until(lambda: window.running.phase == "idle")
    assert window.running.error is None, window.running.error

    report = window.running.report
    assert report is not None
    read = cli("info", report["export_dir"], "--json")
    assert read.returncode == 0, read.stderr
    (source,) = [node for node in report["nodes"] if node["id"] == recorder]
    frames = source["inputs"][0]["items"]
    assert frames > RUN_S * 10
    assert str(frames) in read.stdout, json.loads(read.stdout)
    answers.say = ["Do not save"]
    window.close()
    window.deleteLater()
