"""The window onto the canvas: zoom, pan and fit, by mouse and by keyboard."""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsView

from syntalos_miniscope_ui.arrange import GRID
from syntalos_miniscope_ui.canvas.context_menu import menu_at
from syntalos_miniscope_ui.canvas.scene import GraphScene
from syntalos_miniscope_ui.palette import MIME

CLOSEST, FARTHEST = 3.0, 0.2


class GraphView(QGraphicsView):
    """Shows the scene; the wheel zooms, the middle button pans, the left one draws a frame."""

    node_dropped = Signal(str, QPointF)
    """A box was dragged here from the palette: its type, and the place in the scene."""

    def __init__(self, scene: GraphScene) -> None:
        super().__init__(scene)
        self._graph = scene
        self._grabbed: QPoint | None = None
        self._fitted = True
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setDragMode(QGraphicsView.DragMode.RubberBandDrag)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.SmartViewportUpdate)
        self.setFrameShape(QGraphicsView.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Graph")
        self.setAcceptDrops(True)

    def zoom(self, factor: float) -> None:
        """Come closer, or go away with a factor below 1."""
        factor = min(max(factor, FARTHEST / self._scale), CLOSEST / self._scale)
        self.scale(factor, factor)
        self._fitted = False

    def zoom_to_life_size(self) -> None:
        """Show one pixel of the drawing as one of the screen."""
        self.resetTransform()
        self._fitted = False

    def fit(self) -> None:
        """Show everything, not larger than life, until a person zooms or pans."""
        self._fitted = True
        self.resetTransform()
        self.fitInView(self._graph.content(), Qt.AspectRatioMode.KeepAspectRatio)
        if self._scale > 1.0:
            self.resetTransform()
        self.centerOn(self._graph.content().center())

    def come_back(self) -> None:
        """Take the keyboard, and let go of a wire that is being drawn."""
        self._graph.cancel_wire()
        self.setFocus()

    def free_place(self) -> QPointF:
        """Give a place in what is seen where a new box covers no other."""
        middle = self.mapToScene(self.viewport().rect().center()) - QPointF(112, 64)
        taken = [box.sceneBoundingRect() for box in self._graph.boxes.values()]
        for step in range(100):
            # A spiral of golden angles visits the surroundings evenly.
            angle, reach = step * 2.399963, 56 * math.sqrt(step)
            place = middle + QPointF(reach * math.cos(angle), reach * math.sin(angle))
            room = QRectF(place, QSizeF(240, 150)).adjusted(-24, -16, 24, 16)
            if not any(room.intersects(other) for other in taken):
                return place
        return middle

    @property
    def _scale(self) -> float:
        return self.transform().m11()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Go on showing everything, if everything was shown."""
        super().resizeEvent(event)
        if self._fitted:
            self.fit()

    def drawBackground(self, painter: QPainter, rect: QRectF | object) -> None:  # noqa: N802
        """Draw the canvas with its grid."""
        assert isinstance(rect, QRectF)
        painter.fillRect(rect, QColor(self._graph.theme.canvas))
        step = GRID * 2
        painter.setPen(QPen(QColor(self._graph.theme.grid), 1))
        left, top = rect.left() - rect.left() % step, rect.top() - rect.top() % step
        x, y = left, top
        while x < rect.right():
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            x += step
        while y < rect.bottom():
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
            y += step

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Zoom around the mouse."""
        self.zoom(1.15 ** (event.angleDelta().y() / 120))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Grab the canvas with the middle button."""
        if event.button() is Qt.MouseButton.MiddleButton:
            self._grabbed = event.position().toPoint()
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Pull the canvas along."""
        if self._grabbed is None:
            super().mouseMoveEvent(event)
            return
        self._fitted = False
        moved = event.position().toPoint() - self._grabbed
        self._grabbed = event.position().toPoint()
        for bar, by in (
            (self.horizontalScrollBar(), moved.x()),
            (self.verticalScrollBar(), moved.y()),
        ):
            bar.setValue(bar.value() - by)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let the canvas go."""
        if event.button() is Qt.MouseButton.MiddleButton:
            self._grabbed = None
            self.viewport().unsetCursor()
        else:
            super().mouseReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Offer what can be done with what is under the mouse."""
        menu = menu_at(self._graph, self.mapToScene(event.pos()), self.actions(), self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take boxes from the palette."""
        if event.mimeData().hasFormat(MIME):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802 - Qt's name
        """Take them anywhere."""
        if event.mimeData().hasFormat(MIME):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Put a box where it was let go."""
        if event.mimeData().hasFormat(MIME):
            type_id = bytes(event.mimeData().data(MIME).data()).decode()
            self.node_dropped.emit(type_id, self.mapToScene(event.position().toPoint()))
            event.acceptProposedAction()
