"""A Spec from what a person says: a preset or a file, and what is to be different about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from syntalos_miniscope.simulation.presets import activity_preset, studio_spec
from syntalos_miniscope.simulation.spec import QUIET, Spec, first_fault, load_spec


def choose_spec(
    preset_or_file: str | Path,
    activity: str | None = None,
    *,
    seconds: float | None = None,
    fps: float | None = None,
    seed: int | None = None,
) -> Spec:
    """Give the Spec of a studio preset (a name) or of a file (a path), changed as asked.

    ValueError says in one line what is wrong. Nothing warns: ask `Spec.advisories`.
    """
    if isinstance(preset_or_file, str):
        spec = studio_spec(preset_or_file)
    else:
        spec = load_spec(preset_or_file)
    changed: dict[str, Any] = spec.model_dump()
    if seconds is not None:
        changed["acquisition"]["duration_s"] = seconds
    if fps is not None:
        changed["acquisition"]["fps"] = fps
    if seed is not None:
        changed["seed"] = seed
    if activity is not None:
        others = [step for step in changed["steps"] if step["kind"] != "cell_activity"]
        changed["steps"] = [*others, activity_preset(activity).model_dump()]
    try:
        return Spec.model_validate(changed, context=QUIET)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None
