"""The knob of given points: from a file, from the clipboard, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from syntalos_miniscope_ui.studio.point_table import Point, PointTable


class PointsKnob(QWidget):
    """Points of a Spec, or None, which `without` says in words.

    What cannot be read is said by `value`, which a form shows in red.
    """

    changed = Signal()
    settled = Signal()

    def __init__(self, table: PointTable, without: str) -> None:
        super().__init__()
        self._table = table
        self._without = without
        self._points: list[Point] | None = None
        self._trouble = ""
        self.word = QLabel()
        what = table.noun.capitalize()
        self.load = self._button("Load…", f"{what} from a CSV file: {table.row}")
        self.load.clicked.connect(self._pick)
        self.paste = self._button("Paste", f"{what} from the clipboard: {table.row}")
        self.paste.clicked.connect(self._paste)
        self.clear = self._button("Clear", f"Back to {table.noun} {without}")
        self.clear.clicked.connect(lambda: self._take(None))
        row = QHBoxLayout()
        for button in (self.load, self.paste, self.clear):
            row.addWidget(button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.word)
        layout.addLayout(row)
        self.setFocusProxy(self.load)
        self.show_value(None)

    def value(self) -> list[Point] | None:
        """Give the points; ValueError if the last table that was offered is none."""
        if self._trouble:
            raise ValueError(self._trouble)
        return self._points

    def show_value(self, value: Any) -> None:
        """Show how many points are given."""
        self._points, self._trouble = value, ""
        self.clear.setEnabled(value is not None)
        self.word.setText(self._without if value is None else f"{len(value):,} given")

    def load_file(self, file: Path) -> None:
        """Take the points from a CSV file."""
        self._read(lambda: self._table.load(file))

    def _paste(self) -> None:
        self._read(lambda: self._table.read(QGuiApplication.clipboard().text()))

    def _pick(self) -> None:
        title = self._table.noun.capitalize()
        name, _ = QFileDialog.getOpenFileName(self, title, "", "CSV (*.csv *.txt)")
        if name:
            self.load_file(Path(name))

    def _read(self, source: Callable[[], list[Point]]) -> None:
        try:
            self._take(source())
        except ValueError as error:
            self._trouble = str(error)
            self.changed.emit()
            self._trouble = ""

    def _take(self, points: Sequence[Point] | None) -> None:
        self.show_value(points)
        self.changed.emit()
        self.settled.emit()

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        return button
