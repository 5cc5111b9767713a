"""Graphs of boxes that may run in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from engine_boxes import make_node_folders
from waiting import PATIENCE_S

from syntalos_miniscope.catalog import Catalog, shipped_folder
from syntalos_miniscope.engine.course import Engine
from syntalos_miniscope.project import Box, Graph, Project, Wire, check


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return make_node_folders(tmp_path_factory.mktemp("nodes"))


@pytest.fixture(scope="session")
def catalog(folder) -> Catalog:
    return Catalog.find([folder, shipped_folder()])


@pytest.fixture
def graph(catalog, tmp_path):
    """Build a graph of `node.port > node.port`; nodes are in one group unless placed elsewhere."""

    def build(wires: str, **places: dict[str, Any]) -> Graph:
        ends = [tuple(wire.split(" > ")) for wire in wires.split(", ")]
        ids = dict.fromkeys(end.split(".")[0] for pair in ends for end in pair)
        boxes = tuple(
            Box.model_validate(
                {"id": node, "type": node, "group": "main"}
                | ({"settings": {"notes": str(tmp_path)}} if node[0].isupper() else {})
                | places.get(node, {})
            )
            for node in ids
        )
        lines = tuple(Wire(source=a, target=b) for a, b in ends)
        return check(Project(title="Test", nodes=boxes, wires=lines), catalog)

    return build


@pytest.fixture
def begun() -> Generator[Callable[[Engine], Engine]]:
    """Begin a run; one that a failed test leaves behind is stopped."""
    engines: list[Engine] = []

    def begin(engine: Engine) -> Engine:
        engine.prepare()
        engine.start()
        engines.append(engine)
        return engine

    yield begin
    for engine in engines:
        engine.stop()
        engine.wait(PATIENCE_S)
