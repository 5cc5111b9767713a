"""The one configuration that all panels of the studio read and write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from syntalos_miniscope.simulation.extras import (
    Behaviour,
    Extras,
    Faults,
    PixelDefects,
    Rotation,
    Warp,
    ZDrift,
)
from syntalos_miniscope.simulation.presets import STUDIO_PRESETS, activity_preset, studio_spec
from syntalos_miniscope.simulation.spec import QUIET, Spec, first_fault
from syntalos_miniscope.simulation.steps import (
    PIPELINE_ORDER,
    Bleaching,
    BrainMotion,
    IlluminationProfile,
    Leakage,
    NeuronPopulation,
    Neuropil,
    PlaceNeurons,
    Vasculature,
    VesselLayer,
    Vignette,
)

SCOPE_PARTS = {"lens": "optics", "image_sensor": "image_sensor", "tissue": "tissue"}
"""Parts of `acquisition` with knobs of their own; `optics` is also the kind of a step."""
STEPS: Mapping[str, type[BaseModel]] = {
    "bleaching": Bleaching,
    "neuropil": Neuropil,
    "vasculature": Vasculature,
    "brain_motion": BrainMotion,
    "illumination_profile": IlluminationProfile,
    "vignette": Vignette,
    "leakage": Leakage,
}
"""Steps that a Spec may do without."""
EXTRAS: Mapping[str, type[BaseModel]] = {
    "behaviour": Behaviour,
    "rotation": Rotation,
    "z_drift": ZDrift,
    "warp": Warp,
    "pixel_defects": PixelDefects,
    "faults": Faults,
}
"""Effects that minisim has not, each off unless asked for."""
OPTIONAL = frozenset({*STEPS, *EXTRAS})


class Studio:
    """A Spec under tuning; `listeners` are called after every change.

    A part is named by `acquisition`, a part of it, the kind of a step, `extras` or a part of
    those. What is turned off keeps its values until the studio is closed.
    """

    def __init__(self, spec: Spec | None = None) -> None:
        self.spec = spec or studio_spec(STUDIO_PRESETS[1])
        self.saved = self.spec
        """The Spec as it was opened or saved last."""
        self.listeners: list[Callable[[], None]] = []
        self._put_away: dict[str, BaseModel] = {}

    def parts(self) -> dict[str, BaseModel]:
        """Give every part with knobs, by name, in the order in which light goes, on or off."""
        acquisition, extras = self.spec.acquisition, self.spec.extras or Extras()
        parts: dict[str, BaseModel] = {
            name: getattr(acquisition, field) for name, field in SCOPE_PARTS.items()
        }
        parts["acquisition"] = acquisition
        steps: dict[str, BaseModel] = {step.kind: step for step in self.spec.steps}
        for kind in PIPELINE_ORDER:
            if kind in steps or kind in STEPS:
                parts[kind] = steps.get(kind) or self._absent(kind)
        for name in EXTRAS:
            parts[name] = getattr(extras, name) or self._absent(name)
        return parts | {"extras": extras}

    def has(self, part: str) -> bool:
        """Whether a part has an effect."""
        if part in EXTRAS:
            return getattr(self.spec.extras, part, None) is not None
        if part not in STEPS:
            return True
        step = next((step for step in self.spec.steps if step.kind == part), None)
        return step.enabled if isinstance(step, Vasculature) else step is not None

    def stages(self) -> list[str]:
        """Give the stages at which there is a picture to see."""
        kinds = self.spec.kinds_until(None)
        return kinds[kinds.index("composite") :] if "composite" in kinds else kinds

    def change(self, part: str, value: BaseModel) -> None:
        """Put another part in; ValueError, in one line, if the whole does not fit then."""
        data = self.spec.model_dump(mode="json")
        new = value.model_dump(mode="json")
        if part == "acquisition":
            data["acquisition"] = new
        elif part in SCOPE_PARTS:
            data["acquisition"][SCOPE_PARTS[part]] = new
        elif part in EXTRAS or part == "extras":
            extras = data["extras"] or {}
            data["extras"] = _or_none(new if part == "extras" else {**extras, part: new})
        else:
            data["steps"] = [step for step in data["steps"] if step["kind"] != part] + [new]
        self._take(data)

    def turn(self, part: str, on: bool) -> None:
        """Let an optional part have its effect, or none; ValueError if the whole does not fit."""
        value = self.parts()[part]
        if isinstance(value, Vasculature):
            layers = value.layers or ([VesselLayer()] if on else [])
            self.change(part, value.model_copy(update={"enabled": on, "layers": layers}))
        elif on:
            self.change(part, value)
        else:
            self._put_away[part] = value
            data = self.spec.model_dump(mode="json")
            data["steps"] = [step for step in data["steps"] if step["kind"] != part]
            data["extras"] = _or_none(
                {**(data["extras"] or {}), part: None} if part in EXTRAS else data["extras"]
            )
            self._take(data)

    def populations(self) -> list[NeuronPopulation]:
        """Give the populations that are placed; at least one unless none are."""
        place = self.spec.step(PlaceNeurons)
        return [] if place is None else place.resolved_populations

    def place(self, populations: Sequence[NeuronPopulation]) -> None:
        """Place other populations; ValueError, in one line, if the whole does not fit then."""
        if len(populations) == 1:
            self.change("place_neurons", PlaceNeurons(**populations[0].model_dump()))
        else:
            self.change("place_neurons", PlaceNeurons(populations=list(populations)))

    def set_seed(self, seed: int) -> None:
        """Make it another animal."""
        self._take({**self.spec.model_dump(mode="json"), "seed": seed})

    def use_preset(self, name: str) -> None:
        """Begin with a scope and a region; length, rate and seed stay."""
        old = self.spec
        self.spec = studio_spec(
            name,
            seed=old.seed,
            duration_s=old.acquisition.duration_s,
            fps=old.acquisition.fps,
        )
        self._put_away.clear()
        self._tell()

    def use_activity(self, name: str) -> None:
        """Let the cells be quiet, moderate or active."""
        self.change("cell_activity", activity_preset(name))

    def save(self, file: Path) -> None:
        """Write the Spec as JSON."""
        file.write_text(self.spec.json_text(indent=2) + "\n", "utf-8")
        self.saved = self.spec

    def _absent(self, part: str) -> BaseModel:
        return self._put_away.get(part) or (STEPS.get(part) or EXTRAS[part])()

    def _take(self, data: dict[str, Any]) -> None:
        try:
            spec = Spec.model_validate(data, context=QUIET)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from error
        if spec != self.spec:
            self.spec = spec
            self._tell()

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()


def _or_none(extras: dict[str, Any] | None) -> dict[str, Any] | None:
    """Give none for extras without effect, so that minisim reads the Spec too."""
    return None if extras is None or Extras.model_validate(extras) == Extras() else extras
