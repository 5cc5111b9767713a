"""The knobs of a Spec, a group for each part of the scope, the tissue and the light's way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

from pydantic import BaseModel
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QGroupBox, QLabel, QScrollArea, QVBoxLayout, QWidget

from syntalos_miniscope.simulation.steps import (
    BrainMotion,
    NeuronPopulation,
    Vasculature,
    VesselLayer,
)
from syntalos_miniscope_ui.panels.settings_form import SettingsForm
from syntalos_miniscope_ui.studio.model import EXTRAS, OPTIONAL, Studio
from syntalos_miniscope_ui.studio.part_list import PartList
from syntalos_miniscope_ui.studio.point_table import POSITIONS, SHIFTS
from syntalos_miniscope_ui.studio.points_knob import PointsKnob

TITLES = {
    "lens": "Optics",
    "image_sensor": "Image sensor",
    "tissue": "Tissue",
    "acquisition": "Focus",
    "place_neurons": "Cells",
    "cell_activity": "Activity",
    "vasculature": "Vessels",
    "brain_motion": "Brain motion",
    "illumination_profile": "Illumination",
    "leakage": "Stray light",
    "z_drift": "Drift in depth",
    "warp": "Tissue that is not rigid",
    "faults": "Faults of the cable",
    "extras": "Indicator and exposure",
}
LEAVE_OUT = {
    "acquisition": {"optics", "image_sensor", "tissue", "fps", "duration_s"},
    "vasculature": {"enabled", "layers"},
    "extras": set(EXTRAS),
}
"""Fields with a place of their own."""


class PartsForm(QScrollArea):
    """Groups of knobs over a Studio; what does not fit the whole is said below its group."""

    def __init__(
        self, studio: Studio, wanted: Callable[[str], bool], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self._studio = studio
        self._wanted = wanted
        self.groups: dict[str, QGroupBox] = {}
        self.forms: dict[str, SettingsForm] = {}
        self.lists: dict[str, PartList] = {}
        self._troubles: dict[str, QLabel] = {}
        self._fill()

    def refresh(self) -> None:
        """Show what the studio has now; other parts make other groups."""
        parts = self._parts()
        if list(parts) != list(self.groups):
            self._fill()
            return
        for name, part in parts.items():
            self._troubles[name].hide()
            self._show_whether_on(name)
            if name in self.forms:
                self.forms[name].show_settings(part)
                self.forms[name].grey(_idle_fields(part))
            if name in self.lists:
                self.lists[name].show_parts(self._listed(part))

    def _parts(self) -> dict[str, BaseModel]:
        return {
            name: part
            for name, part in self._studio.parts().items()
            if self._wanted(name) and set(type(part).model_fields) - {"kind"}
        }

    def _listed(self, part: BaseModel) -> list[VesselLayer] | list[NeuronPopulation]:
        return part.layers if isinstance(part, Vasculature) else self._studio.populations()

    def _fill(self) -> None:
        page = QWidget()
        layout = QVBoxLayout(page)
        self.setWidget(page)
        self.groups, self.forms, self.lists, self._troubles = {}, {}, {}, {}
        for name, part in self._parts().items():
            if name == next(iter(EXTRAS)):
                layout.addWidget(QLabel("Beyond what minisim has:"))
            layout.addWidget(self._group(name, part))
        layout.addStretch(1)
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(page.minimumSizeHint().width() + bar + 2)
        self.refresh()

    def _group(self, name: str, part: BaseModel) -> QGroupBox:
        group = QGroupBox(TITLES.get(name, name.replace("_", " ").capitalize()))
        inside = QVBoxLayout(group)
        inside.setContentsMargins(0, 0, 0, 0)
        if name == "place_neurons":
            inside.addWidget(self._list_of_populations())
        elif name == "vasculature":
            inside.addWidget(self._list_of_layers())
        else:
            inside.addWidget(self._form(name, part))
        if name in OPTIONAL:
            group.setCheckable(True)
            group.setToolTip("Whether the recording has it at all")
            group.toggled.connect(lambda on: self._try(name, partial(self._studio.turn, name, on)))
        trouble = QLabel()
        trouble.setWordWrap(True)
        trouble.setObjectName("trouble")
        trouble.setContentsMargins(10, 0, 8, 6)
        trouble.hide()
        inside.addWidget(trouble)
        self.groups[name], self._troubles[name] = group, trouble
        return group

    def _form(self, name: str, part: BaseModel) -> SettingsForm:
        leave_out: Collection[str] = LEAVE_OUT.get(name, set()) | {"kind"}
        knobs: Mapping[str, QWidget] = (
            {"trajectory_um": PointsKnob(SHIFTS, "by the model")} if name == "brain_motion" else {}
        )
        form = self.forms[name] = SettingsForm(part, leave_out=leave_out, own_knobs=knobs)
        form.edited.connect(
            lambda value, _field: self._try(name, partial(self._studio.change, name, value))
        )
        return form

    def _list_of_populations(self) -> PartList:
        knobs = {"positions_um": PointsKnob(POSITIONS, "at random")}
        populations = self.lists["place_neurons"] = PartList(
            NeuronPopulation(), _population_words, least=1, idle=_idle_fields, own_knobs=knobs
        )
        populations.edited.connect(
            lambda parts: self._try("place_neurons", partial(self._studio.place, parts))
        )
        return populations

    def _list_of_layers(self) -> PartList:
        layers = self.lists["vasculature"] = PartList(VesselLayer(), _layer_words)
        layers.edited.connect(self._layers_edited)
        return layers

    def _layers_edited(self, layers: list[VesselLayer]) -> None:
        value = self._studio.parts()["vasculature"].model_copy(update={"layers": layers})
        self._try("vasculature", partial(self._studio.change, "vasculature", value))

    def _try(self, name: str, change: Callable[[], None]) -> None:
        trouble = self._troubles[name]
        trouble.hide()
        try:
            change()
        except ValueError as error:
            trouble.setText(str(error))
            trouble.show()
            self._show_whether_on(name)

    def _show_whether_on(self, name: str) -> None:
        group = self.groups[name]
        if group.isCheckable():
            with QSignalBlocker(group):
                group.setChecked(self._studio.has(name))


def _population_words(population: NeuronPopulation) -> str:
    shallow, deep = population.depth_range_um
    if population.positions_um is not None:
        return f"{len(population.positions_um):,} given, {population.morphology}"
    return (
        f"{population.density_per_mm3:,.0f}/mm³, {shallow:g}–{deep:g} µm, {population.morphology}"
    )


def _idle_fields(part: BaseModel) -> set[str]:
    idle: set[str] = set()
    if isinstance(part, BrainMotion) and part.trajectory_um is not None:
        idle |= set(BrainMotion.model_fields) - {"trajectory_um"}
    if isinstance(part, NeuronPopulation):
        if part.positions_um is not None:
            idle |= {"density_per_mm3", "depth_range_um", "min_distance_um"}
        if part.morphology == "soma":
            idle |= {"dendrite_length_um", "dendrite_width_um"}
    return idle


def _layer_words(layer: VesselLayer) -> str:
    roots = "1 root" if layer.n_roots == 1 else f"{layer.n_roots} roots"
    return f"{layer.depth_um:g} µm deep, {roots} of {layer.root_radius_um:g} µm"
