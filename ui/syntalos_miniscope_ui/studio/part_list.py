"""A list of like parts, such as layers of vessels: add, remove, reorder, turn the chosen one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from PySide6.QtCore import QSignalBlocker, QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QToolButton, QVBoxLayout, QWidget

from syntalos_miniscope_ui.panels.settings_form import SettingsForm

ROWS = 3
"""So many parts are seen without scrolling."""


class PartList(QWidget):
    """Parts of one kind, each a line in words; the knobs below are those of the chosen one.

    `edited` carries the whole list. At least `least` parts stay. `idle` gives the fields of a part
    that have no effect as it is.
    """

    edited = Signal(object)

    def __init__(
        self,
        new: BaseModel,
        words: Callable[[Any], str],
        *,
        least: int = 0,
        idle: Callable[[Any], Collection[str]] = lambda _part: (),
        own_knobs: Mapping[str, QWidget] | None = None,
    ) -> None:
        super().__init__()
        self._new = new
        self._words = words
        self._least = least
        self._idle = idle
        self.parts: list[BaseModel] = []
        self.names = QListWidget()
        self.names.setFixedHeight(ROWS * self.fontMetrics().height() + 4 * ROWS + 6)
        self.names.currentRowChanged.connect(self._chosen)
        self.form = SettingsForm(new, own_knobs=own_knobs or {})
        self.form.edited.connect(lambda part, _field: self._turned(part))
        self.add = _button("+", "Add one, with the default values", self._add)
        self.remove = _button("−", "Remove the chosen one", self._remove)
        self.up = _button("↑", "Move the chosen one up", lambda: self._move(-1))
        self.down = _button("↓", "Move the chosen one down", lambda: self._move(1))
        buttons = QVBoxLayout()
        buttons.setSpacing(2)
        for pair in ((self.add, self.remove), (self.up, self.down)):
            line = QHBoxLayout()
            line.setSpacing(2)
            for button in pair:
                line.addWidget(button)
            buttons.addLayout(line)
        buttons.addStretch(1)
        top = QHBoxLayout()
        top.setContentsMargins(9, 6, 9, 0)
        top.addWidget(self.names, 1)
        top.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.form)
        self.show_parts([])

    def show_parts(self, parts: Sequence[BaseModel]) -> None:
        """Show other parts; the same line stays chosen if it is still there."""
        chosen = max(self.names.currentRow(), 0)
        self.parts = list(parts)
        with QSignalBlocker(self.names):
            self.names.clear()
            self.names.addItems([f"{n}  {self._words(part)}" for n, part in enumerate(parts, 1)])
            self.names.setCurrentRow(min(chosen, len(self.parts) - 1))
        self._chosen()

    def _chosen(self) -> None:
        row, count = self.names.currentRow(), len(self.parts)
        self.form.setVisible(row >= 0)
        self.remove.setEnabled(count > self._least)
        self.up.setEnabled(row > 0)
        self.down.setEnabled(0 <= row < count - 1)
        if row >= 0:
            self.form.show_settings(self.parts[row])
            self.form.grey(self._idle(self.parts[row]))

    def _turned(self, part: BaseModel) -> None:
        row = self.names.currentRow()
        self._take([*self.parts[:row], part, *self.parts[row + 1 :]], row)

    def _add(self) -> None:
        self._take([*self.parts, self._new], len(self.parts))

    def _remove(self) -> None:
        row = self.names.currentRow()
        self._take([*self.parts[:row], *self.parts[row + 1 :]], row)

    def _move(self, by: int) -> None:
        row = self.names.currentRow()
        moved = list(self.parts)
        moved[row], moved[row + by] = moved[row + by], moved[row]
        self._take(moved, row + by)

    def _take(self, parts: list[BaseModel], row: int) -> None:
        self.show_parts(parts)
        self.names.setCurrentRow(min(row, len(parts) - 1))
        self.edited.emit(parts)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Be as wide as the knobs, even while there is no part to turn."""
        return super().sizeHint().expandedTo(QSize(self.form.sizeHint().width(), 0))


def _button(text: str, tip: str, do: Callable[[], object]) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.clicked.connect(lambda: do())
    return button
