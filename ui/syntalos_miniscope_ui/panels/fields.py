"""One knob: the widget that suits a field of a settings class, as its JSON schema tells it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, Protocol

import tomli_w
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

UNITS: Mapping[str, str] = {
    "us": "µs", "ms": "ms", "s": "s", "hz": "Hz", "fps": "fps",
    "nm": "nm", "um": "µm", "mm": "mm", "px": "px", "deg": "°", "percent": "%",
    "mw": "mW", "e": "e⁻", "adu": "ADU", "db": "dB", "mm3": "/mm³", "um3": "/µm³",
    "gib": "GiB", "mib": "MiB",
}  # fmt: skip
"""The units that stand last in the name of a field, as a person writes them."""
SHORT: Mapping[str, str] = {
    "dff": "dF/F",
    "ewl": "EWL",
    "fps": "fps",
    "led": "LED",
    "lut": "LUT",
    "roi": "ROI",
}
"""Words of names that are not spelled like words."""
FAR = 1e12


class Knob(Protocol):
    """What a form needs of a widget: it holds a value and says when a person changed it."""

    changed: Any
    """Signal(): a person moved it."""
    settled: Any
    """Signal(): a person let it go."""

    def value(self) -> Any:
        """Give what it holds; ValueError if that is not a value."""
        ...

    def show_value(self, value: Any) -> None:
        """Hold another value, without saying so."""
        ...


def unit_of(name: str) -> str:
    """Give the unit that a field's name ends in, as a person writes it; empty if none."""
    return UNITS.get(name.rsplit("_", 1)[-1], "") if "_" in name else ""


def label_of(name: str, schema: Mapping[str, Any]) -> str:
    """Give what a person calls a field: its title, or its name without the unit."""
    automatic = name.replace("_", " ").title()
    title = str(schema.get("title", automatic))
    if title != automatic:
        return title
    words = name.split("_")[: -1 if unit_of(name) else None]
    plain = " ".join(SHORT.get(word, word) for word in words)
    return plain[:1].upper() + plain[1:] if words[0] not in SHORT else plain


def knob_for(name: str, schema: Mapping[str, Any]) -> QWidget:
    """Give a widget, which is a Knob, for a field with this schema (references resolved)."""
    options = schema.get("anyOf", [])
    if len(options) == 2 and {"type": "null"} in options:
        inner = next(option for option in options if option != {"type": "null"})
        return OptionalKnob(knob_for(name, {**schema, **inner, "anyOf": []}))
    kind = schema.get("type")
    if "enum" in schema:
        return ChoiceKnob(schema["enum"])
    if kind == "boolean":
        return SwitchKnob()
    if kind == "integer" or kind == "number":
        return NumberKnob(name, schema, whole=kind == "integer")
    if kind == "string" and schema.get("format") in ("path", "file-path", "directory-path"):
        return PathKnob()
    if kind == "string":
        return TextKnob()
    return TomlKnob()


class NumberKnob(QWidget):
    """A number: a spin box, and a slider beside it where both bounds are near."""

    changed = Signal()
    settled = Signal()

    def __init__(self, name: str, schema: Mapping[str, Any], *, whole: bool) -> None:
        super().__init__()
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        self._box = QSpinBox() if whole else QDoubleSpinBox()
        span = FAR if low is None or high is None else float(high) - float(low)
        if isinstance(self._box, QDoubleSpinBox):
            self._box.setDecimals(4 if span <= 2 else 3 if span <= 20 else 2)
            tiny = 10.0 ** -self._box.decimals()
            above = tiny if "exclusiveMinimum" in schema else 0.0
            below = tiny if "exclusiveMaximum" in schema else 0.0
            self._box.setRange(
                -FAR if low is None else float(low) + above,
                FAR if high is None else float(high) - below,
            )
            self._box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        else:
            biggest = 2**31 - 1
            above, below = int("exclusiveMinimum" in schema), int("exclusiveMaximum" in schema)
            self._box.setRange(
                -biggest if low is None else max(int(low) + above, -biggest),
                biggest if high is None else min(int(high) - below, biggest),
            )
        unit = unit_of(name)
        self._box.setSuffix(f" {unit}" if unit else "")
        self._box.setKeyboardTracking(False)
        self._box.setMinimumWidth(84)
        self._slider = QSlider(Qt.Orientation.Horizontal) if span <= 1000 else None
        row = _row(self)
        if self._slider is not None:
            self._steps = max(int(span) if whole else 200, 1)
            self._slider.setRange(0, self._steps)
            self._slider.setMinimumWidth(50)
            self._slider.valueChanged.connect(self._slid)
            self._slider.sliderReleased.connect(self.settled)
            row.addWidget(self._slider, 1)
        row.addWidget(self._box, 0 if self._slider else 1)
        self._box.valueChanged.connect(self._typed)
        self._box.editingFinished.connect(self.settled)
        self.setFocusProxy(self._box)

    def value(self) -> float:
        """Give the number."""
        return self._box.value()

    def show_value(self, value: Any) -> None:
        """Show a number."""
        with QSignalBlocker(self._box):
            self._set(value)
        self._follow()

    def _set(self, value: float) -> None:
        if isinstance(self._box, QDoubleSpinBox):
            self._box.setValue(float(value))
        else:
            self._box.setValue(int(value))

    def _slid(self, step: int) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        with QSignalBlocker(self._box):
            self._set(low + (high - low) * step / self._steps)
        self.changed.emit()

    def _typed(self) -> None:
        self._follow()
        self.changed.emit()

    def _follow(self) -> None:
        if self._slider is not None:
            low, high = self._box.minimum(), self._box.maximum()
            with QSignalBlocker(self._slider):
                self._slider.setValue(round((self._box.value() - low) / (high - low) * self._steps))


class SwitchKnob(QCheckBox):
    """Yes or no."""

    changed = Signal()
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.toggled.connect(self.changed)
        self.toggled.connect(self.settled)

    def value(self) -> bool:
        """Give whether it is on."""
        return self.isChecked()

    def show_value(self, value: Any) -> None:
        """Show yes or no."""
        with QSignalBlocker(self):
            self.setChecked(bool(value))


class ChoiceKnob(QComboBox):
    """One of a few words."""

    changed = Signal()
    settled = Signal()

    def __init__(self, choices: list[Any]) -> None:
        super().__init__()
        for choice in choices:
            self.addItem(str(choice).replace("_", " "), choice)
        self.currentIndexChanged.connect(self.changed)
        self.currentIndexChanged.connect(self.settled)

    def value(self) -> Any:
        """Give the choice."""
        return self.currentData()

    def show_value(self, value: Any) -> None:
        """Show a choice."""
        with QSignalBlocker(self):
            self.setCurrentIndex(max(self.findData(value), 0))


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
        row = _row(self)
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
    """A knob that may be left out."""

    changed = Signal()
    settled = Signal()

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self._inner = inner
        self._on = QCheckBox()
        self._on.setToolTip("Set, rather than left out")
        row = _row(self)
        row.addWidget(self._on)
        row.addWidget(inner, 1)
        self._on.toggled.connect(inner.setEnabled)
        for signal, onto in (
            (self._on.toggled, self.changed),
            (self._on.toggled, self.settled),
            (inner.changed, self.changed),
            (inner.settled, self.settled),
        ):
            signal.connect(onto)
        inner.setEnabled(False)

    def value(self) -> Any:
        """Give the value, or None if it is left out."""
        return self._inner.value() if self._on.isChecked() else None

    def show_value(self, value: Any) -> None:
        """Show a value, or that there is none."""
        with QSignalBlocker(self._on):
            self._on.setChecked(value is not None)
        self._inner.setEnabled(value is not None)
        if value is not None:
            self._inner.show_value(value)


def _row(widget: QWidget) -> QHBoxLayout:
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    return row
