"""A still picture to point at: zoomed by the wheel, moved by the middle or right button."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal

from syntalos_miniscope_ui.viewers.frames import MARGIN, SURROUND


class StillPicture(pg.GraphicsView):
    """Draws an image (H, W) between its darkest and brightest thousandths.

    `clicked` and `dragged` give pixels, (x, y) with y from the top, of the left button.
    """

    clicked = Signal(QPointF)
    dragged = Signal(QPointF, QPointF, bool)
    """From where to where, and whether the button has been let go."""

    def __init__(self, image: NDArray[Any]) -> None:
        super().__init__()
        self.setBackground(SURROUND)
        self.box = _PointedBox(self)
        self.setCentralItem(self.box)
        shown = np.nan_to_num(np.asarray(image, np.float32))
        low, high = (float(value) for value in np.quantile(shown, (0.001, 0.999)))
        item = pg.ImageItem(shown, axisOrder="row-major")
        item.setLevels((low, max(high, low + 1e-6)))
        self.box.addItem(item)
        height, width = image.shape
        self.box.setRange(xRange=(0, width), yRange=(0, height), padding=MARGIN)
        self.setMinimumSize(320, 320)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)


class _PointedBox(pg.ViewBox):
    """A view whose left button points instead of moving the picture."""

    def __init__(self, picture: StillPicture) -> None:
        super().__init__(lockAspect=True, invertY=True, enableMenu=False)
        self._picture = picture

    def mouseDragEvent(self, ev: Any, axis: Any = None) -> None:  # noqa: N802 - pyqtgraph's name
        if ev.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(ev, axis)
            return
        ev.accept()
        begin = self.mapSceneToView(ev.buttonDownScenePos())
        self._picture.dragged.emit(begin, self.mapSceneToView(ev.scenePos()), ev.isFinish())

    def mouseClickEvent(self, ev: Any) -> None:  # noqa: N802 - pyqtgraph's name
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self._picture.clicked.emit(self.mapSceneToView(ev.scenePos()))
