"""Choosing a crop and reviewing cells: first without a window, then with one."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtWidgets import QApplication, QDialog

from syntalos_miniscope.analysis.extraction import Evaluation, Extraction
from syntalos_miniscope.analysis.pipeline.preprocessing import crop_window
from syntalos_miniscope.analysis.rois import Rois
from syntalos_miniscope_ui.analysis import choose_crop, review_components
from syntalos_miniscope_ui.analysis.crop_frame import LEAST_SIDE_PX, CropFrame
from syntalos_miniscope_ui.analysis.crop_window import CropWindow
from syntalos_miniscope_ui.analysis.review import Review, outline
from syntalos_miniscope_ui.analysis.review_window import ReviewWindow

IMAGE = np.random.default_rng(0).normal(40, 5, (120, 200)).astype(np.float32)
PLACES = ((30, 40), (30, 120), (90, 40), (90, 120))


@pytest.fixture
def found() -> Extraction:
    y, x = np.mgrid[:120, :200]
    footprints = [np.exp(-((y - row) ** 2 + (x - col) ** 2) / 32) for row, col in PLACES]
    a = np.array(footprints, np.float32)
    a[a < 0.02] = 0
    traces = np.random.default_rng(1).random((4, 300)).astype(np.float32)
    return Extraction(Rois.of(a).footprints, traces, traces, traces, "built-in")


@pytest.fixture
def figures() -> Evaluation:
    return Evaluation(np.array([9.0, 7, 4, 3]), np.array([0.99, 0.9, 0.8, 0.5]), np.ones(4, bool))


# The crop, without a window

points = st.floats(-300, 500, allow_nan=False)


@given(points, points, points, points)
def test_whatever_is_drawn_lies_in_the_picture_and_can_be_analysed(x0, y0, x1, y1):
    frame = CropFrame.whole(200, 120).drawn(x0, y0, x1, y1)
    top, bottom, left, right = crop_window(frame.coords, (120, 200))
    assert bottom - top >= LEAST_SIDE_PX
    assert right - left >= LEAST_SIDE_PX
    assert frame.with_coords(frame.coords) == frame


def test_corners_are_counted_from_the_bottom_left():
    frame = CropFrame.whole(200, 120).drawn(20, 10, 150, 70)
    assert frame.coords == (20, 50, 150, 110)
    assert crop_window(frame.coords, (120, 200)) == (10, 70, 20, 150)


def test_a_frame_is_moved_as_far_as_there_is_room_and_keeps_its_size():
    frame = CropFrame.whole(200, 120).drawn(20, 10, 150, 70)
    moved = frame.moved(-500, 500)
    assert (moved.left, moved.bottom) == (0, 120)
    assert (moved.right - moved.left, moved.bottom - moved.top) == (130, 60)
    assert frame.grown(500, -500).right == 200
    assert frame.grown(500, -500).bottom == 10 + LEAST_SIDE_PX


# The crop, in its window


@pytest.fixture
def crop(qtbot) -> CropWindow:
    window = CropWindow(IMAGE)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


def test_dragging_draws_the_frame_and_shows_its_corners(crop):
    crop.picture.dragged.emit(QPointF(150, 70), QPointF(20, 10), True)
    assert crop.frame.coords == (20, 50, 150, 110)
    assert [corner.value() for corner in crop.corners] == [20, 50, 150, 110]
    assert crop.size_label.text() == "130 × 60 of 200 × 120 px"


def test_numbers_that_are_typed_draw_the_frame(crop):
    crop.corners[0].setValue(40)
    crop.corners[3].setValue(100)
    assert crop.frame.coords == (40, 0, 200, 100)


def test_arrows_move_the_frame_and_with_ctrl_change_its_size(crop, qtbot):
    crop.take(crop.frame.drawn(20, 10, 150, 70))
    qtbot.keyClick(crop, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(crop, Qt.Key.Key_Up)
    assert crop.frame.coords == (30, 51, 160, 111)
    qtbot.keyClick(crop, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert crop.frame.coords == (30, 51, 159, 111)


def test_pulling_the_edge_of_the_rectangle_changes_the_numbers(crop):
    crop._roi.setSize((100, 60))
    assert crop.frame.coords == (0, 60, 100, 120)


def while_it_is_open(kind: type, act: Callable) -> None:
    """Do something to a window as soon as it is there."""
    timer = QTimer(QApplication.instance())

    def look() -> None:
        for window in QApplication.topLevelWidgets():
            if isinstance(window, kind) and window.isVisible():
                timer.stop()
                act(window)
                window.deleteLater()
                return

    timer.timeout.connect(look)
    timer.start(10)


def draw_and(end: str) -> Callable:
    def act(window: CropWindow) -> None:
        window.take(window.frame.drawn(20, 10, 150, 70))
        getattr(window, end)()

    return act


def test_choosing_gives_the_corners_and_cancelling_gives_none(qapp):
    while_it_is_open(CropWindow, draw_and("accept"))
    assert choose_crop(IMAGE) == (20, 50, 150, 110)
    while_it_is_open(CropWindow, draw_and("reject"))
    assert choose_crop(IMAGE) is None
    while_it_is_open(CropWindow, QDialog.accept)
    assert choose_crop(IMAGE) is None  # all of it


# The review, without a window


def test_deciding_goes_on_to_the_next_cell(found):
    review = Review(found)
    review.decide(False)
    review.decide(True)
    assert review.accepted.tolist() == [False, True, True, True]
    assert review.current == 2


def test_undo_takes_back_changes_in_turn_and_looks_at_their_cells(found):
    review = Review(found)
    review.decide(False)
    review.decide(True)  # changes nothing
    review.decide(False)
    assert review.accepted.tolist() == [False, True, False, True]
    review.undo()
    assert (review.current, review.accepted.tolist()) == (2, [False, True, True, True])
    review.undo()
    assert (review.current, review.accepted.all()) == (0, True)
    assert not review.can_undo
    review.undo()
    assert review.current == 0


def test_hidden_cells_are_passed_over(found):
    review = Review(found)
    review.decide(False)
    review.filter(accepted=False, rejected=True)
    assert (review.current, review.shown.tolist()) == (0, [True, False, False, False])
    review.decide(True)
    assert review.current == -1  # no rejected one is left
    assert review.describe() == "No cell is shown"
    review.decide(False)
    assert review.accepted.all()
    review.filter(accepted=True, rejected=True)
    assert review.current == 0
    review.step(-1)
    assert review.current == 3


def test_pointing_finds_the_cell_that_is_there(found, figures):
    review = Review(found, figures)
    review.look_at(121.5, 88.0)
    assert review.current == 3
    review.look_at(80, 60)  # between the cells
    review.look_at(-5, 500)
    assert review.current == 3
    assert review.describe() == "Cell 4 of 4   ·   SNR 3.0   ·   r 0.50   ·   accepted"


def test_outlines_run_round_the_cells(found):
    for (row, column), line in zip(PLACES, Review(found).outlines, strict=True):
        middle = line.mean(axis=0)
        assert middle == pytest.approx((column + 0.5, row + 0.5), abs=0.3)
        away = np.hypot(*(line - middle).T)
        # A Gaussian of standard deviation 4 falls to 0.3 at 6.2 px.
        assert away == pytest.approx(6.2, abs=0.5)


def test_outlines_close_at_the_edge_and_of_nothing_are_nothing():
    corner = np.zeros((40, 40), np.float32)
    corner[:4, :4] = 1
    line = outline(corner)
    assert line.min() >= -1
    assert line.max() == pytest.approx(4, abs=0.5)
    assert len(outline(np.zeros((40, 40)))) == 0


def test_no_cells_at_all_are_reviewed_in_peace(found):
    review = Review(found.kept(np.zeros(4, bool)))
    review.decide(False)
    review.step(1)
    review.look_at(5, 5)
    review.undo()
    review.filter(accepted=True, rejected=False)
    assert review.current == -1


# The review, in its window


@pytest.fixture
def window(qtbot, found, figures) -> ReviewWindow:
    window = ReviewWindow(Review(found, figures), IMAGE)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


def test_keys_accept_reject_step_and_undo(window, qtbot):
    window.activateWindow()
    for key in (Qt.Key.Key_R, Qt.Key.Key_Right, Qt.Key.Key_R, Qt.Key.Key_Left, Qt.Key.Key_A):
        qtbot.keyClick(window, key)
    assert window.review.accepted.tolist() == [False, True, True, True]
    assert window.review.current == 3
    qtbot.keyClick(window, Qt.Key.Key_U)
    assert window.review.accepted.tolist() == [False, True, False, True]
    assert window.shows_accepted.text() == "Accepted (2)"
    assert window.shows_rejected.text() == "Rejected (2)"
    assert "rejected" in window.line.text()


def test_a_click_on_the_picture_shows_that_cell_and_its_trace(window, found):
    window.picture.clicked.emit(QPointF(120.5, 30.5))
    assert window.review.current == 1
    assert "SNR 7.0" in window.line.text()
    assert window._raw.getData()[1] == pytest.approx(found.raw_traces[1])


def test_filters_hide_outlines(window):
    window.reject_cell()
    window.shows_rejected.setChecked(False)
    assert [item.isVisible() for item in window._items] == [False, True, True, True]
    window.shows_accepted.setChecked(False)
    assert not any(item.isVisible() for item in window._items)
    assert window.review.describe() == "No cell is shown"


def test_reviewing_gives_what_was_decided_even_if_the_window_is_closed(qapp, found):
    def reject_two(window: ReviewWindow) -> None:
        window.reject_cell()
        window.reject_cell()
        window.close()

    while_it_is_open(ReviewWindow, reject_two)
    kept = review_components(found, IMAGE)
    assert kept.tolist() == [False, False, True, True]
    while_it_is_open(ReviewWindow, QDialog.accept)
    assert review_components(found, IMAGE).all()
