"""What a person does to the selection: copy, paste, remove, nudge, align, connect."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF
from PySide6.QtGui import QGuiApplication

from syntalos_miniscope.catalog import Catalog, CatalogError
from syntalos_miniscope.project import GraphWire, ProjectError
from syntalos_miniscope_ui.arrange import GRID, Edge, align, snap, tidy
from syntalos_miniscope_ui.canvas.box_item import PortItem
from syntalos_miniscope_ui.canvas.scene import LOCKED, GraphScene
from syntalos_miniscope_ui.document import Document, End


class Editing:
    """Edits by menu and keyboard, on what is selected in the scene.

    During a run the graph is fixed: an edit that would change it is told to `say` instead.
    """

    def __init__(self, scene: GraphScene, say: Callable[[str], None]) -> None:
        self._scene = scene
        self._say = say

    @property
    def _document(self) -> Document:
        return self._scene.document

    @property
    def catalog(self) -> Catalog:
        """The boxes that can be had."""
        return self._document.catalog

    def _may_change(self) -> bool:
        if self._scene.locked:
            self._say(LOCKED)
        return not self._scene.locked

    def undo(self) -> None:
        """Take back the last edit."""
        if self._may_change():
            self._document.undo()

    def redo(self) -> None:
        """Do again what was taken back."""
        if self._may_change():
            self._document.redo()

    def add(self, type_id: str, where: QPointF, wire_from: PortItem | None = None) -> None:
        """Add a box with its top left corner at a place, wired to a port if one is given."""
        if not self._may_change():
            return
        try:
            new = self._document.add(type_id, (snap(where.x()), snap(where.y())))
        except ProjectError as error:
            self._say(str(error))
            return
        if wire_from is not None:
            self._wire_first_fit(new, wire_from)
        self._scene.select([new])

    def fitting_types(self, port: PortItem) -> set[str]:
        """Give the node types that have a port to wire this one to."""
        fitting: set[str] = set()
        for type_id in self._document.catalog.folders:
            try:
                node = self._document.catalog.node(type_id)
            except CatalogError:
                # Adding that box says what is wrong with it; the others can be had.
                continue
            ports = node.outputs if port.is_input else node.inputs
            if any(other.type is port.port.type for other in ports):
                fitting.add(type_id)
        return fitting

    def _wire_first_fit(self, node_id: str, port: PortItem) -> None:
        for other in self._scene.boxes[node_id].ports.values():
            ends: tuple[End, End] = (
                (other.end, port.end) if port.is_input else (port.end, other.end)
            )
            if other.is_input is port.is_input:
                continue
            if self._document.misfit(*ends) is None:
                self._document.connect(*ends)
                return

    def remove(self) -> None:
        """Take away what is selected."""
        boxes, wires = self._scene.selected_boxes(), self._scene.selected_wires()
        if (boxes or wires) and self._may_change():
            self._document.remove(boxes, wires)

    def copy(self) -> None:
        """Put the selected boxes on the clipboard, as the text of a project."""
        if boxes := self._scene.selected_boxes():
            QGuiApplication.clipboard().setText(self._document.copy(boxes))

    def cut(self) -> None:
        """Copy, then remove."""
        if self._scene.selected_boxes() and self._may_change():
            self.copy()
            self.remove()

    def paste(self) -> None:
        """Add the boxes that are on the clipboard."""
        if self._may_change():
            self._paste(QGuiApplication.clipboard().text())

    def duplicate(self) -> None:
        """Add the selected boxes once more."""
        if (boxes := self._scene.selected_boxes()) and self._may_change():
            self._paste(self._document.copy(boxes))

    def _paste(self, text: str) -> None:
        try:
            self._scene.select(self._document.paste(text))
        except ProjectError:
            self._say("The clipboard holds no boxes")

    def select_all(self) -> None:
        """Select every box."""
        self._scene.select(list(self._scene.boxes))

    def select_next(self, step: int) -> None:
        """Select the next box, or the one before."""
        self._scene.select_next(step)

    def nudge(self, columns: int, rows: int) -> None:
        """Move the selected boxes by steps of the grid."""
        boxes = self._scene.selected_boxes()
        self._document.move(
            {
                node_id: (left + columns * GRID, top + rows * GRID)
                for node_id, (left, top, _, _) in self._scene.rects(boxes).items()
            },
            merge=("nudge", *boxes),
        )

    def align(self, edge: Edge) -> None:
        """Put the selected boxes on one line."""
        boxes = self._scene.selected_boxes()
        if len(boxes) > 1:
            self._document.move(align(self._scene.rects(boxes), edge))

    def tidy(self) -> None:
        """Lay everything out in columns from left to right."""
        sizes = {node_id: box.size() for node_id, box in self._scene.boxes.items()}
        self._document.move(tidy(self._document.graph, sizes))

    def wire_changes(self) -> list[tuple[str, GraphWire]]:
        """Give, in words, the wires that could be drawn at the selected box or taken off it."""
        boxes, label = self._scene.selected_boxes(), self._document.label
        if len(boxes) != 1:
            return []
        there = [w for w in self._document.graph.wires if boxes[0] in (w.source[0], w.target[0])]

        def words(w: GraphWire) -> str:
            return f"{label(w.source[0])}: {w.out.title}  →  {label(w.target[0])}: {w.into.title}"

        drawn = [(words(wire), wire) for wire in self._document.connections(boxes[0])]
        return drawn + [(f"Take off  {words(wire)}", wire) for wire in there]

    def change_wire(self, wire: GraphWire) -> None:
        """Draw a wire, or take it off if it is there."""
        if not self._may_change():
            return
        if wire in self._document.graph.wires:
            self._document.remove((), [".".join(wire.target)])
        else:
            self._document.connect(wire.source, wire.target)
