"""The Spec: everything that makes a synthetic recording, as data, with minisim's names."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from syntalos_miniscope.simulation.acquisition import Acquisition
from syntalos_miniscope.simulation.extras import Extras
from syntalos_miniscope.simulation.part import Part
from syntalos_miniscope.simulation.steps import (
    PIPELINE_ORDER,
    AnyStep,
    BrainMotion,
    CellActivity,
    PlaceNeurons,
)

MOTION_SHARE_OF_FOV = 0.05
"""Motion beyond this share of the field of view is likely a mistake."""

QUIET = {"quiet": True}
"""Context of a validation that gives no `SpecWarning`."""

StepT = TypeVar("StepT", bound=Part)


class SpecWarning(UserWarning):
    """A Spec that can be rendered but is likely not what was meant."""


class Output(Part):
    """The form of the result; numbers are never rescaled."""

    save_intermediates: bool = Field(default=False, description="Keep the movie after every stage")
    store_dtype: Literal["float32", "float64"] = Field(
        default="float32", description="Of the movie"
    )


class Spec(Part):
    """Acquisition, steps, seed and output: a recording is a function of these.

    Steps may be listed in any order and are sorted into the one in which light goes. A Spec that
    cannot be rendered raises pydantic's ValidationError, one that is likely a mistake warns with
    `SpecWarning`. `extras` holds what minisim has not, and is left out of `minisim_json`.
    """

    acquisition: Acquisition = Field(default_factory=Acquisition)
    seed: int = Field(default=42, description="All randomness comes from it")
    steps: list[AnyStep]
    output: Output = Field(default_factory=Output)
    extras: Extras | None = None

    @field_validator("steps")
    @classmethod
    def _in_the_order_of_light(cls, steps: list[AnyStep]) -> list[AnyStep]:
        return sorted(steps, key=lambda step: PIPELINE_ORDER.index(step.kind))

    @model_validator(mode="after")
    def _can_be_rendered(self, info: ValidationInfo) -> Spec:
        twice = [kind for kind, n in Counter(step.kind for step in self.steps).items() if n > 1]
        if twice:
            raise ValueError(f"steps hold {', '.join(twice)} more than once")
        self._check_cells_fit()
        self._check_decay_is_sampled()
        for advisory in self.advisories() if info.context is not QUIET else ():
            # One frame up is pydantic, the next whoever makes the Spec.
            warnings.warn(advisory, SpecWarning, stacklevel=3)
        return self

    def _check_cells_fit(self) -> None:
        cells = self.step(PlaceNeurons)
        if cells is None:
            return
        diameter_um = 2 * max(p.soma_radius_um for p in cells.resolved_populations)
        fov_um = min(self.acquisition.fov_um)
        if diameter_um > fov_um:
            raise ValueError(
                f"a soma of {diameter_um:g} µm (twice soma_radius_um) is larger than the field of "
                f"view ({fov_um:g} µm)"
            )

    def _check_decay_is_sampled(self) -> None:
        activity = self.step(CellActivity)
        if activity is None:
            return
        frames = activity.tau_decay_s * self.acquisition.fps
        if frames < 1:
            raise ValueError(
                f"tau_decay_s ({activity.tau_decay_s:g} s) is only {frames:.2g} of a frame at "
                f"{self.acquisition.fps:g} fps; raise one of the two"
            )

    def advisories(self) -> list[str]:
        """Give a sentence for everything that is likely not what was meant."""
        said: list[str] = []
        cells, motion = self.step(PlaceNeurons), self.step(BrainMotion)
        focal_um = self.acquisition.focal_depth_in_tissue_um
        if cells is not None and not isinstance(focal_um, str):
            shallow, deep = cells.depth_range_um
            if not shallow <= focal_um <= deep:
                said.append(
                    f"focal_depth_in_tissue_um ({focal_um:g}) is outside the depth_range_um of the "
                    f"cells ({shallow:g} to {deep:g})"
                )
        if motion is not None:
            extent_um = motion.reach_um
            if motion.trajectory_um is None and motion.model == "physical":
                extent_um = motion.motion_amplitude_um
            fov_um = min(self.acquisition.fov_um)
            if extent_um > MOTION_SHARE_OF_FOV * fov_um:
                said.append(
                    f"motion of {extent_um:g} µm is more than 5 % of the field of view "
                    f"({fov_um:g} µm)"
                )
        return said

    def step(self, kind: type[StepT]) -> StepT | None:
        """Give the step of a class; None if the Spec has none, and so none of its effect."""
        return next((step for step in self.steps if isinstance(step, kind)), None)

    def kinds_until(self, stage: str | None) -> list[str]:
        """Give the kinds of the steps up to and with a stage, by its kind or name; all if None.

        The stage of `composite` is also called `cells_only`. ValueError lists the stages.
        """
        kinds = [step.kind for step in self.steps]
        if stage is None:
            return kinds
        wanted = "composite" if stage == "cells_only" else stage
        if wanted not in kinds:
            raise ValueError(f"there is no stage {stage!r}; there are {', '.join(kinds)}")
        return kinds[: kinds.index(wanted) + 1]

    def json_text(self, indent: int | None = None) -> str:
        """Give the Spec as text, which minisim reads as well unless there are extras."""
        return (
            self.minisim_json(indent)
            if self.extras is None
            else self.model_dump_json(indent=indent)
        )

    def minisim_json(self, indent: int | None = None) -> str:
        """Give the Spec as minisim reads it: without the extras."""
        return self.model_dump_json(indent=indent, exclude={"extras"})

    def cache_key(self) -> str:
        """Give 16 hex digits, the same for equal Specs; minisim's unless there are extras."""
        return hashlib.sha256(self.json_text().encode()).hexdigest()[:16]


def load_spec(path: Path) -> Spec:
    """Read a Spec from a JSON file, ours or minisim's; ValueError with one line if it is none.

    It does not warn: ask `Spec.advisories`.
    """
    try:
        return Spec.model_validate_json(path.read_bytes(), context=QUIET)
    except ValidationError as error:
        raise ValueError(f"{path}: {first_fault(error)}") from None
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None


def first_fault(error: ValidationError) -> str:
    """Give the first thing that is wrong as one line: where, what, and what was there instead."""
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    what = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        what = "there is no such field"
    elif fault["type"] not in ("value_error", "json_invalid", "missing"):
        what += f"; it is {_shown(fault['input'])}"
    said = f"{where}: {what}" if where else what
    # A name of a field is quoted as it was found, and may hold anything.
    return " ".join(said.splitlines())


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, default=str)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."
