"""The canvas: what is drawn of a graph, zoom and pan."""

import pytest
from hands import press, tip
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest


def test_the_scene_draws_every_box_and_wire(window, document) -> None:
    assert set(window.scene.boxes) == {"camera", "recorder", "canvas", "plot", "rows"}
    assert set(window.scene.wires) == {wire.target for wire in document.project.wires}


def test_wires_follow_a_box_that_moves(window) -> None:
    wire = window.scene.wires["plot.signal-in"]
    before = wire._path.currentPosition()
    window.scene.boxes["plot"].setPos(500, 500)
    assert wire._path.currentPosition() != before
    assert wire._path.currentPosition() == tip(window, "plot", "signal-in")


def test_zoom_by_wheel_keys_and_fit(window, qtbot) -> None:
    view = window.view
    view.resetTransform()
    view.zoom(1.25)
    assert view.transform().m11() == pytest.approx(1.25)
    for _ in range(50):
        view.zoom(2)
    assert view.transform().m11() == pytest.approx(3.0)
    for _ in range(50):
        view.zoom(0.5)
    assert view.transform().m11() == pytest.approx(0.2)
    press(window, Qt.Key.Key_Home)
    seen = view.mapToScene(view.viewport().rect()).boundingRect()
    assert all(seen.contains(b.sceneBoundingRect().center()) for b in window.scene.boxes.values())


def test_the_middle_button_pans(window) -> None:
    view = window.view
    before = view.mapToScene(0, 0)
    port = view.viewport()
    QTest.mousePress(port, Qt.MouseButton.MiddleButton, pos=QPoint(100, 100))
    QTest.mouseMove(port, QPoint(60, 80))
    QTest.mouseRelease(port, Qt.MouseButton.MiddleButton, pos=QPoint(60, 80))
    moved = view.mapToScene(0, 0) - before
    assert moved.x() > 0
    assert moved.y() > 0


def test_a_drop_on_a_wire_is_red_with_its_count(window) -> None:
    wire = window.scene.wires["canvas.frames-in"]
    wire.show_load(19.6, 0, alarm=False)
    assert (wire.label.text, wire.label.alarm) == ("19.6/s", False)
    wire.show_load(19.6, 1204, alarm=True)
    assert (wire.label.text, wire.label.alarm) == ("19.6/s · 1,204 dropped", True)
    wire.show_load(19.6, 1204, alarm=False)
    assert (wire.label.text, wire.label.alarm) == ("19.6/s · 1,204 dropped", False)
    wire.show_load(None, 0, alarm=False)
    assert not wire.label.isVisible()


@pytest.mark.parametrize("mode", ["light", "dark", "system"])
def test_the_canvas_is_drawn_in_every_mode(window, mode) -> None:
    window.set_mode(mode)
    assert set(window.scene.boxes) == {"camera", "recorder", "canvas", "plot", "rows"}
    picture = window.view.grab().toImage()
    corner = picture.pixelColor(3, 3).name().upper()
    assert corner in (window.theme.canvas, window.theme.grid)
