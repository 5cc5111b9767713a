"""The project that is being edited: every change is checked, heard and can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.node import In, Out, Settings
from syntalos_miniscope.project import (
    Box,
    Graph,
    GraphWire,
    Project,
    Wire,
    check,
    load,
    save,
)
from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame, ItemType, TableRow
from syntalos_miniscope_ui import clipboard
from syntalos_miniscope_ui.missing import missing_types, stand_ins

Point = tuple[float, float]
End = tuple[str, str]
"""Node and port."""

TYPE_WORDS: Mapping[ItemType, str] = {
    Frame: "frames",
    FloatSignalBlock: "signals",
    TableRow: "table rows",
    Control: "commands",
}
"""What a person calls the things that travel."""


@dataclass(frozen=True, slots=True)
class _Edit:
    label: str
    before: Project
    merge: Hashable


class Document:
    """A project under edit, always one that `project.check` accepts, but for missing node types.

    An edit that does not fit raises ProjectError and changes nothing. `listeners` are called
    after every change, `undo` and `redo` included.
    """

    def __init__(
        self, catalog: Catalog, project: Project | None = None, file: Path | None = None
    ) -> None:
        self.catalog = catalog
        self.file = file
        self.listeners: list[Callable[[], None]] = []
        project = project or Project()
        self._missing = missing_types(project, catalog)
        self._types = catalog.with_stand_ins(stand_ins(project, catalog, self._missing))
        self._graph = check(project, self._types, str(file or "project"))
        self._saved: Project | None = self._graph.project
        self._done: list[_Edit] = []
        self._undone: list[_Edit] = []

    @staticmethod
    def open(catalog: Catalog, file: Path) -> Document:
        """Read a project file; ProjectError if it cannot be used."""
        return Document(catalog, load(file), file)

    @property
    def project(self) -> Project:
        """The project as it stands."""
        return self._graph.project

    @property
    def graph(self) -> Graph:
        """The project with its ports and settings resolved, ready to run."""
        return self._graph

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self.project != self._saved

    def mark_unsaved(self) -> None:
        """Treat the project as one that was never saved, as after a recovery."""
        self._saved = None

    def mark_saved(self) -> None:
        """Treat the project as it stands as nothing to save."""
        self._saved = self.project

    def save(self, file: Path) -> None:
        """Write to a file, which becomes the document's own."""
        save(self.project, file)
        self.file, self._saved = file, self.project
        self._tell()

    # History

    @property
    def undo_label(self) -> str | None:
        """What `undo` would take back; None if there is nothing."""
        return self._done[-1].label if self._done else None

    @property
    def redo_label(self) -> str | None:
        """What `redo` would do again; None if there is nothing."""
        return self._undone[-1].label if self._undone else None

    def undo(self) -> None:
        """Take back the last edit, if there is one."""
        self._step(self._done, self._undone)

    def redo(self) -> None:
        """Do again what was taken back last, if anything was."""
        self._step(self._undone, self._done)

    def seal(self) -> None:
        """End a run of edits that merge, so that the next one can be taken back by itself."""
        if self._done:
            last = self._done[-1]
            self._done[-1] = _Edit(last.label, last.before, None)

    def _step(self, off: list[_Edit], onto: list[_Edit]) -> None:
        if off:
            edit = off.pop()
            onto.append(_Edit(edit.label, self.project, None))
            self._graph = check(edit.before, self._types, self._name)
            self._tell()

    def _change(self, label: str, merge: Hashable = None, **parts: object) -> None:
        project = self.project.model_copy(update=parts)
        if project == self.project:
            return
        graph = check(project, self._types, self._name)
        if merge is None or not self._done or self._done[-1].merge != merge:
            self._done.append(_Edit(label, self.project, merge))
        self._undone.clear()
        self._graph = graph
        self._tell()

    @property
    def _name(self) -> str:
        return self.file.name if self.file else "project"

    def _tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    # Boxes

    def add(self, type_id: str, at: Point) -> str:
        """Put a new box on the canvas and give its id."""
        folder = self.catalog.folders.get(type_id)
        name = folder.name if folder else type_id
        box = Box(
            id=clipboard.free_id(type_id, {box.id for box in self.project.nodes}),
            type=type_id,
            title=clipboard.free_title(name, {box.title for box in self.project.nodes}),
            position=at,
        )
        self._change(f"Add {name}", nodes=(*self.project.nodes, box))
        return box.id

    def remove(self, boxes: Collection[str], wires: Collection[str] = ()) -> None:
        """Take away boxes with their wires, and further wires, named by the end they go to."""
        kept = tuple(
            wire
            for wire in self.project.wires
            if wire.target not in wires
            and wire.source_end[0] not in boxes
            and wire.target_end[0] not in boxes
        )
        nodes = tuple(box for box in self.project.nodes if box.id not in boxes)
        label = "Remove " + (self.label(next(iter(boxes))) if len(boxes) == 1 else "selection")
        self._change(label if boxes else "Disconnect", nodes=nodes, wires=kept)

    def move(self, positions: Mapping[str, Point], merge: Hashable = None) -> None:
        """Put boxes somewhere else."""
        nodes = tuple(
            box.model_copy(update={"position": positions.get(box.id, box.position)})
            for box in self.project.nodes
        )
        self._change("Move", merge, nodes=nodes)

    def rename(self, node_id: str, title: str) -> None:
        """Give a box another title; its id, which wires use, stays."""
        self._edit_box(f"Rename {self.label(node_id)}", node_id, None, title=title.strip())

    def set_settings(self, node_id: str, settings: Settings, merge: Hashable = None) -> None:
        """Give a box other settings; what equals the default is left out of the file."""
        values = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        self._edit_box(f"Set {self.label(node_id)}", node_id, merge, settings=values)

    def settings(self, node_id: str) -> Settings:
        """Give the checked settings of a box."""
        return self._graph.nodes[node_id].settings

    def label(self, node_id: str) -> str:
        """Give what a person calls a box."""
        return self.project.box(node_id).label

    def missing(self, node_id: str) -> str | None:
        """Say why a box cannot run here: its type is not installed; None if it is."""
        return self._missing.get(self.project.box(node_id).type)

    def copy(self, boxes: Collection[str]) -> str:
        """Give boxes and the wires between them as the text of a project."""
        return clipboard.copied(self.project, boxes)

    def paste(self, text: str) -> list[str]:
        """Add the boxes of a copied text, beside those that are there, and give their ids."""
        project, ids = clipboard.pasted(self.project, text)
        self._change("Paste", nodes=project.nodes, wires=project.wires)
        return ids

    def _edit_box(self, label: str, node_id: str, merge: Hashable, **parts: object) -> None:
        nodes = tuple(
            box.model_copy(update=parts) if box.id == node_id else box for box in self.project.nodes
        )
        self._change(label, merge, nodes=nodes)

    # Wires

    def connect(self, source: End, target: End, instead_of: str | None = None) -> None:
        """Draw a wire; one that went to the same input before, or to `instead_of`, goes."""
        wire = _wire(source, target)
        gone = {wire.target, instead_of}
        others = tuple(other for other in self.project.wires if other.target not in gone)
        self._change("Connect", wires=(*others, wire))

    def misfit(self, source: End, target: End) -> str | None:
        """Say why a wire would not fit, in one line for a person; None if it fits."""
        out, into = self.output(source), self.input(target)
        if out.type is not into.type:
            return (
                f"{out.title} gives {TYPE_WORDS[out.type]}, "
                f"{into.title} takes {TYPE_WORDS[into.type]}"
            )
        if out.type is not Control and source[0] in self._fed_by(target):
            return "This would close a circle: only command wires may"
        return None

    def _fed_by(self, target: End) -> set[str]:
        """Give the boxes that data reaches from a box, if an input of it is wired anew."""
        wires = [w for w in self._graph.wires if w.out.type is not Control and w.target != target]
        reached, ahead = set[str](), {target[0]}
        while ahead:
            reached |= ahead
            ahead = {wire.target[0] for wire in wires if wire.source[0] in ahead} - reached
        return reached

    def connections(self, node_id: str) -> list[GraphWire]:
        """Give every wire that could be drawn from or to a box and is not there yet."""
        present = {(wire.source, wire.target) for wire in self._graph.wires}
        return [
            GraphWire(source, out, target, into)
            for source, out in self._outputs()
            for target, into in self._inputs()
            if node_id in (source[0], target[0])
            and (source, target) not in present
            and self.misfit(source, target) is None
        ]

    def output(self, end: End) -> Out:
        """Give an output port."""
        return next(p for p in self._graph.nodes[end[0]].type.outputs if p.id == end[1])

    def input(self, end: End) -> In:
        """Give an input port."""
        return next(p for p in self._graph.nodes[end[0]].type.inputs if p.id == end[1])

    def _outputs(self) -> list[tuple[End, Out]]:
        nodes = self._graph.nodes.items()
        return [((node, port.id), port) for node, made in nodes for port in made.type.outputs]

    def _inputs(self) -> list[tuple[End, In]]:
        nodes = self._graph.nodes.items()
        return [((node, port.id), port) for node, made in nodes for port in made.type.inputs]


def _wire(source: End, target: End) -> Wire:
    return Wire.model_validate({"from": ".".join(source), "to": ".".join(target)})
