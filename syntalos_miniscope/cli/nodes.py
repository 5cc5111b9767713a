"""`syntalos-miniscope nodes`, and how every command finds its nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syntalos_miniscope.cli.console import BadInputError, out

if TYPE_CHECKING:
    from syntalos_miniscope.catalog import Catalog

NodesDir = Annotated[
    Path | None, typer.Option("--nodes", help="One more folder of node folders.", metavar="DIR")
]


def nodes(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    nodes: NodesDir = None,
) -> None:
    """List every node with its ports and settings."""
    from syntalos_miniscope.catalog import CatalogError

    catalog = find_nodes(nodes)
    try:
        entries = [_node_entry(catalog, type_id) for type_id in sorted(catalog.folders)]
    except CatalogError as error:
        raise BadInputError(str(error)) from error
    if as_json:
        out.print_json(json.dumps(entries))
        return
    for entry in entries:
        out.print(f"[bold]{entry['id']}[/]  {entry['description']}")
        for side, arrow in (("inputs", "→"), ("outputs", "←")):
            for port in entry[side]:
                out.print(f"    {arrow} {port['id']:20} {port['type']}")
        if entry["settings"]["properties"]:
            out.print(f"      settings: {', '.join(entry['settings']['properties'])}")


def _node_entry(catalog: Catalog, type_id: str) -> dict[str, Any]:
    folder, node = catalog.folders[type_id], catalog.node(type_id)
    return {
        "id": folder.id,
        "name": folder.name,
        "description": folder.description,
        "path": str(folder.path),
        "inputs": [
            {"id": p.id, "title": p.title, "type": p.type.__name__, "policy": p.policy.value}
            for p in node.inputs
        ],
        "outputs": [{"id": p.id, "title": p.title, "type": p.type.__name__} for p in node.outputs],
        "settings": {"properties": {}} | node.Settings.model_json_schema(),
    }


def find_nodes(extra: Path | None) -> Catalog:
    """Give the catalog of nodes, or refuse in a line."""
    from syntalos_miniscope.catalog import Catalog, CatalogError

    try:
        return Catalog.shipped(extra)
    except CatalogError as error:
        raise BadInputError(str(error)) from error
