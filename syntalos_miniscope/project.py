"""Boxes and wires as data: load, save and check a project file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, ValidationError

from syntalos_miniscope.catalog import Catalog, CatalogError
from syntalos_miniscope.node import In, Node, Out, Settings
from syntalos_miniscope.streams import Control
from syntalos_miniscope.toml import parse_toml

FORMAT = 1
"""The format this program writes, and the newest that it reads."""


class ProjectError(Exception):
    """A project that cannot be used; the text says file, node, port and what would be right."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.splitlines()))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


NodeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]


class Box(_Part):
    """A node of a project: its id in wires, reports and `--set`, its type, and its settings."""

    id: NodeId
    type: str
    title: str = ""
    position: tuple[FiniteFloat, FiniteFloat] = (0.0, 0.0)
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    group: str = ""
    machine: str = ""

    @property
    def label(self) -> str:
        """The title, or the id where there is none."""
        return self.title or self.id


class Wire(_Part):
    """A connection, each end as `node.port`."""

    source: str = Field(validation_alias="from", pattern=r"^[^.]+\.[^.]+$")
    target: str = Field(validation_alias="to", pattern=r"^[^.]+\.[^.]+$")

    @property
    def source_end(self) -> tuple[str, str]:
        """Node and port that the wire comes from."""
        node, port = self.source.split(".")
        return node, port

    @property
    def target_end(self) -> tuple[str, str]:
        """Node and port that the wire goes to."""
        node, port = self.target.split(".")
        return node, port


class Project(_Part):
    """Boxes and wires, and a title; frozen, so an edit makes a new one."""

    title: str = ""
    nodes: tuple[Box, ...] = ()
    wires: tuple[Wire, ...] = ()

    def box(self, node_id: str) -> Box:
        """Give a box by id; KeyError if there is none."""
        return {box.id: box for box in self.nodes}[node_id]

    def with_setting(self, node_id: str, name: str, value: Any) -> Project:
        """Give the project with one setting changed; ProjectError if there is no such node."""
        ids = [box.id for box in self.nodes]
        if node_id not in ids:
            raise ProjectError(f"there is no node '{node_id}'; known: {_listed(ids)}")
        nodes = tuple(
            box.model_copy(update={"settings": {**box.settings, name: value}})
            if box.id == node_id
            else box
            for box in self.nodes
        )
        return self.model_copy(update={"nodes": nodes})

    def to_toml(self, file: str = "project") -> str:
        """Write the project as the text of a file; ProjectError names what TOML cannot hold."""
        for box in self.nodes:
            for name, value in box.settings.items():
                _written({name: value}, f"{file}: node '{box.id}': setting '{name}' = {value!r}")
        nodes = [
            {name: value for name, value in box.model_dump().items() if value != ""}
            for box in self.nodes
        ]
        wires = [{"from": wire.source, "to": wire.target} for wire in self.wires]
        head = {"format": FORMAT, "title": self.title}
        return _written({"project": head, "nodes": nodes, "wires": wires}, file)


def _written(values: Mapping[str, Any], what: str) -> str:
    try:
        text = tomli_w.dumps(values)
        text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ProjectError(f"{what}: cannot be kept in a project file: {error}") from error
    return text


def parse(text: str, file: str) -> Project:
    """Read the text of a project file; ProjectError names `file` and the place."""
    try:
        data = parse_toml(text)
    except ValueError as error:
        raise ProjectError(f"{file}: not a project file: {error}") from error
    head = data.pop("project", None)
    if not isinstance(head, dict) or type(head.get("format")) is not int or head["format"] < 1:
        raise ProjectError(
            f"{file}: not a project file: [project] with format = {FORMAT} is missing"
        )
    if head.pop("format") > FORMAT:
        raise ProjectError(
            f"{file}: made by a newer syntalos-miniscope: this one reads format {FORMAT}; update it"
        )
    try:
        return Project.model_validate({**head, **data})
    except ValidationError as error:
        raise ProjectError(f"{file}: {_place(error, data)}") from error


def load(path: Path) -> Project:
    """Read a project file."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise ProjectError(f"{path}: no such project file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path}: cannot be read: {error}") from error
    return parse(text, str(path))


def save(project: Project, path: Path) -> None:
    """Write a project file beside its place, then rename: a save that fails changes nothing."""
    text, path = project.to_toml(str(path)), path.resolve()
    beside = path.with_name(f".{path.name[:100]}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise ProjectError(f"{path}: cannot be saved: {error.strerror}") from error


_Port = TypeVar("_Port", In, Out)


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A box with its class and its checked settings."""

    box: Box
    type: type[Node]
    settings: Settings


@dataclass(frozen=True, slots=True)
class GraphWire:
    """A wire with its two ports."""

    source: tuple[str, str]
    out: Out
    target: tuple[str, str]
    into: In


@dataclass(frozen=True, slots=True)
class Graph:
    """A project that has been checked and can be run; `nodes` stand in topological order."""

    nodes: Mapping[str, GraphNode]
    wires: tuple[GraphWire, ...]
    project: Project


def check(project: Project, catalog: Catalog, file: str = "project") -> Graph:
    """Resolve every box and wire; ProjectError at the first that does not fit or cannot be kept."""
    nodes: dict[str, GraphNode] = {}
    for box in project.nodes:
        if box.id in nodes:
            raise ProjectError(f"{file}: node '{box.id}' is there twice; ids are unique")
        nodes[box.id] = _resolve(box, catalog, file)
    wires: dict[str, GraphWire] = {}
    for wire in project.wires:
        if wire.target in wires:
            raise ProjectError(
                f"{file}: second wire into '{wire.target}', from '{wire.source}'; an input takes "
                f"one, and '{'.'.join(wires[wire.target].source)}' is wired to it already"
            )
        wires[wire.target] = connect(wire, nodes, file)
    order = _topological(list(nodes), list(wires.values()), file)
    project.to_toml(file)
    return Graph({node: nodes[node] for node in order}, tuple(wires.values()), project)


def _resolve(box: Box, catalog: Catalog, file: str) -> GraphNode:
    try:
        node = catalog.node(box.type)
    except CatalogError as error:
        raise ProjectError(f"{file}: node '{box.id}': {error}") from error
    try:
        return GraphNode(box, node, node.Settings.model_validate(box.settings))
    except ValidationError as error:
        raise ProjectError(f"{file}: node '{box.id}': {_setting(error, node.Settings)}") from error


def connect(wire: Wire, nodes: Mapping[str, GraphNode], file: str = "project") -> GraphWire:
    """Resolve one wire; ProjectError says why it does not fit."""
    source, target = f"{file}: wire from '{wire.source}'", f"{file}: wire to '{wire.target}'"
    node, port = wire.source_end
    out = _port(port, _node(node, nodes, source).type.outputs, "output", source)
    node, port = wire.target_end
    into = _port(port, _node(node, nodes, target).type.inputs, "input", target)
    if out.type is not into.type:
        raise ProjectError(
            f"{file}: wire from '{wire.source}' to '{wire.target}': gives {out.type.__name__}, "
            f"but {into.type.__name__} is wanted"
        )
    return GraphWire(wire.source_end, out, wire.target_end, into)


def _node(node: str, nodes: Mapping[str, GraphNode], where: str) -> GraphNode:
    if node not in nodes:
        raise ProjectError(f"{where}: there is no node '{node}'; known: {_listed(nodes)}")
    return nodes[node]


def _port(port: str, ports: tuple[_Port, ...], side: str, where: str) -> _Port:
    for candidate in ports:
        if candidate.id == port:
            return candidate
    ids = _listed(p.id for p in ports)
    raise ProjectError(f"{where}: there is no {side} '{port}' there; known: {ids}")


def _topological(ids: list[str], wires: list[GraphWire], file: str) -> list[str]:
    """Order boxes so that data flows forward; commands may flow back."""
    into = {node: [w for w in wires if w.target[0] == node] for node in ids}
    before = {node: {w.source[0] for w in into[node]} for node in ids}
    data = {node: {w.source[0] for w in into[node] if w.out.type is not Control} for node in ids}
    order: list[str] = []
    while before:
        ready = [node for node, sources in before.items() if not sources - set(order)]
        ready = ready or [node for node in before if not data[node] - set(order)][:1]
        if not ready:
            raise ProjectError(
                f"{file}: data wires form a circle through {_listed(before)}; "
                "only control wires may close one"
            )
        order += ready
        before = {node: sources for node, sources in before.items() if node not in ready}
    return order


def _place(error: ValidationError, data: Mapping[str, Any]) -> str:
    """Say where in a file the first mistake is, by the id of the node rather than its number."""
    first = error.errors()[0]
    place = list(first["loc"])
    if place[0] == "nodes" and len(place) > 1:
        box = data["nodes"][place[1]]
        name = box.get("id", f"number {int(place[1]) + 1}") if isinstance(box, dict) else place[1]
        return f"node '{name}': {'.'.join(map(str, place[2:]))}: {first['msg']}"
    if place[0] == "wires" and len(place) > 1:
        return f"wire number {int(place[1]) + 1}: {'.'.join(map(str, place[2:]))}: {first['msg']}"
    return f"{'.'.join(map(str, place))}: {first['msg']}"


def _setting(error: ValidationError, settings: type[Settings]) -> str:
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    if not name:
        return f"settings: {first['msg'].removeprefix('Value error, ')}"
    if first["type"] == "extra_forbidden":
        return f"there is no setting '{name}'; known: {_listed(settings.model_fields)}"
    return f"setting '{name}' = {first['input']!r}: {first['msg']}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
