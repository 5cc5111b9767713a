"""Gives pyqtgraph's plots the colours of the window, whichever they are now."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtWidgets import QWidget


def dress_plot(plot: pg.PlotWidget, owner: QWidget) -> None:
    """Colour a plot by the palette of the widget that it belongs to."""
    palette = owner.palette()
    plot.setBackground(palette.base().color())
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(palette.placeholderText().color())
        axis.setTextPen(palette.text().color())
        axis.setStyle(hideOverlappingLabels=True)  # nor is one cut in half at the edge
