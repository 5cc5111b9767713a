"""The canvas: keeps boxes and wires in step with the document and turns gestures into edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPen
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsPathItem,
    QGraphicsScene,
    QGraphicsSceneMouseEvent,
)

from syntalos_miniscope.project import GraphNode, ProjectError
from syntalos_miniscope_ui.arrange import Point, Rect, snap
from syntalos_miniscope_ui.canvas.box_item import BoxItem, PortItem
from syntalos_miniscope_ui.canvas.wire_item import LoadLabel, WireItem, curve
from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.theme import Theme

LOCKED = "The graph is fixed while a run is on: stop it first"


class GraphScene(QGraphicsScene):
    """The drawing of a document. Edits go to the document, and come back by `refresh`."""

    box_opened = Signal(str)
    """A box was double-clicked: its id."""
    wire_opened = Signal(str)
    """A wire was double-clicked: the end it goes to, as `node.port`."""
    dropped_on_nothing = Signal(object, QPointF)
    """A wire was let go over the empty canvas: its port, and the place."""
    complained = Signal(str)
    """An edit did not fit; the text says why."""

    def __init__(self, document: Document, theme: Theme) -> None:
        super().__init__()
        self.document = document
        self.theme = theme
        self.locked = False
        """Whether boxes and wires are fixed, as they are during a run."""
        self.boxes: dict[str, BoxItem] = {}
        self.wires: dict[str, WireItem] = {}
        self._pulling: PortItem | None = None
        self._lifted: str | None = None
        self._rubber = QGraphicsPathItem()
        self._rubber.setZValue(5)
        self._hint = LoadLabel(theme)
        self._hint.setZValue(6)
        for item in (self._rubber, self._hint):
            item.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
            item.hide()
            self.addItem(item)
        document.listeners.append(self.refresh)
        self.refresh()

    # The document's side

    def set_document(self, document: Document) -> None:
        """Draw another document."""
        self.document.listeners.remove(self.refresh)
        self.document = document
        document.listeners.append(self.refresh)
        self.set_theme(self.theme)

    def set_theme(self, theme: Theme) -> None:
        """Draw everything anew in other colours."""
        self.theme = self._hint.theme = theme
        selected = self.selected_boxes()
        for node_id in list(self.boxes):
            self._drop_box(node_id)
        self.refresh()
        self.select([node_id for node_id in selected if node_id in self.boxes])

    def refresh(self) -> None:
        """Draw what the document has now; boxes that are the same keep their items."""
        nodes = self.document.graph.nodes
        present = {".".join(wire.target): wire for wire in self.document.graph.wires}
        for target, item in list(self.wires.items()):
            wire = present.get(target)
            if wire is None or item.source.end != wire.source or wire.target[0] not in nodes:
                self._drop_wire(target)
        for node_id, box in list(self.boxes.items()):
            if node_id not in nodes or not _same_shape(box.node, nodes[node_id]):
                self._drop_box(node_id)
        for node_id, node in nodes.items():
            if node_id in self.boxes:
                self.boxes[node_id].show_node(node)
            else:
                self._add_box(node_id, node)
            self.boxes[node_id].setPos(QPointF(*node.box.position))
        for target, wire in present.items():
            if target not in self.wires:
                source = self.boxes[wire.source[0]].port(wire.source[1])
                into = self.boxes[wire.target[0]].port(wire.target[1])
                self.wires[target] = WireItem(source, into, self.theme)
                self.addItem(self.wires[target])
                self.addItem(self.wires[target].label)
        self.setSceneRect(self.content().adjusted(-2000, -2000, 2000, 2000))

    def content(self) -> QRectF:
        """Give what the boxes take up, with a margin."""
        area = QRectF()
        for box in self.boxes.values():
            area = area.united(box.sceneBoundingRect())
        return area.adjusted(-48, -32, 48, 32)

    def rects(self, boxes: Iterable[str]) -> dict[str, Rect]:
        """Give place and size of boxes."""
        items = {node_id: self.boxes[node_id] for node_id in boxes}
        return {name: (item.x(), item.y(), *item.size()) for name, item in items.items()}

    def _add_box(self, node_id: str, node: GraphNode) -> None:
        folder = self.document.catalog.folders.get(node.box.type)
        icon = QSvgRenderer()
        if folder and folder.icon.is_file():
            icon.load(str(folder.icon))
        name = folder.name if folder else node.box.type
        box = BoxItem(node_id, node, name, icon, self.theme, self.document.missing(node_id))
        self.boxes[node_id] = box
        self.addItem(box)

    def _drop_wire(self, target: str) -> None:
        wire = self.wires.pop(target)
        self.removeItem(wire.label)
        self.removeItem(wire)

    def _drop_box(self, node_id: str) -> None:
        for target, wire in list(self.wires.items()):
            if node_id in (wire.source.end[0], wire.into.end[0]):
                self._drop_wire(target)
        self.removeItem(self.boxes.pop(node_id))

    # What is selected

    def selected_boxes(self) -> list[str]:
        """Give the ids of the selected boxes."""
        return [node_id for node_id, box in self.boxes.items() if box.isSelected()]

    def selected_wires(self) -> list[str]:
        """Give the selected wires, by the end they go to."""
        return [target for target, wire in self.wires.items() if wire.isSelected()]

    def select(self, boxes: Sequence[str]) -> None:
        """Select these boxes and nothing else, and say so once."""
        with QSignalBlocker(self):
            self.clearSelection()
            for node_id in boxes:
                self.boxes[node_id].setSelected(True)
        self.selectionChanged.emit()

    def select_next(self, step: int) -> None:
        """Select the next box, or the one before with -1, in reading order."""
        order = sorted(self.boxes, key=lambda b: (self.boxes[b].x() // 200, self.boxes[b].y()))
        if order:
            chosen = self.selected_boxes()
            at = order.index(chosen[-1]) + step if chosen else (0 if step > 0 else -1)
            self.select([order[at % len(order)]])

    # What the hand does

    def follow(self, node_id: str) -> None:
        """Let the wires of a box that moves follow it."""
        for wire in self.wires.values():
            if node_id in (wire.source.end[0], wire.into.end[0]):
                wire.follow()

    def mousePressEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin a wire at a port; leave the rest to the items."""
        port = self._port_at(event.scenePos())
        if port and event.button() is Qt.MouseButton.LeftButton:
            if self.locked:
                self.complained.emit(LOCKED)
            else:
                self._begin_wire(port, event.scenePos())
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Pull the wire along and say whether it would fit here."""
        if self._pulling is None:
            super().mouseMoveEvent(event)
        else:
            self._pull_to(event.scenePos())

    def mouseReleaseEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End a wire, or make the move of boxes an edit."""
        if self._pulling is not None:
            self._end_wire(event.scenePos())
            return
        super().mouseReleaseEvent(event)
        self._commit_move()

    def mouseDoubleClickEvent(self, event: QGraphicsSceneMouseEvent) -> None:  # noqa: N802
        """Open a box or a wire."""
        item = self.thing_at(event.scenePos())
        if isinstance(item, BoxItem):
            self.box_opened.emit(item.node_id)
        elif isinstance(item, WireItem):
            self.wire_opened.emit(item.target)

    def thing_at(self, where: QPointF) -> BoxItem | WireItem | None:
        """Give the box or the wire at a place; ports and rates belong to them."""
        labels: dict[QGraphicsItem, WireItem] = {w.label: w for w in self.wires.values()}
        for item in self.items(where):
            thing = item.box if isinstance(item, PortItem) else labels.get(item, item)
            if isinstance(thing, (BoxItem, WireItem)):
                return thing
        return None

    def _commit_move(self) -> None:
        places: Mapping[str, Point] = {
            node_id: (snap(box.x()), snap(box.y()))
            for node_id, box in self.boxes.items()
            if (box.x(), box.y()) != box.node.box.position
        }
        if places:
            self.document.move(places)

    def _port_at(self, where: QPointF) -> PortItem | None:
        return next((item for item in self.items(where) if isinstance(item, PortItem)), None)

    def _begin_wire(self, port: PortItem, where: QPointF) -> None:
        lifted = self.wires.get(".".join(port.end)) if port.is_input else None
        if lifted:  # pulling at an input that is wired takes that end of the wire along
            self._lifted = lifted.target
            lifted.hide()
            port = lifted.source
        self._pulling = port
        for box in self.boxes.values():
            for other in box.ports.values():
                fits = other.is_input is not port.is_input and self._misfit(other) is None
                other.mark(lit=fits, dimmed=not fits and other is not port)
        self._rubber.setPen(QPen(self.theme.wire(port.port.type), 2.4, Qt.PenStyle.DashLine))
        self._rubber.show()
        self._pull_to(where)

    def _pull_to(self, where: QPointF) -> None:
        port, under = self._pulling, self._port_at(where)
        assert port is not None
        tip = under.tip() if under and under.is_input is not port.is_input else where
        ends = (tip, port.tip()) if port.is_input else (port.tip(), tip)
        self._rubber.setPath(curve(*ends))
        why = self._misfit(under) if under and under is not port else None
        self._hint.show_text(why or "", alarm=True)
        self._hint.setPos(where + QPointF(0, 28))

    def _end_wire(self, where: QPointF) -> None:
        port, lifted, under = self._pulling, self._lifted, self._port_at(where)
        assert port is not None
        self.cancel_wire()
        if under is None or under is port:
            if lifted:
                self.document.remove((), (lifted,))
            elif under is None:
                self.dropped_on_nothing.emit(port, where)
            return
        self._pulling = port
        why = self._misfit(under)
        self._pulling = None
        if why:
            self.complained.emit(why)
            return
        source, target = (under.end, port.end) if port.is_input else (port.end, under.end)
        try:
            if lifted == ".".join(target):
                return
            self.document.connect(source, target, instead_of=lifted)
        except ProjectError as error:
            self.complained.emit(str(error))

    def cancel_wire(self) -> None:
        """Let go of a wire that is being drawn."""
        if self._lifted and self._lifted in self.wires:
            self.wires[self._lifted].show()
        self._pulling = self._lifted = None
        self._rubber.hide()
        self._hint.hide()
        for box in self.boxes.values():
            for port in box.ports.values():
                port.mark(lit=False, dimmed=False)

    def _misfit(self, other: PortItem) -> str | None:
        port = self._pulling
        assert port is not None
        if other.is_input is port.is_input:
            both = "inputs" if port.is_input else "outputs"
            return f"Both are {both}"
        ends = (other.end, port.end) if port.is_input else (port.end, other.end)
        return self.document.misfit(*ends)


def _same_shape(one: GraphNode, other: GraphNode) -> bool:
    return one.type is other.type and one.box.title == other.box.title
