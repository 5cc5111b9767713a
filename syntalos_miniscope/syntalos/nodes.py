"""How a module names its node: a shipped id, or the folder of another."""

from __future__ import annotations

from pathlib import Path

from syntalos_miniscope.catalog import Catalog, NodeFolder, shipped_folder
from syntalos_miniscope.node import Node


def node_address(folder: NodeFolder) -> str:
    """Give the id of a shipped node, which holds in any installation, or a folder's path."""
    return folder.id if folder.path.parent == shipped_folder() else str(folder.path)


def load_node(address: str) -> type[Node]:
    """Import a node; CatalogError, with a sentence, if that cannot be done."""
    path = Path(address)
    if path.is_absolute():
        return Catalog.find([path.parent]).node(path.name)
    return Catalog.find([shipped_folder()]).node(address)
