"""Knobs that are turned: numbers, switches, choices; and how a field is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QSlider,
    QSpinBox,
    QWidget,
)

UNITS: Mapping[str, str] = {
    "us": "µs", "ms": "ms", "s": "s", "hz": "Hz", "fps": "fps",
    "nm": "nm", "um": "µm", "mm": "mm", "px": "px", "deg": "°", "percent": "%",
    "mw": "mW", "e": "e⁻", "adu": "ADU", "db": "dB", "mm3": "mm³", "um3": "µm³",
    "gib": "GiB", "mib": "MiB",
}  # fmt: skip
"""The units that stand last in the name of a field, as a person writes them."""
SHORT: Mapping[str, str] = {
    "dff": "dF/F",
    "ewl": "EWL",
    "fps": "fps",
    "led": "LED",
    "lut": "LUT",
    "mfp": "mean free path",
    "na": "NA",
    "cv": "CV",
    "px": "pixels",
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
    return _parted(name)[1]


def label_of(name: str, schema: Mapping[str, Any]) -> str:
    """Give what a person calls a field: its title, or its name without the unit."""
    automatic = name.replace("_", " ").title()
    title = str(schema.get("title", automatic))
    if title != automatic:
        return title
    words = _parted(name)[0]
    plain = " ".join(SHORT.get(word, word) for word in words)
    return plain[:1].upper() + plain[1:] if words[0] not in SHORT else plain


def _parted(name: str) -> tuple[list[str], str]:
    """Give the words of a name, and its unit: `gain_adu_per_e` is a gain in ADU/e⁻."""
    words = name.split("_")
    if len(words) > 2 and words[-2] == "per" and words[-1] in UNITS:
        above = UNITS.get(words[-3], "") if len(words) > 3 else ""
        return words[: -3 if above else -2], f"{above}/{UNITS[words[-1]]}"
    if len(words) > 1 and words[-1] in UNITS:
        return words[:-1], UNITS[words[-1]]
    return words, ""


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
        row = knob_row(self)
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


def knob_row(widget: QWidget) -> QHBoxLayout:
    """Give a widget a row without margins."""
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    return row
