"""A box on the canvas: title, state dot, two status lines, and a flag for every port."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from syntalos_miniscope.node import In, Out
from syntalos_miniscope.project import GraphNode
from syntalos_miniscope_ui.arrange import GRID
from syntalos_miniscope_ui.document import TYPE_WORDS
from syntalos_miniscope_ui.theme import Theme

HEAD, LINE, ROW, PAD, FLAG = 32.0, 17.0, 24.0, 12.0, 13.0
MIN_WIDTH, MAX_WIDTH = 192.0, 320.0
_FOLDERS = re.compile(r"(?<!\S)(?:file:/*)?/(?:[^/\n:]+/)+")
"""The folders of a path: on a box the name has to do, the tooltip has all of it."""


def _font(pixels: int, bold: bool = False) -> QFont:
    font = QFont()
    font.setPixelSize(pixels)
    font.setBold(bold)
    return font


class PortItem(QGraphicsItem):
    """The flag and the name of one port; the flag's tip is where wires end."""

    def __init__(self, box: BoxItem, port: In | Out, row: int) -> None:
        super().__init__(box)
        self.box = box
        self.port = port
        self.is_input = isinstance(port, In)
        self.end = (box.node_id, port.id)
        self.dimmed = False
        self.lit = False
        y = HEAD + 2 * LINE + PAD + ROW * row
        self.setPos(0 if self.is_input else box.width, y)
        self.setAcceptHoverEvents(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        direction = "in" if self.is_input else "out"
        self.setToolTip(f"{port.title}: {TYPE_WORDS[port.type]} {direction} ({port.id})")

    def tip(self) -> QPointF:
        """Give the end of the flag, in the scene."""
        return self.mapToScene(QPointF(-FLAG if self.is_input else FLAG, ROW / 2))

    def mark(self, *, lit: bool, dimmed: bool) -> None:
        """Show whether a wire that is being drawn could end here."""
        self.lit, self.dimmed = lit, dimmed
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Give the flag with its glow and the label."""
        label = self.box.label_room(self) + PAD
        left = -FLAG - 6 if self.is_input else -label
        return QRectF(left, -2, label + FLAG + 6, ROW + 4)

    def shape(self) -> QPainterPath:
        """Give what the mouse may grab: the flag, generously."""
        path = QPainterPath()
        path.addRect(QRectF(-FLAG - 6 if self.is_input else -10, 0, FLAG + 16, ROW))
        return path

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the flag and the name."""
        theme = self.box.theme
        painter.setOpacity(0.3 if self.dimmed else 1.0)
        left, tip = (-FLAG, -1.0) if self.is_input else (0.0, FLAG)
        corners = [(left, 4), (tip - 5, 4), (tip, ROW / 2), (tip - 5, ROW - 4), (left, ROW - 4)]
        flag = QPolygonF([QPointF(x, y) for x, y in corners])
        colour = theme.wire(self.port.type)
        if self.lit:
            painter.setPen(QPen(QColor(colour.red(), colour.green(), colour.blue(), 110), 8))
            painter.drawPolygon(flag)
        painter.setPen(QPen(QColor(theme.box_edge), 1.2))
        painter.setBrush(colour)
        painter.drawPolygon(flag)
        painter.setFont(_font(12, self.lit))
        painter.setPen(QColor(theme.text))
        room = self.box.label_room(self)
        align = Qt.AlignmentFlag.AlignLeft if self.is_input else Qt.AlignmentFlag.AlignRight
        text = QFontMetricsF(painter.font()).elidedText(
            self.port.title, Qt.TextElideMode.ElideRight, room
        )
        left = 7.0 if self.is_input else -7.0 - room
        painter.drawText(QRectF(left, 0, room, ROW), align | Qt.AlignmentFlag.AlignVCenter, text)


class BoxItem(QGraphicsItem):
    """One box of the project. It shows what it is told; the scene hears what the hand does."""

    def __init__(
        self,
        node_id: str,
        node: GraphNode,
        type_name: str,
        icon: QSvgRenderer,
        theme: Theme,
        missing: str | None = None,
    ) -> None:
        super().__init__()
        self._missing = missing
        self.node_id = node_id
        self.node = node
        self.type_name = type_name
        self.theme = theme
        self.state = "idle"
        self.lines = ("", "")
        self.error: str | None = None
        self._shown: object = None
        self._icon = icon
        self.setFlags(
            QGraphicsItem.GraphicsItemFlag.ItemIsMovable
            | QGraphicsItem.GraphicsItemFlag.ItemIsSelectable
            | QGraphicsItem.GraphicsItemFlag.ItemSendsGeometryChanges
        )
        self.setZValue(1)
        self._measure()
        ports = [(port, row) for row, port in enumerate(node.type.inputs)]
        ports += [(port, row) for row, port in enumerate(node.type.outputs)]
        self.ports = {port.id: PortItem(self, port, row) for port, row in ports}
        self.show_state("idle", "", None, "")

    def port(self, port_id: str) -> PortItem:
        """Give a port by id."""
        return self.ports[port_id]

    def show_state(self, state: str, text: str, error: str | None, counts: str) -> None:
        """Show how the box is doing: its own words, its counters, or what went wrong."""
        kind = self.type_name if self.type_name != self.node.box.label else ""
        error = error or self._missing
        shown = (state, error, (text or kind or state, error or counts))
        if shown == self._shown:
            return
        self._shown = shown
        self.state, self.error, self.lines = shown
        tip = f"<b>{self.node.box.label}</b> ({self.node_id})"
        self.setToolTip("<br>".join(part for part in (tip, text, counts, error or "") if part))
        self.update()

    def show_node(self, node: GraphNode) -> None:
        """Take another title or other settings; the ports stay."""
        self.node = node
        self.update()

    def label_room(self, port: PortItem) -> float:
        """Give the width that a port's name may take."""
        row_is_shared = min(len(self.node.type.inputs), len(self.node.type.outputs)) > 0
        return self.width / 2 - PAD if row_is_shared else self.width - 2 * PAD

    def dot(self) -> QColor:
        """Give the colour of the dot: how the box is doing, or that something is wrong with it."""
        return QColor(self.theme.bad) if self.error else self.theme.state(self.state)

    def size(self) -> tuple[float, float]:
        """Give width and height of the body."""
        return self.width, self.height

    def _measure(self) -> None:
        names, head = QFontMetricsF(_font(12)), QFontMetricsF(_font(14, bold=True))
        inputs = [names.horizontalAdvance(port.title) for port in self.node.type.inputs]
        outputs = [names.horizontalAdvance(port.title) for port in self.node.type.outputs]
        sides = [width + 2 * PAD for width in (max(inputs, default=0), max(outputs, default=0))]
        both = 2 * max(sides) if inputs and outputs else max(sides)
        title = head.horizontalAdvance(self.node.box.label) + 70
        width = min(max(MIN_WIDTH, both, title), MAX_WIDTH)
        rows = max(len(inputs), len(outputs))
        self.width = GRID * -(-width // GRID)
        self.height = HEAD + 2 * LINE + PAD + ROW * rows + (6 if rows else 0)

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Give the body with its shadow."""
        return QRectF(-4, -4, self.width + 8, self.height + 10)

    def shape(self) -> QPainterPath:
        """Give the body."""
        path = QPainterPath()
        path.addRoundedRect(QRectF(0, 0, self.width, self.height), 8, 8)
        return path

    def itemChange(self, change: QGraphicsItem.GraphicsItemChange, value: Any) -> Any:  # noqa: N802
        """Tell the scene that the box is being moved, so that wires follow."""
        scene: Any = self.scene()
        if change is QGraphicsItem.GraphicsItemChange.ItemPositionHasChanged and scene:
            scene.follow(self.node_id)
        return super().itemChange(change, value)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the box."""
        theme, body = self.theme, self.shape()
        painter.fillPath(body.translated(1.5, 3), QColor(0, 0, 0, 60))
        painter.fillPath(body, QColor(theme.box))
        painter.save()
        painter.setClipPath(body)
        painter.fillRect(QRectF(0, 0, self.width, HEAD), QColor(theme.box_head))
        painter.restore()
        edge = theme.bad if self.error else theme.box_edge
        edge = theme.selected if self.isSelected() else edge
        painter.setPen(QPen(QColor(edge), 2.2 if self.isSelected() else 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(body)
        self._paint_head(painter)
        self._paint_lines(painter)

    def _paint_head(self, painter: QPainter) -> None:
        theme = self.theme
        painter.setPen(QPen(QColor(theme.box_edge), 1))
        painter.setBrush(self.dot())
        painter.drawEllipse(QPointF(16, HEAD / 2), 5.5, 5.5)
        self._icon.render(painter, QRectF(self.width - 28, HEAD / 2 - 10, 20, 20))
        painter.setFont(_font(14, bold=True))
        painter.setPen(QColor(theme.text))
        room = QRectF(28, 0, self.width - 62, HEAD)
        _draw_elided(painter, room, self.node.box.label)

    def _paint_lines(self, painter: QPainter) -> None:
        theme = self.theme
        painter.setFont(_font(12))
        painter.setPen(QColor(theme.bad if self.error else theme.faint))
        lines = self.lines
        if self.error or not lines[1]:
            lines = in_two_lines(self.error or lines[0], painter.font(), self.width - 2 * PAD)
        for number, line in enumerate(lines):
            room = QRectF(PAD, HEAD + 5 + LINE * number, self.width - 2 * PAD, LINE)
            _draw_elided(painter, room, line)


def in_two_lines(text: str, font: QFont, room: float) -> tuple[str, str]:
    """Give a sentence as a box has room for it: without folders, broken between words."""
    words = _FOLDERS.sub("…/", text).split(" ")
    wide = QFontMetricsF(font).horizontalAdvance
    fitting = [n for n in range(1, len(words) + 1) if wide(" ".join(words[:n])) <= room]
    first = max(fitting, default=1)
    return " ".join(words[:first]), " ".join(words[first:])


def _draw_elided(painter: QPainter, room: QRectF, text: str) -> None:
    shown = QFontMetricsF(painter.font()).elidedText(
        text, Qt.TextElideMode.ElideRight, room.width()
    )
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
