"""Stands in for nodes that are not installed: their boxes are shown and kept, and never run."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic import ConfigDict

from syntalos_miniscope.catalog import Catalog, CatalogError
from syntalos_miniscope.node import In, Node, Out, Settings
from syntalos_miniscope.project import Project
from syntalos_miniscope.streams import Control, ItemType

Port = tuple[str, str]
"""A node type, and the id of a port."""


class KeptSettings(Settings):
    """Settings that only the missing node knows."""

    model_config = ConfigDict(extra="allow")


def missing_types(project: Project, catalog: Catalog) -> dict[str, str]:
    """Give the node types of a project that the catalog cannot give, and why in one line."""
    found: dict[str, str] = {}
    for type_id in dict.fromkeys(box.type for box in project.nodes):
        try:
            catalog.node(type_id)
        except CatalogError as error:
            installed = type_id in catalog.folders
            found[type_id] = str(error) if installed else f"node '{type_id}' is not installed"
    return found


def stand_ins(
    project: Project, catalog: Catalog, missing: Collection[str]
) -> dict[str, type[Node]]:
    """Give a class for each missing type, with the ports that are wired.

    What flows is known from the other ends; where it is not, it may be commands, which go anywhere.
    """
    type_of = {box.id: box.type for box in project.nodes}
    wires = [
        ((type_of.get(source, ""), out), (type_of.get(target, ""), into))
        for wire in project.wires
        for (source, out), (target, into) in [(wire.source_end, wire.target_end)]
    ]
    flows: dict[Port, ItemType] = {}
    for type_id in set(type_of.values()) - set(missing):
        node = catalog.node(type_id)
        flows |= {(type_id, port.id): port.type for port in (*node.inputs, *node.outputs)}
    for _ in wires if missing else ():  # what a port carries is known from any of its wires
        for ends in wires:
            if known := flows.get(ends[0]) or flows.get(ends[1]):
                flows = dict.fromkeys(ends, known) | flows
    outputs = {end: flows.get(end, Control) for end, _ in wires}
    inputs = {end: flows.get(end, Control) for _, end in wires}
    return {type_id: _stand_in(type_id, outputs, inputs) for type_id in missing}


def _stand_in(
    type_id: str, outputs: Mapping[Port, ItemType], inputs: Mapping[Port, ItemType]
) -> type[Node]:
    class StandIn(Node):
        """A box that nothing can be asked of."""

    StandIn.Settings = KeptSettings
    StandIn.outputs = tuple(Out(p, p, flow) for (t, p), flow in outputs.items() if t == type_id)
    StandIn.inputs = tuple(In(p, p, flow) for (t, p), flow in inputs.items() if t == type_id)
    return StandIn
