"""Finding by typing: a box to add, a wire to draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPointF
from PySide6.QtGui import QCursor

from syntalos_miniscope_ui.canvas.box_item import PortItem
from syntalos_miniscope_ui.canvas.editing import Editing
from syntalos_miniscope_ui.canvas.view import GraphView
from syntalos_miniscope_ui.palette import entries
from syntalos_miniscope_ui.search import Entry, SearchPopup


class Finder:
    """Opens a search popup over the canvas, and does what was picked."""

    def __init__(self, view: GraphView, editing: Editing, say: Callable[[str], None]) -> None:
        self._view = view
        self._editing = editing
        self._say = say

    def ask_add(self) -> None:
        """Search a box and add it in the middle of the view."""
        self._popup(entries(self._editing.catalog), "Add a box", self.add_in_view)

    def ask_add_for(self, port: PortItem, where: QPointF) -> None:
        """Search a box that a port can be wired to, and add it there with the wire."""
        fitting = self._editing.fitting_types(port)
        lines = entries(self._editing.catalog, lambda type_id: type_id in fitting)
        self._popup(
            lines,
            f"Wire {port.port.title} to a new box",
            lambda type_id: self._editing.add(type_id, where, port),
        )

    def ask_connect(self) -> None:
        """Pick a wire to draw at the selected box, or to take off."""
        lines = [Entry(text, wire) for text, wire in self._editing.wire_changes()]
        if lines:
            self._popup(lines, "Connect", self._editing.change_wire)
        else:
            self._say("Select one box that a wire would fit to")

    def add_in_view(self, type_id: str) -> None:
        """Add a box near the middle of what is seen."""
        self._editing.add(type_id, self._view.free_place())
        self._view.setFocus()

    def _popup(self, lines: list[Entry], hint: str, then: Callable[[Any], object]) -> None:
        # Not a child of the view, whose keys (Return, Tab) would be taken from the search.
        popup = SearchPopup(self._view.window(), lines, hint)
        popup.chosen.connect(then)
        inside = self._view.rect().contains(self._view.mapFromGlobal(QCursor.pos()))
        middle = self._view.mapToGlobal(self._view.rect().center())
        popup.open_at(QCursor.pos() if inside else middle)
