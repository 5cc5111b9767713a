"""The tissue from the side: cells by depth, the bowed focal surface, the layers of vessels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from syntalos_miniscope_ui.studio.preview import Preview, cell_bands_um

LEFT, FOOT = 56.0, 20.0
SLICE = 0.12
"""Cells are drawn that are nearer to the middle than this share of the field's height."""
DETECTABLE, HIDDEN, GIVEN, FOCUS, VESSELS = "#4CAF6A", "#8A9299", "#B45FD0", "#E5A93B", "#C0504D"
"""Colours of what is drawn, here and over the picture."""
Place = Callable[[float, float], QPointF]


class SideView(QWidget):
    """A schematic to scale in depth: the cells of a slice through the middle, all given ones."""

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
        depths_um = (*preview.centers_um[:, 0], *preview.given_um[:, 0], *preview.vessels_um)
        deepest = 1.15 * max(50.0, preview.focus_um or 0.0, *depths_um)
        width_um = preview.fov_um[1]

        def at(x_um: float, z_um: float) -> QPointF:
            return QPointF(
                plot.left() + (x_um / width_um + 0.5) * plot.width(),
                plot.top() + z_um / deepest * plot.height(),
            )

        painter.setClipRect(plot)
        self._paint_bands(painter, plot, deepest)
        self._paint_cells(painter, at)
        for depth_um in preview.vessels_um:
            painter.setPen(QPen(QColor(VESSELS), 3))
            painter.drawLine(at(-width_um / 2, depth_um), at(width_um / 2, depth_um))
        self._paint_focus(painter, at)
        painter.setClipping(False)
        self._paint_labels(painter, plot, deepest)

    def _paint_bands(self, painter: QPainter, plot: QRectF, deepest: float) -> None:
        assert self._preview is not None
        colour = QColor("#4F9BE0")
        colour.setAlpha(38)
        for band in cell_bands_um(self._preview.spec):
            top, bottom = (plot.top() + z / deepest * plot.height() for z in band)
            painter.fillRect(QRectF(plot.left(), top, plot.width(), bottom - top), colour)

    def _paint_cells(self, painter: QPainter, at: Place) -> None:
        preview = self._preview
        assert preview is not None
        given, centers = preview.given_um, preview.centers_um
        thin = np.abs(centers[:, 1]) < preview.fov_um[0] * SLICE
        for dots, colour, size in (
            (centers[thin & ~preview.detectable], HIDDEN, 5),
            (centers[thin & preview.detectable], DETECTABLE, 5),
            (given, GIVEN, 6),
        ):
            painter.setPen(QPen(QColor(colour), size, c=Qt.PenCapStyle.RoundCap))
            painter.drawPoints(QPolygonF([at(float(x), float(z)) for z, _, x in dots]))

    def _paint_focus(self, painter: QPainter, at: Place) -> None:
        assert self._preview is not None
        if self._preview.focus_um is None:
            return
        x_um = np.linspace(-0.5, 0.5, 60) * self._preview.fov_um[1]
        bow = self._preview.spec.acquisition.optics.focal_curvature_shift_um(np.abs(x_um))
        depths = self._preview.focus_um - np.broadcast_to(bow, x_um.shape)
        painter.setPen(QPen(QColor(FOCUS), 2))
        line = [at(float(x), float(z)) for x, z in zip(x_um, depths, strict=True)]
        painter.drawPolyline(QPolygonF(line))

    def _paint_labels(self, painter: QPainter, plot: QRectF, deepest: float) -> None:
        painter.setPen(self.palette().text().color())
        for share in (0.0, 0.5, 1.0):
            y = plot.top() + share * plot.height()
            place = QRectF(0, y - 9, LEFT - 6, 18)
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, align, f"{share * deepest:.0f} µm")
        assert self._preview is not None
        words = [
            (DETECTABLE, "detectable"),
            (HIDDEN, "hidden"),
            (FOCUS, "focal surface"),
            (VESSELS, "vessels"),
        ]
        if len(self._preview.given_um):
            words.append((GIVEN, "given"))
        x = plot.left()
        for colour, word in words:
            painter.setBrush(QColor(colour))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QPointF(x + 5, plot.bottom() + 11), 4, 4)
            painter.setPen(self.palette().text().color())
            wide = painter.fontMetrics().horizontalAdvance(word)
            painter.drawText(QPointF(x + 13, plot.bottom() + 15), word)
            x += wide + 30
