"""The window in which a person accepts and rejects the cells that were found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence, QPainterPath, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QGraphicsPathItem,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from syntalos_miniscope.analysis.extraction import Evaluation, Extraction
from syntalos_miniscope_ui.analysis.asking import ask
from syntalos_miniscope_ui.analysis.review import Review
from syntalos_miniscope_ui.analysis.still_picture import StillPicture
from syntalos_miniscope_ui.layout import size_first
from syntalos_miniscope_ui.viewers.dress import dress_plot

ACCEPTED, REJECTED, CURRENT = "#53C272", "#E0524D", "#FFD447"
"""Seen on the dark surround of a picture, in every theme."""

CALCIUM, SPIKES = "#4F9BE0", "#E5A93B"
"""Told apart on light and on dark."""


def review_components(
    extraction: Extraction, image: NDArray[Any], evaluation: Evaluation | None = None
) -> NDArray[np.bool_]:
    """Let a person say which cells are kept, over a picture (H, W); gives (cell,).

    Closing the window keeps what was decided.
    """
    window = ask(lambda: ReviewWindow(Review(extraction, evaluation), image))
    return window.review.accepted


class ReviewWindow(QDialog):
    """Shows a review: outlines over the picture, and the trace of the cell that is looked at."""

    def __init__(self, review: Review, image: NDArray[Any]) -> None:
        super().__init__()
        self.review = review
        self.setWindowTitle("Review of cells")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        size_first(self, 1320, 760)
        self.picture = StillPicture(image)
        self.picture.clicked.connect(self._clicked)
        self._items = [self._outline(line) for line in review.outlines]
        split = QSplitter()
        split.addWidget(self.picture)
        split.addWidget(self._side())
        split.setSizes([700, 620])
        layout = QVBoxLayout(self)
        layout.addWidget(split, 1)
        layout.addWidget(self._hint())
        for key, act in {
            "A": self.accept_cell,
            "R": self.reject_cell,
            "U": self.undo,
            "Ctrl+Z": self.undo,
            "Right": lambda: self._step(1),
            "Down": lambda: self._step(1),
            "Left": lambda: self._step(-1),
            "Up": lambda: self._step(-1),
        }.items():
            QShortcut(QKeySequence(key), self).activated.connect(act)
        self._show()

    # What a person does

    def accept_cell(self) -> None:
        """Accept the cell that is looked at, and go on."""
        self.review.decide(True)
        self._show()

    def reject_cell(self) -> None:
        """Reject the cell that is looked at, and go on."""
        self.review.decide(False)
        self._show()

    def undo(self) -> None:
        """Take the last change back."""
        self.review.undo()
        self._show()

    def _step(self, by: int) -> None:
        self.review.step(by)
        self._show()

    def _clicked(self, at: QPointF) -> None:
        self.review.look_at(at.x(), at.y())
        self._show()

    def _filtered(self) -> None:
        self.review.filter(
            accepted=self.shows_accepted.isChecked(), rejected=self.shows_rejected.isChecked()
        )
        self._show()

    # Its parts

    def _outline(self, line: NDArray[np.float64]) -> QGraphicsPathItem:
        path = QPainterPath()
        if len(line):
            path.moveTo(*line[0])
            for corner in line[1:]:
                path.lineTo(*corner)
            path.closeSubpath()
        item = QGraphicsPathItem(path)
        self.picture.box.addItem(item, ignoreBounds=True)
        return item

    def _side(self) -> QWidget:
        side = QWidget()
        layout = QVBoxLayout(side)
        self.line = QLabel()
        font = self.line.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        self.line.setFont(font)
        layout.addWidget(self.line)
        self._trace = pg.PlotWidget(enableMenu=False)
        self._trace.setMouseEnabled(x=True, y=False)
        self._trace.setLabel("bottom", "frame")
        self._trace.setLabel("left", "light, counts")
        dress_plot(self._trace, self)
        legend = self._trace.addLegend(offset=(-8, 8), labelTextColor=self.palette().text().color())
        faint = self.palette().placeholderText().color()
        self._raw = self._trace.plot(pen=pg.mkPen(faint), name="raw")
        self._calcium = self._trace.plot(pen=pg.mkPen(CALCIUM, width=2), name="C")
        self._spikes = self._trace.plot(pen=pg.mkPen(SPIKES, width=1.5), name="S")
        legend.setColumnCount(3)
        layout.addWidget(self._trace, 1)
        layout.addLayout(self._buttons())
        return side

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.undo_button = QPushButton("Undo")
        for button, text, tip, act in (
            (QPushButton(), "Accept", "A", self.accept_cell),
            (QPushButton(), "Reject", "R", self.reject_cell),
            (self.undo_button, "Undo", "U or Ctrl+Z", self.undo),
        ):
            button.setText(text)
            button.setToolTip(f"Key {tip}")
            button.setAutoDefault(False)
            button.clicked.connect(act)
            row.addWidget(button)
        row.addStretch(1)
        self.shows_accepted, self.shows_rejected = QCheckBox(), QCheckBox()
        for box in (self.shows_accepted, self.shows_rejected):
            box.setChecked(True)
            box.toggled.connect(self._filtered)
            row.addWidget(box)
        row.addStretch(1)
        done = QPushButton("Done")
        done.setAutoDefault(False)
        done.clicked.connect(self.accept)
        row.addWidget(done)
        return row

    def _hint(self) -> QLabel:
        hint = QLabel(
            "Click a cell, or go from one to the next by the arrows. A accepts it and R rejects "
            "it, both go on to the next; U takes back. The wheel zooms, the right button moves."
        )
        hint.setWordWrap(True)
        hint.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        return hint

    def _show(self) -> None:
        review = self.review
        for k, (item, shown) in enumerate(zip(self._items, review.shown, strict=True)):
            current = k == review.current
            colour = CURRENT if current else ACCEPTED if review.accepted[k] else REJECTED
            accepted = bool(review.accepted[k])
            pen = pg.mkPen(colour, width=3 if current else 1.5 if accepted else 2.5)
            if not accepted:
                pen.setStyle(Qt.PenStyle.DashLine)
            item.setPen(pen)
            item.setZValue(2 if current else 1)
            item.setVisible(bool(shown) or current)
        count = int(review.accepted.sum())
        self.shows_accepted.setText(f"Accepted ({count})")
        self.shows_rejected.setText(f"Rejected ({len(review.accepted) - count})")
        self.undo_button.setEnabled(review.can_undo)
        self.line.setText(review.describe())
        self._draw_trace(review.current)

    def _draw_trace(self, at: int) -> None:
        found = self.review.extraction
        curves = (found.raw_traces, found.traces, found.spikes)
        for curve, values in zip((self._raw, self._calcium, self._spikes), curves, strict=True):
            curve.setData(values[at] if at >= 0 else np.zeros(0))
        self._trace.autoRange()
