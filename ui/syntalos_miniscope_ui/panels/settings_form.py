"""The knobs of any box, made from its settings class: units, bounds, help, reset."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from syntalos_miniscope_ui.panels.fields import label_of
from syntalos_miniscope_ui.panels.knobs import knob_for


class SettingsForm(QWidget):
    """A form over some fields of a settings object.

    `edited` carries whole, validated settings and the name of the field; what does not fit is
    shown in red below its knob and goes nowhere.
    """

    edited = Signal(object, str)
    settled = Signal()

    def __init__(
        self,
        settings: BaseModel,
        leave_out: Collection[str] = (),
        own_knobs: Mapping[str, QWidget] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self._settings = settings
        fields = fields_of(type(settings))
        self._live = {name for name, part in fields.items() if part.get("live")}
        self._rows: dict[str, _Row] = {}
        layout = QFormLayout(self)
        layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for name, part in fields.items():
            if name not in leave_out:
                self._add(layout, name, part, own_knobs.get(name))
        self.show_settings(settings)

    def show_settings(self, settings: BaseModel) -> None:
        """Show other values, as after an undo."""
        self._settings = settings
        values = settings.model_dump(mode="json")
        defaults = {
            name: f.get_default(call_default_factory=True, validated_data={})
            for name, f in type(settings).model_fields.items()
        }
        for name, row in self._rows.items():
            row.show_value(values[name], getattr(settings, name) != defaults[name])

    def lock(self, running: bool) -> None:
        """Fix what may not change during a run."""
        for name, row in self._rows.items():
            fixed = running and name not in self._live
            row.fix("Fixed while the run is on" if fixed else "")

    def grey(self, names: Collection[str]) -> None:
        """Fix the fields that have no effect now, and only those."""
        for name, row in self._rows.items():
            row.fix("Without effect now" if name in names else "")

    def has(self, name: str) -> bool:
        """Whether a field has a knob here."""
        return name in self._rows

    def knob(self, name: str) -> Any:
        """Give the widget of a field."""
        return self._rows[name].knob

    def trouble(self, name: str) -> str:
        """Give what is wrong with a field; empty if nothing is."""
        return self._rows[name].trouble.text()

    def _add(
        self, layout: QFormLayout, name: str, schema: Mapping[str, Any], own: QWidget | None
    ) -> None:
        row = _Row(name, schema, own or knob_for(name, schema))
        self._rows[name] = row
        row.knob.changed.connect(lambda: self._take(name))
        row.knob.settled.connect(self.settled)
        row.reset.clicked.connect(lambda: self._reset(name))
        label = QLabel(label_of(name, schema))
        label.setToolTip(row.help)
        label.setBuddy(row.knob)
        layout.addRow(label, row)
        layout.addRow(row.trouble)

    def _take(self, name: str) -> None:
        row = self._rows[name]
        try:
            self._set(name, row.knob.value())
        except ValidationError as error:
            row.complain(error.errors()[0]["msg"])
        except ValueError as error:
            row.complain(str(error))

    def _reset(self, name: str) -> None:
        field = type(self._settings).model_fields[name]
        self._set(name, field.get_default(call_default_factory=True, validated_data={}))
        self.settled.emit()
        self.show_settings(self._settings)

    def _set(self, name: str, value: Any) -> None:
        values = {**self._settings.model_dump(), name: value}
        settings = type(self._settings).model_validate(values)
        self._rows[name].complain("")
        if settings != self._settings:
            self._settings = settings
            field = type(settings).model_fields[name]
            default = field.get_default(call_default_factory=True, validated_data={})
            self._rows[name].mark(getattr(settings, name) != default)
            self.edited.emit(settings, name)


class _CalmWheel(QObject):
    """Keeps a knob from turning when a person only scrolls the panel past it."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() is QEvent.Type.Wheel and isinstance(watched, QWidget):
            if not watched.hasFocus():
                event.ignore()
                return True
        return False


class _Row(QWidget):
    """A knob, the button that resets it, and the line that says what is wrong."""

    def __init__(self, name: str, schema: Mapping[str, Any], knob: QWidget) -> None:
        super().__init__()
        self.knob: Any = knob
        self.help = str(schema.get("description", ""))
        self.knob.setToolTip(self.help)
        for widget in filter(None, (self.knob, self.knob.focusProxy())):
            widget.setAccessibleName(label_of(name, schema))
        calm = _CalmWheel(self)
        for widget in (self.knob, *self.knob.findChildren(QWidget)):
            if isinstance(widget, (QAbstractSpinBox, QComboBox, QSlider)):
                widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                widget.installEventFilter(calm)
        self.reset = QToolButton()
        self.reset.setText("↺")
        self.reset.setToolTip("Back to the default")
        self.reset.setAutoRaise(True)
        keep = self.reset.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(keep)
        self.trouble = QLabel()
        self.trouble.setWordWrap(True)
        self.trouble.setObjectName("trouble")
        self.trouble.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.knob, 1)
        row.addWidget(self.reset)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_value(self, value: Any, changed: bool) -> None:
        self.knob.show_value(value)
        self.complain("")
        self.mark(changed)

    def mark(self, changed: bool) -> None:
        self.reset.setVisible(changed)

    def complain(self, text: str) -> None:
        self.trouble.setText(text)
        self.trouble.setVisible(bool(text))

    def fix(self, why: str) -> None:
        """Let it not be turned, for a reason; let it be turned if there is none."""
        self.knob.setEnabled(not why)
        self.reset.setEnabled(not why)
        self.knob.setToolTip(f"{self.help}\n{why}".strip())


@cache
def fields_of(settings: type[BaseModel]) -> Mapping[str, Mapping[str, Any]]:
    """Give the schema of every field of a settings class, its own first, references filled in.

    Pydantic takes some ms for it, and the panels of a scope ask again and again.
    """
    schema = settings.model_json_schema()
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    parts: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    bases = (base for base in settings.__bases__ if issubclass(base, BaseModel))
    inherited = {name for base in bases for name in base.model_fields}
    order = sorted(parts, key=lambda name: name in inherited)
    return {name: resolved(parts[name], definitions) for name in order}


def resolved(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Give a schema with its references filled in."""
    if "$ref" in part:
        target = definitions[str(part["$ref"]).rsplit("/", 1)[-1]]
        part = {**target, **{name: value for name, value in part.items() if name != "$ref"}}
    if "anyOf" in part:
        options = [resolved(option, definitions) for option in part["anyOf"]]
        part = {**part, "anyOf": options}
    return dict(part)
