"""The one configuration that all panels of the studio read and write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from syntalos_miniscope.simulation.presets import STUDIO_PRESETS, activity_preset, studio_spec
from syntalos_miniscope.simulation.spec import QUIET, Spec, first_fault

SCOPE_PARTS = {"lens": "optics", "image_sensor": "image_sensor", "tissue": "tissue"}
"""Parts of `acquisition` with knobs of their own; `optics` is also the kind of a step."""


class Studio:
    """A Spec under tuning; `listeners` are called after every change.

    A part is named by `acquisition`, a part of it, or the kind of a step.
    """

    def __init__(self, spec: Spec | None = None) -> None:
        self.spec = spec or studio_spec(STUDIO_PRESETS[1])
        self.listeners: list[Callable[[], None]] = []

    def parts(self) -> dict[str, BaseModel]:
        """Give every part with knobs, by name, in the order in which light goes."""
        acquisition = self.spec.acquisition
        parts: dict[str, BaseModel] = {
            name: getattr(acquisition, field) for name, field in SCOPE_PARTS.items()
        }
        parts["acquisition"] = acquisition
        return parts | {step.kind: step for step in self.spec.steps}

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
        else:
            data["steps"] = [new if step["kind"] == part else step for step in data["steps"]]
        self._take(data)

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
        self._tell()

    def use_activity(self, name: str) -> None:
        """Let the cells be quiet, moderate or active."""
        self.change("cell_activity", activity_preset(name))

    def save(self, file: Path) -> None:
        """Write the Spec as JSON."""
        file.write_text(self.spec.json_text(indent=2) + "\n", "utf-8")

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
