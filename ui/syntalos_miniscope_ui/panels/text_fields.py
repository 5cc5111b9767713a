"""Knobs that are typed: text, paths, whatever is TOML, and those that may be left out."""

from __future__ import annotations

import tomllib
from typing import Any

import tomli_w
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QLabel, QLineEdit, QToolButton, QWidget

from syntalos_miniscope_ui.panels.fields import knob_row


class TextKnob(QLineEdit):
    """A line of text."""

    changed = Signal()
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.editingFinished.connect(self.changed)
        self.editingFinished.connect(self.settled)

    def value(self) -> Any:
        """Give the text."""
        return self.text()

    def show_value(self, value: Any) -> None:
        """Show a text."""
        self.setText("" if value is None else str(value))


class TomlKnob(TextKnob):
    """Whatever has no widget of its own, written as in a project file."""

    def value(self) -> Any:
        """Give the value; ValueError if it is not TOML."""
        try:
            return tomllib.loads(f"value = {self.text()}")["value"]
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"not a value: {error}") from error

    def show_value(self, value: Any) -> None:
        """Show a value."""
        text = tomli_w.dumps({"value": value}, multiline_strings=False)
        self.setText(" ".join(text.removeprefix("value = ").split()))


class PathKnob(QWidget):
    """A file or a folder: typed, or picked."""

    changed = Signal()
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._line = TextKnob()
        self._line.changed.connect(self.changed)
        self._line.settled.connect(self.settled)
        self._line.textChanged.connect(self._line.setToolTip)  # mostly longer than the line
        row = knob_row(self)
        row.addWidget(self._line, 1)
        for text, tip, pick in (
            ("File", "Pick a file", self._pick_file),
            ("Folder", "Pick a folder", self._pick_folder),
        ):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.clicked.connect(pick)
            row.addWidget(button)
        self.setFocusProxy(self._line)

    def value(self) -> str:
        """Give the path as text."""
        return self._line.text()

    def show_value(self, value: Any) -> None:
        """Show a path; no path is shown as nothing."""
        self._line.show_value("" if value is None or str(value) == "." else value)

    def _pick_file(self) -> None:
        self._take(QFileDialog.getOpenFileName(self, "Pick a file", self.value())[0])

    def _pick_folder(self) -> None:
        self._take(QFileDialog.getExistingDirectory(self, "Pick a folder", self.value()))

    def _take(self, path: str) -> None:
        if path:
            self._line.setText(path)
            self.changed.emit()
            self.settled.emit()


class OptionalKnob(QWidget):
    """A knob that may be left out; `absent` is what stands for that, such as None or "auto"."""

    changed = Signal()
    settled = Signal()

    def __init__(self, inner: Any, absent: str | None = None) -> None:
        super().__init__()
        self._inner = inner
        self._absent = absent
        self._on = QCheckBox()
        self._on.setToolTip(f"Set, rather than {absent or 'left out'}")
        self._word = QLabel(absent or "none")
        self._word.setEnabled(False)
        row = knob_row(self)
        row.addWidget(self._on)
        row.addWidget(inner, 1)
        row.addWidget(self._word, 1)
        self._on.toggled.connect(self._show_inner)
        for signal, onto in (
            (self._on.toggled, self.changed),
            (self._on.toggled, self.settled),
            (inner.changed, self.changed),
            (inner.settled, self.settled),
        ):
            signal.connect(onto)
        self.show_value(absent)

    def value(self) -> Any:
        """Give the value, or what stands for none."""
        return self._inner.value() if self._on.isChecked() else self._absent

    def show_value(self, value: Any) -> None:
        """Show a value, or that there is none."""
        with QSignalBlocker(self._on):
            self._on.setChecked(value != self._absent)
        self._show_inner()
        if value != self._absent:
            self._inner.show_value(value)

    def _show_inner(self) -> None:
        self._inner.setVisible(self._on.isChecked())
        self._word.setVisible(not self._on.isChecked())
