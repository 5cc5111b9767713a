"""What the hand of a person does to the editor."""

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from syntalos_miniscope_ui.window import EditorWindow

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def press(window: EditorWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    """Press a key while the canvas has the focus."""
    window.view.setFocus()
    QTest.keyClick(window.view, key, modifier)


def at(window: EditorWindow, place: QPointF) -> QPoint:
    return window.view.mapFromScene(place)


def pull(window: EditorWindow, start: QPointF, end: QPointF, *, let_go: bool = True) -> None:
    """Pull with the left button, by way of two places between."""
    port = window.view.viewport()
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=at(window, start))
    for share in (0.3, 0.7, 1.0):
        QTest.mouseMove(port, at(window, start + (end - start) * share))
    if let_go:
        QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=at(window, end))


def tip(window: EditorWindow, node: str, port: str) -> QPointF:
    """Give the place of a port, where a wire is pulled."""
    return window.scene.boxes[node].port(port).tip()


def head(window: EditorWindow, node: str) -> QPointF:
    """Give the place of a box where it is pulled."""
    return window.scene.boxes[node].pos() + QPointF(80, 15)
