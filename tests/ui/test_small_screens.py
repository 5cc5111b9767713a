"""A window on the screen that there is."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from syntalos_miniscope_ui.layout import size_first
from syntalos_miniscope_ui.window import EditorWindow


def all_in_sight(window: EditorWindow) -> bool:
    seen = window.view.mapToScene(window.view.viewport().rect()).boundingRect()
    return all(seen.contains(box.sceneBoundingRect()) for box in window.scene.boxes.values())


def test_a_window_is_never_larger_than_its_screen(qtbot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    room = window.screen().availableSize()
    size_first(window, 2 * room.width(), 300)
    assert window.width() < room.width()
    assert window.height() == 300


def test_the_whole_graph_stays_in_sight_when_its_room_changes(window, until) -> None:
    window.view.fit()
    for size in (QSize(900, 560), QSize(1400, 800), QSize(820, 700)):
        window.resize(size)
        until(lambda: all_in_sight(window))


def test_a_graph_that_was_zoomed_by_hand_stays_as_it_was_put(window, until) -> None:
    window.view.fit()
    window.view.setFocus()
    QTest.keyClick(window.view, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    scale = window.view.transform().m11()
    before = window.view.viewport().width()
    window.resize(820, 560)
    until(lambda: window.view.viewport().width() != before)
    assert window.view.transform().m11() == scale


def test_views_that_would_be_higher_than_the_screen_lie_on_tabs(window, run_until) -> None:
    room = window.screen().availableSize().height()
    window.ask_run(record=False)
    run_until(window, "running")
    assert window.minimumSizeHint().height() <= room
    assert {end[0] for end in window.views.docks} == {"canvas", "plot", "rows"}
