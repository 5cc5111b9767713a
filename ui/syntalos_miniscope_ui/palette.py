"""The boxes that can be had: a list to search, to double-click and to drag from."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QIcon

from syntalos_miniscope.catalog import Catalog, NodeFolder
from syntalos_miniscope_ui.search import Entry, SearchList

MIME = "application/x-syntalos-miniscope-node"
_ORDER = ("device", "generator", "processing", "display", "writers", "scripting", "example")


def entries(catalog: Catalog, keep: Callable[[str], bool] = lambda type_id: True) -> list[Entry]:
    """Give a line for every node type, sources first."""
    folders = [folder for folder in catalog.folders.values() if keep(folder.id)]
    return [
        Entry(
            folder.name,
            folder.id,
            folder.description,
            QIcon(str(folder.icon)) if folder.icon.is_file() else None,
            f"{folder.id} {' '.join(folder.categories)}",
        )
        for folder in sorted(folders, key=_place)
    ]


class Palette(SearchList):
    """The list in the side panel; Enter or a double click adds a box, dragging places it."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(entries(catalog), "Search boxes", drag_as=MIME)


def _place(folder: NodeFolder) -> tuple[int, str]:
    first = folder.categories[0] if folder.categories else ""
    return (_ORDER.index(first) if first in _ORDER else len(_ORDER), folder.name)
