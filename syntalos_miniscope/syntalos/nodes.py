"""How a module names its node, and `python -m` of this file: whether an environment has them."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

from syntalos_miniscope.catalog import Catalog, CatalogError, NodeFolder, shipped_folder
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


def main(addresses: list[str]) -> None:
    """Print, as JSON, this environment's Python, our version, and what nodes do not load."""
    broken: dict[str, str] = {}
    for address in addresses:
        try:
            load_node(address)
        except CatalogError as error:
            broken[address] = str(error)
    about = {"python": list(sys.version_info[:2]), "version": version("syntalos-miniscope")}
    print(json.dumps(about | {"broken": broken}))


if __name__ == "__main__":
    main(sys.argv[1:])
