"""What is looked at before a run begins, so that nobody loses an experiment to a loose wire."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.miniscope.connection import GROUP
from syntalos_miniscope.miniscope.discovery import FoundScope, devices
from syntalos_miniscope.node import is_source
from syntalos_miniscope.project import Graph, GraphWire
from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope.streams import Control, Frame
from syntalos_miniscope_ui.missing import missing_types

LOW_DISK_BYTES = 5 * 2**30


@runtime_checkable
class OnDevice(Protocol):
    """Settings of a scope that is plugged in somewhere."""

    device: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was noticed; `stop` refuses the run, `warn` asks first, `good` is told."""

    level: Literal["good", "warn", "stop"]
    node: str | None
    text: str


def check_before_run(
    graph: Graph,
    catalog: Catalog,
    options: RunOptions,
    find_scopes: Callable[[], Sequence[FoundScope]] = devices,
) -> list[Finding]:
    """Look at wires, scopes, names and disk; the worst findings come first.

    It may take a second, as scopes on USB are asked for their names.
    """
    found = [*_missing(graph, catalog), *_boxes(graph), *_recorders(graph, catalog, options.record)]
    found += [*_scopes(graph, find_scopes), *_light(graph)]
    if options.record:
        found += [*_names(options), *_disk(options.export_dir)]
    order = {"stop": 0, "warn": 1, "good": 2}
    return sorted(found, key=lambda finding: order[finding.level])


def free_bytes(folder: Path) -> int | None:
    """Give the free space of the disk that a folder is on, or will be on; None if unknown."""
    place = folder.expanduser().absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free
    except OSError:
        return None


def kept_bytes(folder: Path) -> int:
    """Give how much lies in the folder of a run; what vanishes meanwhile counts as nothing."""
    try:
        return sum(file.stat().st_size for file in folder.rglob("*"))
    except OSError:
        return 0


def _missing(graph: Graph, catalog: Catalog) -> Iterator[Finding]:
    missing = missing_types(graph.project, catalog)
    for box in graph.project.nodes:
        if box.type in missing:
            yield Finding("stop", box.id, f"{box.label}: {missing[box.type]}")


def _boxes(graph: Graph) -> Iterator[Finding]:
    if not any(is_source(node.type) for node in graph.nodes.values()):
        yield Finding("stop", None, "Nothing sends data: add a scope, a player or another source")
    wired = {wire.target for wire in graph.wires}
    for node_id, node in graph.nodes.items():
        data = [port for port in node.type.inputs if port.type is not Control]
        if data and not any((node_id, port.id) in wired for port in data):
            yield Finding("warn", node_id, f"Nothing is wired to {node.box.label}")


def _recorders(graph: Graph, catalog: Catalog, record: bool) -> Iterator[Finding]:
    into = [
        wire for wire in graph.wires if wire.out.type is Frame and _writes(graph, catalog, wire)
    ]
    raw = [wire for wire in into if not _processed(graph, wire)]
    for wire in into:
        if wire not in raw:
            source, target = (graph.nodes[end[0]].box.label for end in (wire.source, wire.target))
            yield Finding(
                "warn",
                wire.target[0],
                f"{target} records {wire.out.title} of {source}, which are made for the eye: "
                "record raw frames, or the data may be incomplete",
            )
    if not record:
        yield Finding("warn", None, "This run keeps nothing")
    elif raw:
        names = sorted({graph.nodes[wire.source[0]].box.label for wire in raw})
        yield Finding("good", None, f"Raw frames are recorded: {', '.join(names)}")
    for node_id, node in graph.nodes.items():
        frames = [port.id for port in node.type.outputs if port.type is Frame]
        if (
            record
            and is_source(node.type)
            and frames
            and not any(w.source[0] == node_id for w in raw)
        ):
            yield Finding(
                "warn", node_id, f"No recorder is wired to raw frames of {node.box.label}"
            )


def _writes(graph: Graph, catalog: Catalog, wire: GraphWire) -> bool:
    folder = catalog.folders.get(graph.nodes[wire.target[0]].box.type)
    return folder is not None and "writers" in folder.categories


def _processed(graph: Graph, wire: GraphWire) -> bool:
    return "disp" in wire.out.id or not is_source(graph.nodes[wire.source[0]].type)


def _scopes(graph: Graph, find_scopes: Callable[[], Sequence[FoundScope]]) -> Iterator[Finding]:
    added = {entry.name for entry in entry_points(group=GROUP)}
    wanted = {
        node_id: node.settings.device
        for node_id, node in graph.nodes.items()
        if isinstance(node.settings, ScopeSettings) and isinstance(node.settings, OnDevice)
        if node.settings.device.partition(":")[0] not in added
    }
    if not wanted:
        return
    try:
        scopes = find_scopes()
    except OSError as error:
        yield Finding("stop", None, str(error))
        return
    for node_id, device in wanted.items():
        label = graph.nodes[node_id].box.label
        fitting = [s for s in scopes if device in ("auto", s.port, s.alias)]
        if not fitting:
            there = ", ".join(scope.port for scope in scopes) or "none"
            which = "no Miniscope" if device == "auto" else f"no Miniscope '{device}'"
            yield Finding("stop", node_id, f"{label}: {which} is plugged in; there: {there}")
        elif all(scope.problem for scope in fitting):
            yield Finding("stop", node_id, f"{label}: {fitting[0].problem}")
        else:
            good = next(scope for scope in fitting if not scope.problem)
            words = f"{label}: {good.product} at {good.port}, {good.speed}"
            yield Finding("good", node_id, words)


def _light(graph: Graph) -> Iterator[Finding]:
    for node_id, node in graph.nodes.items():
        if isinstance(node.settings, ScopeSettings) and node.settings.led_percent == 0:
            yield Finding("warn", node_id, f"{node.box.label}: the LED is off")


def _names(options: RunOptions) -> Iterator[Finding]:
    if options.subject.strip():
        yield Finding("good", None, f"Subject {options.subject}")
    else:
        yield Finding("warn", None, "No subject is named")


def _disk(folder: Path) -> Iterator[Finding]:
    place = folder.expanduser().absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        yield Finding("stop", None, f"The export folder {folder} cannot be written")
        return
    free = free_bytes(folder)
    if free is not None and free < LOW_DISK_BYTES:
        yield Finding("warn", None, f"{folder}: only {free / 2**30:.1f} GiB free")
    elif free is not None:
        yield Finding("good", None, f"{free / 2**30:,.0f} GiB free in {folder}")
