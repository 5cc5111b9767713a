"""The right button on the canvas."""

from hands import at
from PySide6.QtCore import QPointF
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from syntalos_miniscope_ui.window import EditorWindow


def right_click(window: EditorWindow, place: QPointF) -> dict[str, QAction]:
    """Give the lines of the menu that opens."""
    view = window.view
    spot = at(window, place)
    reason = QContextMenuEvent.Reason.Mouse
    where = view.viewport().mapToGlobal(spot)
    QApplication.sendEvent(view.viewport(), QContextMenuEvent(reason, spot, where))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    lines = {action.text().replace("&", ""): action for action in menu.actions()}
    menu.close()
    return lines


def test_a_box_is_selected_and_removed_by_its_menu(window, document) -> None:
    lines = right_click(window, window.scene.boxes["plot"].pos() + QPointF(80, 15))
    assert window.scene.selected_boxes() == ["plot"]
    assert {"Settings", "Rename", "Duplicate"} <= set(lines)
    lines["Remove"].trigger()
    assert "plot" not in document.graph.nodes


def test_a_menu_on_a_selection_is_for_all_of_it(window) -> None:
    window.scene.select(["plot", "canvas"])
    right_click(window, window.scene.boxes["plot"].pos() + QPointF(80, 15))
    assert set(window.scene.selected_boxes()) == {"plot", "canvas"}


def test_a_wire_is_taken_off_by_its_menu(window, document) -> None:
    wire = window.scene.wires["canvas.frames-in"]
    lines = right_click(window, wire._path.pointAtPercent(0.3))
    assert "Look at what flows" in lines
    lines["Remove"].trigger()
    assert "canvas.frames-in" not in window.scene.wires
    assert "canvas" in document.graph.nodes


def test_the_empty_canvas_offers_a_box(window) -> None:
    window.scene.clearSelection()
    lines = right_click(window, QPointF(-100, -60))
    assert {"Add box…", "Paste", "Fit"} <= set(lines)
    assert window.scene.selected_boxes() == []
