"""Docks: floated, closed, found again the next time, and put back."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget

from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.window import EditorWindow

LEFT, BOTTOM = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea


def panel(window: EditorWindow, name: str) -> QDockWidget:
    dock = window.findChild(QDockWidget, name)
    assert isinstance(dock, QDockWidget)
    return dock


def run_once(window, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.running.stop()
    run_until(window, "idle")


def test_the_layout_is_found_again_by_the_next_window(
    window, catalog, settings, answers, document, run_until
) -> None:
    run_once(window, run_until)
    window.addDockWidget(BOTTOM, panel(window, "boxes"))
    window.addDockWidget(LEFT, window.views.docks["plot", "signal-in"])
    window.views.docks["rows", "rows-in"].setFloating(True)
    document.mark_saved()
    assert window.close()

    other = EditorWindow(catalog, settings, ask=answers)
    other.files.take(Document(catalog, document.project))
    other.show()
    run_once(other, run_until)
    assert other.dockWidgetArea(panel(other, "boxes")) is BOTTOM
    assert other.dockWidgetArea(other.views.docks["plot", "signal-in"]) is LEFT
    assert other.dockWidgetArea(other.views.docks["canvas", "frames-in"]) is RIGHT
    assert other.views.docks["rows", "rows-in"].isFloating()
    other.close()
    other.deleteLater()


def test_docks_are_put_back(window, run_until) -> None:
    run_once(window, run_until)
    window.addDockWidget(BOTTOM, panel(window, "settings"))
    window.views.docks["canvas", "frames-in"].setFloating(True)
    window.views.docks["plot", "signal-in"].close()
    window.actions_by_name["Put the docks back"].trigger()
    assert window.dockWidgetArea(panel(window, "settings")) is LEFT
    for dock in window.views.docks.values():
        assert not dock.isFloating()
        assert dock.isVisible()
        assert window.dockWidgetArea(dock) is RIGHT


def test_a_view_that_was_closed_is_opened_by_its_box(window, run_until) -> None:
    run_once(window, run_until)
    dock = window.views.docks["canvas", "frames-in"]
    dock.close()
    assert not dock.isVisible()
    window.scene.box_opened.emit("canvas")
    assert dock.isVisible()


def test_a_view_fills_the_screen_and_comes_back_by_key(window, run_until) -> None:
    QTest.keyClick(window, Qt.Key.Key_F11)  # there is no view yet
    run_once(window, run_until)
    QTest.keyClick(window, Qt.Key.Key_F11)
    dock = window.views.docks["canvas", "frames-in"]
    assert dock.isFloating()
    assert dock.size() == window.screen().availableGeometry().size()
    window.actions_by_name["View fills the screen"].trigger()
    assert not dock.isFloating()


def test_a_panel_that_holds_the_knobs_cannot_be_closed_away(window) -> None:
    for name in ("boxes", "settings", "log"):
        features = panel(window, name).features()
        assert not features & QDockWidget.DockWidgetFeature.DockWidgetClosable
