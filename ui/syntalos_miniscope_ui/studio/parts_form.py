"""The knobs of a Spec, a group for each part of the scope, the tissue and the light's way."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pydantic import BaseModel
from PySide6.QtWidgets import QGroupBox, QLabel, QScrollArea, QVBoxLayout, QWidget

from syntalos_miniscope_ui.panels.settings_form import SettingsForm
from syntalos_miniscope_ui.studio.model import Studio

TITLES = {
    "lens": "Optics",
    "image_sensor": "Image sensor",
    "tissue": "Tissue",
    "acquisition": "Focus",
    "place_neurons": "Cells",
    "cell_activity": "Activity",
    "brain_motion": "Brain motion",
    "illumination_profile": "Illumination",
    "leakage": "Stray light",
}
LEAVE_OUT = {"kind", "layers", "populations", "positions_um", "trajectory_um"}
"""Lists that are written in the JSON of a Spec rather than turned."""
ELSEWHERE = {"acquisition": {"optics", "image_sensor", "tissue", "fps", "duration_s"}}


class PartsForm(QScrollArea):
    """Groups of knobs over a Studio; what does not fit the whole is said below its group."""

    def __init__(self, studio: Studio, wanted: Callable[[str], bool]) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self._studio = studio
        self._wanted = wanted
        self.forms: dict[str, SettingsForm] = {}
        self._troubles: dict[str, QLabel] = {}
        self._fill()

    def refresh(self) -> None:
        """Show what the studio has now; other parts make other groups."""
        parts = self._parts()
        if list(parts) != list(self.forms):
            self._fill()
            return
        for name, part in parts.items():
            self.forms[name].show_settings(part)

    def _parts(self) -> dict[str, BaseModel]:
        return {
            name: part
            for name, part in self._studio.parts().items()
            if self._wanted(name) and set(type(part).model_fields) - _left_out(name)
        }

    def _fill(self) -> None:
        page = QWidget()
        layout = QVBoxLayout(page)
        self.forms, self._troubles = {}, {}
        for name, part in self._parts().items():
            layout.addWidget(self._group(name, part, _left_out(name)))
        layout.addStretch(1)
        self.setWidget(page)
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(page.minimumSizeHint().width() + bar + 2)

    def _group(self, name: str, part: BaseModel, leave_out: Collection[str]) -> QGroupBox:
        form = SettingsForm(part, leave_out=leave_out)
        form.edited.connect(lambda value, _field: self._change(name, value))
        trouble = QLabel()
        trouble.setWordWrap(True)
        trouble.setStyleSheet("color: #E0524D")
        trouble.setContentsMargins(10, 0, 8, 6)
        trouble.hide()
        self.forms[name], self._troubles[name] = form, trouble
        group = QGroupBox(TITLES.get(name, name.replace("_", " ").capitalize()))
        inside = QVBoxLayout(group)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(form)
        inside.addWidget(trouble)
        return group

    def _change(self, name: str, value: BaseModel) -> None:
        trouble = self._troubles[name]
        try:
            self._studio.change(name, value)
            trouble.hide()
        except ValueError as error:
            trouble.setText(str(error))
            trouble.show()


def _left_out(name: str) -> set[str]:
    return LEAVE_OUT | ELSEWHERE.get(name, set())
