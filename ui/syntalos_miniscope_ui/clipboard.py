"""Boxes on the clipboard: the text of a project, put among others without hiding any of them."""

from __future__ import annotations

import re
from collections.abc import Collection

from syntalos_miniscope.project import Project, Wire, parse

STEP = 32.0
"""How far a copy lies from what it would cover, to the right and down."""


def copied(project: Project, boxes: Collection[str]) -> str:
    """Give boxes and the wires between them as the text of a project."""
    return Project(
        nodes=tuple(box for box in project.nodes if box.id in boxes),
        wires=tuple(
            wire
            for wire in project.wires
            if wire.source_end[0] in boxes and wire.target_end[0] in boxes
        ),
    ).to_toml()


def pasted(project: Project, text: str) -> tuple[Project, list[str]]:
    """Give a project with the boxes of a copied text as well, and their ids.

    Ids and titles that are taken get a number, and nothing is laid exactly on another box.
    ProjectError if the text is no project.
    """
    added = parse(text, "clipboard")
    ids = {box.id for box in project.nodes}
    titles = {box.title for box in project.nodes}
    taken = {box.position for box in project.nodes}
    offset = STEP
    while any((x + offset, y + offset) in taken for x, y in (box.position for box in added.nodes)):
        offset += STEP
    names: dict[str, str] = {}
    nodes = list(project.nodes)
    for box in added.nodes:
        names[box.id] = free_id(box.id, ids)
        new = {
            "id": names[box.id],
            "title": free_title(box.title, titles),
            "position": (box.position[0] + offset, box.position[1] + offset),
        }
        nodes.append(box.model_copy(update=new))
        ids.add(names[box.id])
        titles.add(nodes[-1].title)
    wires = (
        Wire.model_validate({"from": f"{names[source]}.{out}", "to": f"{names[target]}.{into}"})
        for wire in added.wires
        for (source, out), (target, into) in [(wire.source_end, wire.target_end)]
        if source in names and target in names
    )
    both = project.model_copy(
        update={"nodes": tuple(nodes), "wires": (*project.wires, *wires)},
    )
    return both, list(names.values())


def free_id(wanted: str, taken: Collection[str]) -> str:
    """Give an id that is not taken: the wanted one, or one with a number."""
    stem = wanted.rstrip("0123456789").removesuffix("_") or wanted
    ids = (wanted, *(f"{stem}_{number}" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in ids if candidate not in taken)


def free_title(wanted: str, taken: Collection[str]) -> str:
    """Give a title that no other box has; none stays none."""
    stem = re.sub(r" \d+$", "", wanted) or wanted
    titles = (wanted, *(f"{stem} {number}" for number in range(2, len(taken) + 3)))
    return next(title for title in titles if not title or title not in taken)
