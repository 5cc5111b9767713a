"""What is swept: a base Spec, axes of values, seeds, and the chain that is scored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from syntalos_miniscope.recording.edl import safe_name
from syntalos_miniscope.simulation.choice import choose_spec
from syntalos_miniscope.simulation.spec import QUIET, Spec, first_fault
from syntalos_miniscope.toml import parse_toml

MOST_CELLS = 100_000
LONGEST_NAME = 100


class GridError(Exception):
    """A grid that cannot be swept; the text is one line: file, key, and what would be right."""

    def __init__(self, text: str) -> None:
        # What a file says may be quoted, and may hold anything.
        super().__init__(" ".join(text.splitlines()))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Chain(_Part):
    """The analysis that every recording goes through, as `syntalos-miniscope analyze` does it."""

    decay_s: float = Field(default=0.4, ge=0.01)
    diameter_px: float = Field(default=12.0, ge=4, le=60)
    most_cells: int = Field(default=1000, ge=1)


class _Base(_Part):
    preset: str | None = None
    spec: str | None = None
    activity: str | None = None
    seconds: float | None = Field(default=None, gt=0)
    fps: float | None = Field(default=None, gt=0)
    seeds: list[int] = Field(default_factory=list[int])


class _File(_Part):
    sweep: _Base
    axes: dict[str, Any] = Field(default_factory=dict[str, Any])
    chain: Chain = Chain()


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the grid. `fault` says why its Spec cannot be; then `spec_json` is empty."""

    name: str
    values: tuple[Any, ...]
    seed: int
    spec_json: str
    chain: Chain
    fault: str = ""

    @property
    def stamp(self) -> str:
        """16 hex digits that are the same as long as a stored result is the one of this cell."""
        made_of = [version("syntalos-miniscope"), self.spec_json, self.chain.model_dump_json()]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells, the last axis running fastest but for the seeds; `axes` are paths and values."""

    axes: tuple[tuple[str, tuple[Any, ...]], ...]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    text: str


def load_grid(path: Path) -> Grid:
    """Read a grid; GridError if it cannot be swept.

    A value with which no cell can be rendered is refused; a combination of values that cannot be
    becomes a cell with a fault.
    """
    try:
        text = path.read_text("utf-8")
        read = _File.model_validate(parse_toml(text))
    except OSError as error:
        raise GridError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise GridError(f"{path}: {first_fault(error)}") from error
    except ValueError as error:
        raise GridError(f"{path}: is not sound TOML: {error}") from error
    base = _base(path, read.sweep)
    axes = tuple(_axes(path, read.axes))
    seeds = tuple(read.sweep.seeds) or (base.seed,)
    if len(set(seeds)) < len(seeds):
        raise GridError(f"{path}: sweep.seeds: a seed is there twice")
    count = prod(len(values) for _, values in axes) * len(seeds)
    if count > MOST_CELLS:
        raise GridError(f"{path}: axes: {count} cells; {MOST_CELLS} are the most")
    names = _short_names([axis for axis, _ in axes])
    cells = tuple(_cells(base, axes, names, seeds, read.chain))
    for at, (axis, values) in enumerate(axes):
        for value in values:
            faults = [cell.fault for cell in cells if cell.values[at] is value]
            if all(faults):
                raise GridError(f"{path}: axes: {axis} = {shown(value)}: {faults[0]}")
    return Grid(axes, seeds, cells, text)


def _base(path: Path, base: _Base) -> Spec:
    if (base.preset is None) == (base.spec is None):
        raise GridError(
            f'{path}: sweep: give either preset = "NAME" or spec = "FILE.json" (beside the grid)'
        )
    source = base.preset if base.spec is None else path.parent / base.spec
    try:
        return choose_spec(
            cast("str | Path", source), base.activity, seconds=base.seconds, fps=base.fps
        )
    except ValueError as error:
        raise GridError(f"{path}: sweep: {error}") from error


def _axes(path: Path, found: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Give each axis; its path may be quoted, or dotted as TOML's own tables are."""
    for name, values in found.items():
        axis = f"{above}{name}"
        if isinstance(values, dict):
            yield from _axes(path, cast("dict[str, Any]", values), f"{axis}.")
        elif isinstance(values, list) and values:
            listed = cast("list[Any]", values)
            if len({shown(value) for value in listed}) < len(listed):
                raise GridError(f"{path}: axes: {axis}: a value is there twice")
            yield axis, tuple(listed)
        else:
            raise GridError(
                f"{path}: axes: {axis} = {shown(values)}: an axis is a list of values, "
                f"such as [1, 2]"
            )


def _varied(base: Spec, changes: Sequence[tuple[str, Any]], seed: int) -> Spec:
    """Give the base with some values changed; ValueError says in a line what cannot be."""
    document: dict[str, Any] = base.model_dump()
    document["seed"] = seed
    for axis, value in changes:
        _put(document, axis, value)
    try:
        return Spec.model_validate(document, context=QUIET)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None


def _put(document: dict[str, Any], axis: str, value: Any) -> None:
    """Set a field by its path; a step is named by its kind, as `steps.sensor.photons_per_unit`."""
    *way, last = axis.split(".")
    place: Any = document
    for at, name in enumerate(way):
        place = _choices(place).get(name)
        if not isinstance(place, dict | list):
            there = ".".join(way[:at]) or "a Spec"
            raise ValueError(f"{there} has no part {name!r}; {_known(document, way[:at])}")
    if not isinstance(place, dict) or last not in place:
        there = ".".join(way) or "a Spec"
        raise ValueError(f"{there} has no field {last!r}; {_known(document, way)}")
    place[last] = value


def _known(document: Any, way: Sequence[str]) -> str:
    for name in way:
        document = _choices(document)[name]
    return f"it has {', '.join(_choices(document))}"


def _choices(place: Any) -> dict[str, Any]:
    if isinstance(place, list):
        parts = cast("list[Any]", place)
        return {
            str(part["kind"]) if isinstance(part, dict) and "kind" in part else str(k): part
            for k, part in enumerate(parts)
        }
    return cast("dict[str, Any]", place)


def _cells(
    base: Spec,
    axes: Sequence[tuple[str, tuple[Any, ...]]],
    names: Sequence[str],
    seeds: Sequence[int],
    chain: Chain,
) -> Iterator[Cell]:
    paths = [axis for axis, _ in axes]
    for *values, seed in product(*(values for _, values in axes), seeds):
        spec_json = fault = ""
        try:
            spec = _varied(base, list(zip(paths, values, strict=True)), seed)
            spec_json = spec.json_text(indent=2)
        except ValueError as error:
            fault = str(error)
        parts = [f"{n}={shown(v)}" for n, v in zip(names, values, strict=True)]
        name = _folder_name(",".join([*parts, f"seed={seed}"]))
        yield Cell(name, tuple(values), seed, spec_json, chain, fault)


def _folder_name(wanted: str) -> str:
    """Give a name that is safe as a folder, and still one of its own when it had to be changed."""
    safe = safe_name(wanted)
    if safe == wanted and len(safe.encode()) <= LONGEST_NAME:
        return safe
    return (
        f"{safe_name(safe[: LONGEST_NAME // 2])} {hashlib.sha256(wanted.encode()).hexdigest()[:8]}"
    )


def _short_names(paths: Sequence[str]) -> list[str]:
    """Give the end of each path, as long as it takes to tell it from the others."""
    parts = [path.split(".") for path in paths]
    names = [path[-1] for path in parts]
    return [
        name if names.count(name) == 1 else ".".join(path[-2:])
        for name, path in zip(names, parts, strict=True)
    ]


def shown(value: Any) -> str:
    """Give a value of an axis as text."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
