"""The panel of a scope, of glass or of numbers: light, focus, gain, rate, then what is shown."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QGroupBox, QLabel, QPushButton, QVBoxLayout, QWidget

from syntalos_miniscope.display import DisplaySettings
from syntalos_miniscope.miniscope.device_types import device_type
from syntalos_miniscope.node import Settings
from syntalos_miniscope.scope import EWL_STEP_UM, ScopeSettings
from syntalos_miniscope_ui.panels.rig_row import RigRow
from syntalos_miniscope_ui.panels.settings_form import SettingsForm

SCOPE, DISPLAY = tuple(ScopeSettings.model_fields), tuple(DisplaySettings.model_fields)
DEVICE = ("device", "device_type", "transport", "video_devices")


class ScopePanel(QWidget):
    """Groups of knobs over one settings object: scope, picture, source, and the rig's name."""

    edited = Signal(object, str)
    settled = Signal()
    sweep_asked = Signal()
    studio_asked = Signal()

    def __init__(self, settings: ScopeSettings) -> None:
        super().__init__()
        names = tuple(type(settings).model_fields)
        first = [name for name in DEVICE if name in names]
        groups = {
            "Device": first,
            "Scope": [name for name in names if name in SCOPE],
            "Display frames": [name for name in names if name in DISPLAY],
            "Source": [name for name in names if name not in (*first, *SCOPE, *DISPLAY)],
        }
        self._forms: dict[str, SettingsForm] = {}
        self._focus = QLabel()
        self._focus.setEnabled(False)
        self._focus.setContentsMargins(10, 0, 0, 0)
        self.sweep = QPushButton("Sweep the focus…")
        self.sweep.setToolTip("During a run: find where the picture is sharpest, keep the planes")
        self.sweep.clicked.connect(self.sweep_asked)
        self.sweep.setEnabled(False)
        self.rig = RigRow(settings)
        self.rig.recalled.connect(self._recalled)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for title, fields in groups.items():
            if fields:
                layout.addWidget(self._group(title, fields, settings))
        if "spec_file" in names:
            studio = QPushButton("Tune in the studio…")
            studio.setToolTip("See and change every knob of the brain and of the scope")
            studio.clicked.connect(self.studio_asked)
            layout.addWidget(studio)
        layout.addWidget(self.rig)
        self._show_focus(settings)

    def show_settings(self, settings: Settings) -> None:
        """Show other values, as after an undo."""
        for form in self._forms.values():
            form.show_settings(settings)
        self.rig.settings = settings
        self._show_focus(settings)

    def lock(self, running: bool) -> None:
        """Fix what may not change during a run."""
        for form in self._forms.values():
            form.lock(running)
        self.rig.lock(running)
        self.sweep.setEnabled(running)

    def knob(self, name: str) -> Any:
        """Give the widget of a field."""
        return next(form for form in self._forms.values() if form.has(name)).knob(name)

    def _group(self, title: str, fields: list[str], settings: ScopeSettings) -> QGroupBox:
        others = [name for name in type(settings).model_fields if name not in fields]
        own = {"frame_rate_hz": RateKnob()} if "frame_rate_hz" in fields else {}
        form = SettingsForm(settings, leave_out=others, own_knobs=own)
        form.edited.connect(self._edited)
        form.settled.connect(self.settled)
        self._forms[title] = form
        group = QGroupBox(title)
        inside = QVBoxLayout(group)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(form)
        if title == "Scope":
            inside.addWidget(self._focus)
            inside.addWidget(self.sweep)
            inside.setContentsMargins(0, 0, 0, 8)
        return group

    def _edited(self, settings: Settings, field: str) -> None:
        self.show_settings(settings)
        self.edited.emit(settings, field)

    def _recalled(self, settings: Settings) -> None:
        self._edited(settings, "")
        self.settled.emit()

    def _show_focus(self, settings: Settings) -> None:
        assert isinstance(settings, ScopeSettings)
        self._focus.setText(f"Focus shifted by {settings.ewl * EWL_STEP_UM:+.0f} µm (nominal)")


class RateKnob(QComboBox):
    """A frame rate: one that the V4 has, or another that is typed."""

    changed = Signal()
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        for rate_hz in device_type("Miniscope_V4_BNO").choices["frameRate"].shown:
            self.addItem(f"{rate_hz:g} Hz")
        line = self.lineEdit()
        assert line is not None
        self._line = line
        self.activated.connect(self._picked)
        line.editingFinished.connect(self._picked)

    def value(self) -> float:
        """Give the rate; ValueError if it is no number."""
        text = self._line.text().casefold().removesuffix("hz").strip()
        try:
            return float(text)
        except ValueError as error:
            raise ValueError(f"'{text}' is no frame rate") from error

    def show_value(self, value: Any) -> None:
        """Show a rate."""
        with QSignalBlocker(self):
            self.setEditText(f"{float(value):g} Hz")

    def _picked(self) -> None:
        self.changed.emit()
        self.settled.emit()
