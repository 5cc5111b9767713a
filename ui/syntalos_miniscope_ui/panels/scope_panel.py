"""The panel of a scope, of glass or of numbers: light, focus, gain, rate, then what is shown."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGroupBox, QLabel, QVBoxLayout, QWidget

from syntalos_miniscope.display import DisplaySettings
from syntalos_miniscope.node import Settings
from syntalos_miniscope.scope import EWL_STEP_UM, ScopeSettings
from syntalos_miniscope_ui.panels.settings_form import SettingsForm

SCOPE, DISPLAY = tuple(ScopeSettings.model_fields), tuple(DisplaySettings.model_fields)


class ScopePanel(QWidget):
    """Three groups of knobs over one settings object: the scope, its picture, and the rest."""

    edited = Signal(object, str)
    settled = Signal()

    def __init__(self, settings: ScopeSettings) -> None:
        super().__init__()
        names = tuple(type(settings).model_fields)
        groups = {
            "Scope": [name for name in names if name in SCOPE],
            "Display frames": [name for name in names if name in DISPLAY],
            "Source": [name for name in names if name not in SCOPE + DISPLAY],
        }
        self._forms: dict[str, SettingsForm] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self._focus = QLabel()
        self._focus.setEnabled(False)
        for title, fields in groups.items():
            if fields:
                layout.addWidget(self._group(title, fields, settings))
        self._show_focus(settings)

    def show_settings(self, settings: Settings) -> None:
        """Show other values, as after an undo."""
        for form in self._forms.values():
            form.show_settings(settings)
        self._show_focus(settings)

    def lock(self, running: bool) -> None:
        """Fix what may not change during a run."""
        for form in self._forms.values():
            form.lock(running)

    def knob(self, name: str) -> Any:
        """Give the widget of a field."""
        form = next(form for form in self._forms.values() if form.has(name))
        return form.knob(name)

    def _group(self, title: str, fields: list[str], settings: ScopeSettings) -> QGroupBox:
        others = [name for name in type(settings).model_fields if name not in fields]
        form = SettingsForm(settings, leave_out=others)
        form.edited.connect(self._edited)
        form.settled.connect(self.settled)
        self._forms[title] = form
        group = QGroupBox(title)
        inside = QVBoxLayout(group)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(form)
        if title == "Scope":
            self._focus.setContentsMargins(10, 0, 0, 6)
            inside.addWidget(self._focus)
        return group

    def _edited(self, settings: Settings, field: str) -> None:
        self.show_settings(settings)
        self.edited.emit(settings, field)

    def _show_focus(self, settings: Settings) -> None:
        assert isinstance(settings, ScopeSettings)
        self._focus.setText(f"Focus shifted by {settings.ewl * EWL_STEP_UM:+.0f} µm (nominal)")
