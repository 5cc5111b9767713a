"""Which panel suits a settings class."""

from __future__ import annotations

from syntalos_miniscope.node import Settings
from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope_ui.panels.scope_panel import ScopePanel
from syntalos_miniscope_ui.panels.settings_form import SettingsForm


def panel_for(settings: Settings) -> SettingsForm | ScopePanel:
    """Make the panel of a box: the scope panel for whatever has a scope's knobs."""
    return ScopePanel(settings) if isinstance(settings, ScopeSettings) else SettingsForm(settings)
