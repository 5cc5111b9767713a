"""Knobs that are turned: numbers, switches, choices; and how a field is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any, Protocol

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QValidator
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
    "nm": "nm", "um": "µm", "mm": "mm", "cm": "cm", "px": "px", "deg": "°", "percent": "%",
    "mw": "mW", "e": "e⁻", "adu": "ADU", "db": "dB", "mm3": "mm³", "um3": "µm³",
    "gib": "GiB", "mib": "MiB", "mb": "MB",
}  # fmt: skip
"""The units that stand last in the name of a field, as a person writes them."""
SHORT: Mapping[str, str] = {
    "daq": "DAQ",
    "dff": "dF/F",
    "ewl": "EWL",
    "fps": "fps",
    "led": "LED",
    "lut": "LUT",
    "mfp": "mean free path",
    "na": "NA",
    "cv": "CV",
    "dsnu": "DSNU",
    "prnu": "PRNU",
    "px": "pixels",
    "roi": "ROI",
    "rois": "ROIs",
    "sd": "SD",
    "ttl": "TTL",
}
"""Words of names that are not spelled like words."""
FAR = 1e12
DECIMALS = 12
TINY = 10.0**-DECIMALS


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
    """Give the words of a name, and its unit.

    `gain_adu_per_e` is a gain in ADU/e⁻, `speed_cm_s` a speed in cm/s.
    """
    words = name.split("_")
    if len(words) > 2 and words[-2] == "per" and words[-1] in UNITS:
        above = UNITS.get(words[-3], "") if len(words) > 3 else ""
        return words[: -3 if above else -2], f"{above}/{UNITS[words[-1]]}"
    if len(words) > 2 and words[-1] == "s" and words[-2] in UNITS:
        return words[:-2], f"{UNITS[words[-2]]}/s"
    if len(words) > 1 and words[-1] in UNITS:
        return words[:-1], UNITS[words[-1]]
    return words, ""


class RealBox(QDoubleSpinBox):
    """Shows a real number as it was meant: 0.3 and 6.3e-06, not 0.300 and 0.00."""

    def __init__(self) -> None:
        super().__init__()
        self.setDecimals(DECIMALS)

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        """Give all digits that were meant, and no zeros that say nothing."""
        return f"{value:.9g}"

    def valueFromText(self, text: str) -> float:  # noqa: N802 - Qt's name
        """Read a number, with a point or a comma, with an exponent or not."""
        return float(self._bare(text))

    def validate(self, text: str, place: int) -> tuple[QValidator.State, str, int]:
        """Let a number be typed that may become one."""
        try:
            number = float(self._bare(text))
        except ValueError:
            plain = set(self._bare(text)) <= set("0123456789.eE+-")
            state = QValidator.State.Intermediate if plain else QValidator.State.Invalid
        else:
            within = self.minimum() <= number <= self.maximum()
            state = QValidator.State.Acceptable if within else QValidator.State.Intermediate
        return state, text, place

    def stepBy(self, steps: int) -> None:  # noqa: N802 - Qt's name
        """Step by a tenth of the leading digit."""
        value = self.value()
        size = 10.0 ** (floor(log10(abs(value))) - 1) if value else 0.01
        self.setValue(float(f"{value + steps * size:.9g}"))

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip().replace(",", ".")


class NumberKnob(QWidget):
    """A number: a spin box, and a slider beside it where both bounds are near."""

    changed = Signal()
    settled = Signal()

    def __init__(self, name: str, schema: Mapping[str, Any], *, whole: bool) -> None:
        super().__init__()
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        self._box = QSpinBox() if whole else RealBox()
        span = FAR if low is None or high is None else float(high) - float(low)
        if isinstance(self._box, QDoubleSpinBox):
            above = TINY if "exclusiveMinimum" in schema else 0.0
            below = TINY if "exclusiveMaximum" in schema else 0.0
            self._box.setRange(
                -FAR if low is None else float(low) + above,
                FAR if high is None else float(high) - below,
            )
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
            self._set(float(f"{low + (high - low) * step / self._steps:.4g}"))
        self.changed.emit()

    def _typed(self) -> None:
        self._follow()
        self.changed.emit()

    def _follow(self) -> None:
        if self._slider is not None:
            low, high = self._box.minimum(), self._box.maximum()
            with QSignalBlocker(self._slider):
                self._slider.setValue(round((self._box.value() - low) / (high - low) * self._steps))


class PairKnob(QWidget):
    """Two numbers that belong together, as from and to."""

    changed = Signal()
    settled = Signal()

    def __init__(self, name: str, parts: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        row = knob_row(self)
        self._knobs = [
            NumberKnob(name, part, whole=part.get("type") == "integer") for part in parts
        ]
        for knob in self._knobs:
            knob.changed.connect(self.changed)
            knob.settled.connect(self.settled)
            row.addWidget(knob, 1)
        self.setFocusProxy(self._knobs[0])

    def value(self) -> list[float]:
        """Give both numbers."""
        return [knob.value() for knob in self._knobs]

    def show_value(self, value: Any) -> None:
        """Show two numbers."""
        for knob, number in zip(self._knobs, value, strict=True):
            knob.show_value(number)


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
