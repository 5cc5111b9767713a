"""Where boxes go: aligned, spread, snapped to the grid, or laid out from the wires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from syntalos_miniscope.project import Graph
from syntalos_miniscope.streams import Control

Rect = tuple[float, float, float, float]
"""Left, top, width, height."""
Point = tuple[float, float]
Size = tuple[float, float]
Edge = Literal["left", "right", "top", "bottom", "middle"]

GRID = 16.0


def snap(value: float) -> float:
    """Give the nearest line of the grid."""
    return round(value / GRID) * GRID


def align(rects: Mapping[str, Rect], edge: Edge) -> dict[str, Point]:
    """Put boxes on one line: by an edge, or by their middle on one horizontal."""
    lefts = min(left for left, _, _, _ in rects.values())
    rights = max(left + width for left, _, width, _ in rects.values())
    tops = min(top for _, top, _, _ in rects.values())
    bottoms = max(top + height for _, top, _, height in rects.values())
    middle = sum(top + height / 2 for _, top, _, height in rects.values()) / len(rects)

    def place(left: float, top: float, width: float, height: float) -> Point:
        where: dict[Edge, Point] = {
            "left": (lefts, top),
            "right": (rights - width, top),
            "top": (left, tops),
            "bottom": (left, bottoms - height),
            "middle": (left, middle - height / 2),
        }
        return where[edge]

    return {name: place(*rect) for name, rect in rects.items()}


def tidy(graph: Graph, sizes: Mapping[str, Size]) -> dict[str, Point]:
    """Lay boxes out in columns, each to the right of everything that feeds it.

    Parts that no wire joins go below each other, in the order from top to bottom they had.
    """
    places: dict[str, Point] = {}
    below = 0.0
    for part in sorted(_parts(graph), key=lambda part: _top(graph, part)):
        laid = _in_columns(graph, part, sizes)
        places |= {node: (left, below + top) for node, (left, top) in laid.items()}
        below = max(places[node][1] + snap(sizes[node][1]) for node in part) + 5 * GRID
    return places


def _parts(graph: Graph) -> list[list[str]]:
    """Give the boxes that wires join, each list in topological order."""
    part = {node: {node} for node in graph.nodes}
    for wire in graph.wires:
        joined = part[wire.source[0]] | part[wire.target[0]]
        part |= dict.fromkeys(joined, joined)
    apart = dict.fromkeys(frozenset(joined) for joined in part.values())
    return [[node for node in graph.nodes if node in joined] for joined in apart]


def _top(graph: Graph, part: list[str]) -> float:
    return min(graph.nodes[node].box.position[1] for node in part)


def _in_columns(graph: Graph, part: list[str], sizes: Mapping[str, Size]) -> dict[str, Point]:
    column: dict[str, int] = {}
    for node in part:
        before = [
            column[wire.source[0]] + 1
            for wire in graph.wires
            if wire.target[0] == node and wire.out.type is not Control
        ]
        column[node] = max(before, default=0)
    places: dict[str, Point] = {}
    left = 0.0
    for number in range(max(column.values()) + 1):
        members = [node for node in part if column[node] == number]
        members.sort(key=lambda node: _feeder_height(graph, places, node))
        top = 0.0
        for node in members:
            places[node] = (left, top)
            top += snap(sizes[node][1]) + 3 * GRID
        left += snap(max(sizes[node][0] for node in members)) + 9 * GRID
    return places


def _feeder_height(graph: Graph, places: Mapping[str, Point], node: str) -> float:
    tops = [
        places[w.source[0]][1] for w in graph.wires if w.target[0] == node if w.source[0] in places
    ]
    return sum(tops) / len(tops) if tops else 0.0
