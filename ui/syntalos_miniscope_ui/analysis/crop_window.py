"""The window in which a person draws what part of the frames is analysed."""

from __future__ import annotations

from itertools import product
from typing import Any

import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainterPath
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGraphicsPathItem,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from syntalos_miniscope_ui.analysis.asking import ask
from syntalos_miniscope_ui.analysis.crop_frame import Coords, CropFrame
from syntalos_miniscope_ui.analysis.still_picture import StillPicture
from syntalos_miniscope_ui.layout import size_first

EDGE = "#F4B942"
"""Seen on dark and on bright pictures."""

ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


def choose_crop(image: NDArray[Any]) -> Coords | None:
    """Let a person draw a rectangle on a picture (H, W).

    Gives (x0, y0, x1, y1), y counted from the bottom; None if all of it is kept, or the window is
    cancelled.
    """
    window = ask(lambda: CropWindow(image))
    kept = window.result() == QDialog.DialogCode.Accepted and not window.frame.is_whole
    return window.frame.coords if kept else None


class CropWindow(QDialog):
    """Draws `frame` over the picture; dragging draws another."""

    def __init__(self, image: NDArray[Any]) -> None:
        super().__init__()
        height, width = image.shape
        self.frame = CropFrame.whole(width, height)
        self._begun: CropFrame | None = None
        self.setWindowTitle("Crop")
        size_first(self, 760, 820)
        self.picture = StillPicture(image)
        self.picture.dragged.connect(self._drag)
        self._shade = QGraphicsPathItem()
        self._shade.setPen(pg.mkPen(None))
        self._shade.setBrush(QColor(0, 0, 0, 150))
        self.picture.box.addItem(self._shade, ignoreBounds=True)
        edge, held = pg.mkPen(EDGE, width=2), pg.mkPen(EDGE, width=3)
        self._roi = pg.ROI(
            (0, 0),
            pg.Point(width, height),
            pen=edge,
            hoverPen=held,
            handlePen=edge,
            handleHoverPen=held,
            rotatable=False,
        )
        for x, y in product((0, 0.5, 1), (0, 0.5, 1)):
            if (x, y) != (0.5, 0.5):
                self._roi.addScaleHandle((x, y), (1 - x, 1 - y))
        self._roi.sigRegionChanged.connect(self._pulled)
        self.picture.box.addItem(self._roi, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.addWidget(self.picture, 1)
        layout.addLayout(self._numbers())
        hint = QLabel(
            "Drag over the picture, or pull the edges. Arrows move the frame, with Shift by 10, "
            "with Ctrl they change its size. Enter accepts, Esc cancels."
        )
        hint.setWordWrap(True)
        hint.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        layout.addWidget(hint)
        layout.addWidget(self._buttons())
        # The arrows are for the frame, not for the numbers, until one of these is clicked.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._show()
        self.setFocus()

    def take(self, frame: CropFrame) -> None:
        """Show another frame."""
        self.frame = frame
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move the frame, or change its size, by the arrows."""
        step = ARROWS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        held = event.modifiers()
        by = 10 if held & Qt.KeyboardModifier.ShiftModifier else 1
        dx, dy = step[0] * by, step[1] * by
        resizes = bool(held & Qt.KeyboardModifier.ControlModifier)
        self.take(self.frame.grown(dx, dy) if resizes else self.frame.moved(dx, dy))

    # Its parts

    def _numbers(self) -> QHBoxLayout:
        row, grid = QHBoxLayout(), QGridLayout()
        self.corners = [QSpinBox() for _ in range(4)]
        for place, (corner, name) in enumerate(
            zip(self.corners, ("x0", "y0", "x1", "y1"), strict=True)
        ):
            corner.setRange(0, self.frame.width if place % 2 == 0 else self.frame.height)
            corner.setSuffix(" px")
            corner.setKeyboardTracking(False)
            corner.setToolTip("From the left" if place % 2 == 0 else "From the bottom")
            corner.valueChanged.connect(self._typed)
            grid.addWidget(QLabel(name), 0, 2 * place)
            grid.addWidget(corner, 0, 2 * place + 1)
        self.size_label = QLabel()
        row.addLayout(grid)
        row.addStretch(1)
        row.addWidget(self.size_label)
        return row

    def _buttons(self) -> QWidget:
        button = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(button.Ok | button.Cancel)
        whole = buttons.addButton("Whole frame", QDialogButtonBox.ButtonRole.ResetRole)
        whole.clicked.connect(
            lambda: self.take(CropFrame.whole(self.frame.width, self.frame.height))
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        return buttons

    # What a person does

    def _drag(self, begin: QPointF, end: QPointF, done: bool) -> None:
        self.take(self.frame.drawn(begin.x(), begin.y(), end.x(), end.y()))

    def _pulled(self) -> None:
        at, size = self._roi.pos(), self._roi.size()
        frame = self.frame.drawn(at.x(), at.y(), at.x() + size.x(), at.y() + size.y())
        if frame != self.frame:
            self.take(frame)

    def _typed(self) -> None:
        x0, y0, x1, y1 = (corner.value() for corner in self.corners)
        self.take(self.frame.with_coords((x0, y0, x1, y1)))

    def _show(self) -> None:
        frame = self.frame
        self._roi.blockSignals(True)
        self._roi.setPos((frame.left, frame.top), update=False)
        self._roi.setSize((frame.right - frame.left, frame.bottom - frame.top))
        self._roi.blockSignals(False)
        cut_off = QPainterPath()
        cut_off.addRect(0, 0, frame.width, frame.height)
        cut_off.addRect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top)
        self._shade.setPath(cut_off)
        for corner, value in zip(self.corners, frame.coords, strict=True):
            corner.blockSignals(True)
            corner.setValue(value)
            corner.blockSignals(False)
        self.size_label.setText(
            f"{frame.right - frame.left} × {frame.bottom - frame.top} of "
            f"{frame.width} × {frame.height} px"
        )
