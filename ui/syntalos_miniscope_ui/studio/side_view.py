"""The tissue from the side: cells by depth, the bowed focal surface, the layers of vessels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from syntalos_miniscope_ui.studio.preview import Preview, cell_band_um

LEFT, FOOT = 56.0, 20.0
Place = Callable[[float, float], QPointF]


class SideView(QWidget):
    """A schematic to scale in depth; dots are the cells of a slice through the middle."""

    def __init__(self) -> None:
        super().__init__()
        self._preview: Preview | None = None
        self.setMinimumHeight(150)

    def show_preview(self, preview: Preview) -> None:
        """Draw another tissue."""
        self._preview = preview
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.fillRect(area, self.palette().base())
        preview = self._preview
        if preview is None:
            return
        plot = area.adjusted(LEFT, 8, -8, -FOOT)
        deepest = max(
            [float(preview.centers_um[:, 0].max(initial=50.0)), preview.focus_um or 0.0, 50.0]
        )
        deepest *= 1.15
        width_um = preview.fov_um[1]

        def at(x_um: float, z_um: float) -> QPointF:
            return QPointF(
                plot.left() + (x_um / width_um + 0.5) * plot.width(),
                plot.top() + z_um / deepest * plot.height(),
            )

        self._paint_band(painter, plot, deepest)
        self._paint_cells(painter, at)
        for depth_um in preview.vessels_um:
            painter.setPen(QPen(QColor("#C0504D"), 3))
            painter.drawLine(at(-width_um / 2, depth_um), at(width_um / 2, depth_um))
        self._paint_focus(painter, at)
        self._paint_labels(painter, plot, deepest)

    def _paint_band(self, painter: QPainter, plot: QRectF, deepest: float) -> None:
        assert self._preview is not None
        band = cell_band_um(self._preview.spec)
        if band is not None:
            top, bottom = (plot.top() + z / deepest * plot.height() for z in band)
            colour = QColor("#4F9BE0")
            colour.setAlpha(38)
            painter.fillRect(QRectF(plot.left(), top, plot.width(), bottom - top), colour)

    def _paint_cells(self, painter: QPainter, at: Place) -> None:
        assert self._preview is not None
        centers = self._preview.centers_um
        if not len(centers):
            return
        y_um, x_um = (centers[:, axis] - centers[:, axis].mean() for axis in (1, 2))
        thin = np.abs(y_um) < self._preview.fov_um[0] * 0.12
        for seen, colour in ((False, "#8A9299"), (True, "#4CAF6A")):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            for cell in np.flatnonzero(thin & (self._preview.detectable == seen)):
                painter.drawEllipse(at(float(x_um[cell]), float(centers[cell, 0])), 2.4, 2.4)

    def _paint_focus(self, painter: QPainter, at: Place) -> None:
        assert self._preview is not None
        if self._preview.focus_um is None:
            return
        x_um = np.linspace(-0.5, 0.5, 60) * self._preview.fov_um[1]
        bow = self._preview.spec.acquisition.optics.focal_curvature_shift_um(np.abs(x_um))
        depths = self._preview.focus_um - np.broadcast_to(bow, x_um.shape)
        painter.setPen(QPen(QColor("#E5A93B"), 2))
        line = [at(float(x), float(z)) for x, z in zip(x_um, depths, strict=True)]
        painter.drawPolyline(QPolygonF(line))

    def _paint_labels(self, painter: QPainter, plot: QRectF, deepest: float) -> None:
        painter.setPen(self.palette().text().color())
        for share in (0.0, 0.5, 1.0):
            y = plot.top() + share * plot.height()
            place = QRectF(0, y - 9, LEFT - 6, 18)
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, align, f"{share * deepest:.0f} µm")
        words = (
            ("#4CAF6A", "detectable"),
            ("#8A9299", "hidden"),
            ("#E5A93B", "focal surface"),
            ("#C0504D", "vessels"),
        )
        x = plot.left()
        for colour, word in words:
            painter.setBrush(QColor(colour))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QPointF(x + 5, plot.bottom() + 11), 4, 4)
            painter.setPen(self.palette().text().color())
            wide = painter.fontMetrics().horizontalAdvance(word)
            painter.drawText(QPointF(x + 13, plot.bottom() + 15), word)
            x += wide + 30
