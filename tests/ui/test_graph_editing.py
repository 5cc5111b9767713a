"""The canvas by mouse and by keyboard."""

from hands import at, head, press, pull, tip
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.search import Entry, SearchList, SearchPopup


def popup() -> SearchPopup:
    widget = QApplication.activePopupWidget()
    assert isinstance(widget, SearchPopup)
    return widget


def sources(document: Document) -> dict[str, str]:
    return {wire.target: wire.source for wire in document.project.wires}


def test_a_wire_pulled_to_a_fitting_port_connects(window, document) -> None:
    document.remove((), ["canvas.frames-in"])
    pull(window, tip(window, "camera", "frames-raw-out"), tip(window, "canvas", "frames-in"))
    assert sources(document)["canvas.frames-in"] == "camera.frames-raw-out"


def test_a_wire_may_be_pulled_from_the_input_too(window, document) -> None:
    document.remove((), ["canvas.frames-in"])
    pull(window, tip(window, "canvas", "frames-in"), tip(window, "camera", "frames-raw-out"))
    assert sources(document)["canvas.frames-in"] == "camera.frames-raw-out"


def test_a_wire_pulled_to_a_misfit_says_why_and_changes_nothing(window, document) -> None:
    before = document.project
    start, end = tip(window, "camera", "signal-out"), tip(window, "canvas", "frames-in")
    pull(window, start, end, let_go=False)
    hint = window.scene._hint
    assert hint.isVisible()
    assert hint.text == "Signal gives signals, Frames takes frames"
    QTest.mouseRelease(window.view.viewport(), Qt.MouseButton.LeftButton, pos=at(window, end))
    assert not hint.isVisible()
    assert document.project == before
    assert "Signal gives signals" in window.statusBar().currentMessage()


def test_ports_that_fit_light_up_while_a_wire_is_pulled(window) -> None:
    start = tip(window, "camera", "frames-raw-out")
    pull(window, start, start + QPointF(40, 200), let_go=False)
    boxes = window.scene.boxes
    assert boxes["canvas"].port("frames-in").lit
    assert boxes["plot"].port("signal-in").dimmed
    assert boxes["camera"].port("rows-out").dimmed
    window.scene.cancel_wire()
    assert not boxes["canvas"].port("frames-in").lit
    assert not boxes["plot"].port("signal-in").dimmed


def test_the_end_of_a_wire_pulled_off_disconnects(window, document) -> None:
    start = tip(window, "canvas", "frames-in")
    pull(window, start, start + QPointF(-60, 120))
    assert "canvas.frames-in" not in sources(document)


def test_the_end_of_a_wire_can_be_moved_to_another_input(window, document) -> None:
    blur = document.add("blur", (640, 0))
    window.view.fit()
    pull(window, tip(window, "canvas", "frames-in"), tip(window, blur, "frames-in"))
    assert sources(document)["blur.frames-in"] == "camera.frames-disp-out"
    assert "canvas.frames-in" not in sources(document)
    document.undo()
    assert sources(document)["canvas.frames-in"] == "camera.frames-disp-out"


def test_a_wire_let_go_over_nothing_offers_boxes_that_fit(window, document, qtbot) -> None:
    start = tip(window, "camera", "rows-out")
    pull(window, start, start + QPointF(90, 260))
    assert popup().search.shown() == ["Rows"]
    QTest.keyClick(popup().search.line, Qt.Key.Key_Return)
    assert sources(document)["rows_2.rows-in"] == "camera.rows-out"


def test_a_box_pulled_moves_on_the_grid_and_back_by_undo(window, document) -> None:
    pull(window, head(window, "plot"), head(window, "plot") + QPointF(45, 50))
    assert document.project.box("plot").position == (368, 368)
    document.undo()
    assert document.project.box("plot").position == (320, 320)
    assert window.scene.boxes["plot"].pos() == QPointF(320, 320)


def test_delete_removes_the_selection_and_undo_brings_it_back(window, document) -> None:
    before = document.project
    window.scene.select(["canvas", "plot"])
    press(window, Qt.Key.Key_Delete)
    assert set(window.scene.boxes) == {"camera", "recorder", "rows"}
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert document.project == before
    assert set(window.scene.wires) == {wire.target for wire in before.wires}


def test_a_selected_wire_is_removed_alone(window, document) -> None:
    window.scene.clearSelection()
    window.scene.wires["plot.signal-in"].setSelected(True)
    press(window, Qt.Key.Key_Delete)
    assert "plot.signal-in" not in sources(document)
    assert len(document.project.nodes) == 5


def test_copy_and_paste_by_keys(window, document) -> None:
    window.scene.select(["camera", "canvas"])
    press(window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    press(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert sorted(window.scene.selected_boxes()) == ["camera_2", "canvas_2"]
    assert sources(document)["canvas_2.frames-in"] == "camera_2.frames-disp-out"


def test_cut_and_duplicate_by_keys(window, document) -> None:
    window.scene.select(["plot"])
    press(window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert window.scene.selected_boxes() == ["plot_2"]
    press(window, Qt.Key.Key_X, Qt.KeyboardModifier.ControlModifier)
    assert "plot_2" not in window.scene.boxes
    assert "plot_2" in QGuiApplication.clipboard().text()


def test_a_clipboard_without_boxes_is_refused_in_words(window, document) -> None:
    QGuiApplication.clipboard().setText("lorem")
    press(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert window.statusBar().currentMessage() == "The clipboard holds no boxes"


def test_arrows_move_the_selection(window, document) -> None:
    window.scene.select(["plot"])
    press(window, Qt.Key.Key_Right)
    press(window, Qt.Key.Key_Down)
    assert document.project.box("plot").position == (336, 336)
    document.undo()
    assert document.project.box("plot").position == (320, 320)


def test_tab_walks_over_the_boxes(window) -> None:
    seen: list[str] = []
    for _ in range(5):
        press(window, Qt.Key.Key_Tab)
        seen += window.scene.selected_boxes()
    assert sorted(seen) == sorted(window.scene.boxes)
    press(window, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert window.scene.selected_boxes() == [seen[-2]]


def test_select_all_and_align_by_keys(window, document) -> None:
    document.move({"plot": (352, 320)})
    window.scene.select(["plot", "rows"])
    press(window, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert document.project.box("plot").position[0] == 320
    press(window, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert len(window.scene.selected_boxes()) == 5


def test_tidy_leaves_no_box_on_another(window, document) -> None:
    document.move(dict.fromkeys(window.scene.boxes, (0.0, 0.0)))
    press(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    rects = [box.sceneBoundingRect() for box in window.scene.boxes.values()]
    assert not any(a.intersects(b) for n, a in enumerate(rects) for b in rects[n + 1 :])


def test_a_box_is_added_by_typing(window, document) -> None:
    press(window, Qt.Key.Key_A)
    QTest.keyClicks(popup().search.line, "blu")
    assert popup().search.shown() == ["Blur"]
    QTest.keyClick(popup().search.line, Qt.Key.Key_Return)
    assert document.project.nodes[-1].type == "blur"
    assert window.scene.selected_boxes() == ["blur"]


def test_a_new_box_covers_no_other(window) -> None:
    for _ in range(8):
        window.finder.add_in_view("blur")
    rects = [box.sceneBoundingRect() for box in window.scene.boxes.values()]
    assert not any(a.intersects(b) for n, a in enumerate(rects) for b in rects[n + 1 :])


def test_a_wire_is_drawn_by_typing(window, document) -> None:
    document.remove((), ["canvas.frames-in"])
    window.scene.select(["canvas"])
    press(window, Qt.Key.Key_W)
    QTest.keyClicks(popup().search.line, "raw canvas")
    QTest.keyClick(popup().search.line, Qt.Key.Key_Return)
    assert sources(document)["canvas.frames-in"] == "camera.frames-raw-out"


def test_a_wire_is_taken_off_by_typing(window, document) -> None:
    window.scene.select(["canvas"])
    press(window, Qt.Key.Key_W)
    QTest.keyClicks(popup().search.line, "take off")
    QTest.keyClick(popup().search.line, Qt.Key.Key_Return)
    assert "canvas.frames-in" not in sources(document)
    document.undo()
    assert "canvas.frames-in" in sources(document)


def test_escape_closes_the_search_and_adds_nothing(window, document) -> None:
    before = document.project
    press(window, Qt.Key.Key_A)
    QTest.keyClick(popup(), Qt.Key.Key_Escape)
    assert document.project == before


def test_a_search_prefers_what_is_called_so(qtbot) -> None:
    found = SearchList([Entry("Signals", 1, "writes a table"), Entry("Table", 2)], "Find")
    qtbot.addWidget(found)
    found.line.setText("table")
    assert found.shown() == ["Signals", "Table"]
    assert found.list.currentItem().text() == "Table"
