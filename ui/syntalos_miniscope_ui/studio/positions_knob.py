"""The knob of given positions: from a file, from the clipboard, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from syntalos_miniscope_ui.studio.positions import (
    COLUMNS,
    Position,
    load_positions,
    read_positions,
)

WHAT = f"a table of {', '.join(COLUMNS)}"


class PositionsKnob(QWidget):
    """Centres (z, y, x) of a population; None is drawn at random by its density.

    What cannot be read is said by `value`, which a form shows in red.
    """

    changed = Signal()
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._positions: list[Position] | None = None
        self._trouble = ""
        self.word = QLabel()
        self.load = self._button("Load…", f"Take the centres from a CSV file: {WHAT}")
        self.load.clicked.connect(self._pick)
        self.paste = self._button("Paste", f"Take the centres from the clipboard: {WHAT}")
        self.paste.clicked.connect(self._paste)
        self.clear = self._button("Clear", "Draw the centres at random again")
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

    def value(self) -> list[Position] | None:
        """Give the centres; ValueError if the last table that was offered is none."""
        if self._trouble:
            raise ValueError(self._trouble)
        return self._positions

    def show_value(self, value: Any) -> None:
        """Show how many centres are given."""
        self._positions, self._trouble = value, ""
        self.clear.setEnabled(value is not None)
        self.word.setText("at random" if value is None else f"{len(value):,} given")

    def load_file(self, file: Path) -> None:
        """Take the centres from a CSV file."""
        self._read(lambda: load_positions(file))

    def _paste(self) -> None:
        self._read(lambda: read_positions(QGuiApplication.clipboard().text()))

    def _pick(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Centres of cells", "", "CSV (*.csv *.txt)")
        if name:
            self.load_file(Path(name))

    def _read(self, source: Callable[[], list[Position]]) -> None:
        try:
            self._take(source())
        except ValueError as error:
            self._trouble = str(error)
            self.changed.emit()
            self._trouble = ""

    def _take(self, positions: Sequence[Position] | None) -> None:
        self.show_value(positions)
        self.changed.emit()
        self.settled.emit()

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        return button
