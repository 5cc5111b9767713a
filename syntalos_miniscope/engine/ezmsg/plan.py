"""Which process runs which boxes, and which wires go from one process to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from syntalos_miniscope.engine.run import RunError
from syntalos_miniscope.node import Policy
from syntalos_miniscope.project import Graph, GraphWire


@dataclass(frozen=True, slots=True)
class Place:
    """One process: its machine ("" is the one of the engine) and its group, or its only box."""

    machine: str
    group: str

    def __str__(self) -> str:
        return f"{self.group} on {self.machine}" if self.machine else self.group


@dataclass(slots=True)
class Share:
    """What one process has to do; everything in it can be written as JSON."""

    boxes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    wires: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Wires that stay inside."""
    out: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    into: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class Link:
    """A wire, or several of one output, from one process to another."""

    topic: str
    source: tuple[str, str]
    sender: Place
    receiver: Place
    wires: tuple[GraphWire, ...]

    @property
    def other_machine(self) -> bool:
        """Whether it goes over a network."""
        return self.sender.machine != self.receiver.machine


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each box runs, and the links that follow."""

    places: dict[str, Place]
    links: tuple[Link, ...]
    graph: Graph

    @property
    def machines(self) -> list[str]:
        """Give the machines other than the engine's own."""
        return list(dict.fromkeys(p.machine for p in self.places.values() if p.machine))

    @property
    def leaves_here(self) -> bool:
        """Whether the engine's machine sends anything to another one."""
        return any(link.other_machine and not link.sender.machine for link in self.links)

    def share(self, place: Place) -> Share:
        """Give what a process has to do."""
        share = Share()
        order = list(self.places)
        for node_id, entry in self.graph.nodes.items():
            if self.places[node_id] == place:
                settings = entry.settings.model_dump(mode="json")
                share.boxes.append({"id": node_id, "type": entry.box.type, "settings": settings})
        for wire in self.graph.wires:
            sender, receiver = wire.source[0], wire.target[0]
            outlived = order.index(sender) < order.index(receiver)
            if self.places[sender] == self.places[receiver] == place:
                ends = {"source": wire.source, "target": wire.target}
                share.wires.append(ends | {"outlived": outlived})
        for link in self.links:
            if link.sender == place:
                share.out.append(_sending(link))
            if link.receiver == place:
                targets = [
                    {"target": wire.target, "outlived": order.index(wire.source[0])
                     < order.index(wire.target[0])}
                    for wire in link.wires
                ]  # fmt: skip
                told = {"topic": link.topic, "source": link.source, "peer": str(link.sender)}
                share.into.append(told | {"targets": targets})
        return share


def plan(graph: Graph, run_id: str) -> Plan:
    """Place each box in the process of its group, or in one of its own."""
    places = {
        node_id: Place(entry.box.machine, entry.box.group or node_id)
        for node_id, entry in graph.nodes.items()
    }
    _check_groups(graph, places)
    crossing: dict[tuple[tuple[str, str], Place], list[GraphWire]] = {}
    for wire in graph.wires:
        receiver = places[wire.target[0]]
        if places[wire.source[0]] != receiver:
            crossing.setdefault((wire.source, receiver), []).append(wire)
    links = tuple(
        Link(f"{run_id}/{'.'.join(source)} > {receiver}", source, places[source[0]], receiver,
             tuple(wires))
        for (source, receiver), wires in crossing.items()
    )  # fmt: skip
    return Plan(places, links, graph)


def _check_groups(graph: Graph, places: dict[str, Place]) -> None:
    """Refuse a group that has the name of a box outside: which process is meant would be open."""
    for node_id, entry in graph.nodes.items():
        for other, place in places.items():
            alone = not graph.nodes[other].box.group
            if alone and place == places[node_id] and other != node_id and entry.box.group:
                raise RunError(
                    node_id, f"group '{entry.box.group}' is also the name of a node; rename one"
                )


def _sending(link: Link) -> dict[str, Any]:
    """Describe the sending end: the queue there is that of the most demanding input."""
    lossless = any(wire.into.policy is Policy.LOSSLESS for wire in link.wires)
    return {
        "topic": link.topic,
        "source": link.source,
        "policy": (Policy.LOSSLESS if lossless else Policy.NEWEST).value,
        "depth": max(wire.into.depth for wire in link.wires),
        "peer": str(link.receiver),
        "other_machine": link.other_machine,
    }
