"""A wire on the canvas: a curve in the colour of its stream, arrows, and what it carries."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPainterPathStroker,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from syntalos_miniscope_ui.canvas.box_item import PortItem
from syntalos_miniscope_ui.theme import Theme


def curve(start: QPointF, end: QPointF) -> QPainterPath:
    """Give the way of a wire: out to the right, in from the left."""
    reach = max(40.0, min(abs(end.x() - start.x()) / 2, 160.0))
    if end.x() < start.x():
        reach = min(40.0 + (start.x() - end.x()) / 2, 220.0)
    path = QPainterPath(start)
    path.cubicTo(start + QPointF(reach, 0), end - QPointF(reach, 0), end)
    return path


class WireItem(QGraphicsItem):
    """One wire of the project; `target` is its name, since an input takes one wire."""

    def __init__(self, source: PortItem, into: PortItem, theme: Theme) -> None:
        super().__init__()
        self.source = source
        self.into = into
        self.theme = theme
        self.target = ".".join(into.end)
        self.label = LoadLabel(theme)
        self.alarm = False
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)
        self.setAcceptHoverEvents(True)
        self.setToolTip(
            f"{source.box.node.box.label}: {source.port.title} → "
            f"{into.box.node.box.label}: {into.port.title}"
        )
        self._hovered = False
        self.follow()

    def follow(self) -> None:
        """Lie between the two ports, wherever they are now."""
        self.prepareGeometryChange()
        self._path = curve(self.source.tip(), self.into.tip())
        self._place_label()

    def _place_label(self) -> None:
        room = self._path.boundingRect().width() - 16
        # On a short wire the plate would cover the ports on both sides.
        lift = 0.0 if self.label.boundingRect().width() <= room else 24.0
        self.label.setPos(self._path.pointAtPercent(0.5) - QPointF(0, lift))

    def show_load(self, items_per_s: float | None, dropped: int, *, alarm: bool) -> None:
        """Show what flows and how much was dropped, in red while it drops; None shows no rate."""
        load = "" if items_per_s is None else rate_text(items_per_s)
        if dropped:
            load = f"{load} · {dropped:,} dropped" if load else f"{dropped:,} dropped"
        if (load, alarm) != (self.label.text, self.alarm):
            self.alarm = alarm
            self.label.show_text(load, alarm)
            self._place_label()
            self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Give the curve with its arrows."""
        return self._path.boundingRect().adjusted(-12, -12, 12, 12)

    def shape(self) -> QPainterPath:
        """Give what the mouse may grab."""
        stroker = QPainterPathStroker()
        stroker.setWidth(12)
        return stroker.createStroke(self._path)

    def hoverEnterEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Grow under the mouse."""
        self._hovered = True
        self.update()

    def hoverLeaveEvent(self, event: object) -> None:  # noqa: N802 - Qt's name
        """Shrink again."""
        self._hovered = False
        self.update()

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the wire."""
        colour = QColor(self.theme.bad) if self.alarm else self.theme.wire(self.source.port.type)
        width = 3.4 if self._hovered else 2.4
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.isSelected():
            painter.setPen(QPen(QColor(self.theme.selected), width + 5))
            painter.drawPath(self._path)
        painter.setPen(QPen(QColor(self.theme.box_edge), width + 1.6))
        painter.drawPath(self._path)
        painter.setPen(QPen(colour, width))
        painter.drawPath(self._path)
        painter.setBrush(colour)
        painter.setPen(QPen(QColor(self.theme.box_edge), 0.8))
        for place in (0.25, 0.75):
            painter.drawPolygon(self._arrow(place))

    def _arrow(self, place: float) -> QPolygonF:
        tip = self._path.pointAtPercent(place)
        before = self._path.pointAtPercent(place - 0.02)
        along = tip - before
        length = max((along.x() ** 2 + along.y() ** 2) ** 0.5, 1e-6)
        along = along / length * 6.0
        side = QPointF(-along.y(), along.x()) * 0.8
        return QPolygonF([tip + along, tip - along + side, tip - along * 0.5, tip - along - side])


class LoadLabel(QGraphicsItem):
    """What a wire carries, on a plate in its middle, above the boxes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.text = ""
        self.alarm = False
        self._font = QFont()
        self._font.setPixelSize(11)
        self.setZValue(2)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.hide()

    def show_text(self, text: str, alarm: bool) -> None:
        """Show a few words, in red if somebody should look."""
        self.prepareGeometryChange()
        self.text, self.alarm = text, alarm
        self.setVisible(bool(text))
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Give the plate."""
        wide = QFontMetricsF(self._font).horizontalAdvance(self.text) + 16
        return QRectF(-wide / 2, -10, wide, 20)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the plate."""
        plate = self.boundingRect().adjusted(1, 1, -1, -1)
        painter.setPen(QPen(QColor(self.theme.box_edge), 1))
        painter.setBrush(QColor(self.theme.bad if self.alarm else self.theme.box_head))
        painter.drawRoundedRect(plate, 9, 9)
        painter.setFont(self._font)
        painter.setPen(QColor("#FFFFFF" if self.alarm else self.theme.text))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, self.text)


def rate_text(items_per_s: float) -> str:
    """Give a rate in few characters, such as `30.0/s` or `12k/s`."""
    if items_per_s >= 10_000:
        return f"{items_per_s / 1000:.0f}k/s"
    return f"{items_per_s:.0f}/s" if items_per_s >= 100 else f"{items_per_s:.1f}/s"
