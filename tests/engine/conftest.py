"""Graphs of boxes of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from boxes import KINDS

from syntalos_miniscope.catalog import Catalog, NodeFolder
from syntalos_miniscope.project import Box, Project, Wire, check


@pytest.fixture
def catalog() -> Catalog:
    nowhere = Path()
    folders = {
        kind.__name__: NodeFolder(kind.__name__, nowhere, "", "", nowhere, nowhere, (), ())
        for kind in KINDS
    }
    return Catalog(folders, {kind.__name__: kind for kind in KINDS})


@pytest.fixture
def graph(catalog):
    def build(wires: str, **settings):
        ends = [tuple(wire.split(" > ")) for wire in wires.split(", ")]
        ids = dict.fromkeys(end.split(".")[0] for pair in ends for end in pair)
        boxes = tuple(Box(id=i, type=i.rstrip("0123456789"), settings=settings.get(i, {}))
                      for i in ids)  # fmt: skip
        lines = tuple(Wire(source=a, target=b) for a, b in ends)
        return check(Project(title="Test", nodes=boxes, wires=lines), catalog)

    return build
