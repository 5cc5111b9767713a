"""The histogram of a picture with the two display limits, to pull or to let follow."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from syntalos_miniscope_ui.viewers.dress import dress_plot
from syntalos_miniscope_ui.viewers.picture import auto_limits

LEAST_SPAN = 24
"""The limits by themselves come no closer, so that an even picture stays even."""


class LimitsBar(QWidget):
    """A histogram of the values 0…255; `moved` says that the limits are others now."""

    moved = Signal()
    pulled = Signal()
    """A person pulled a limit."""

    def __init__(self) -> None:
        super().__init__()
        self._following = False
        self._plot = pg.PlotWidget(enableMenu=False)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideAxis("left")
        self._plot.hideButtons()
        self._plot.getViewBox().setXRange(0, 255, 0.01)
        self._bars = self._plot.plot(
            np.arange(257), np.zeros(256), stepMode="center", fillLevel=0, brush=(140, 150, 160)
        )
        self._region = pg.LinearRegionItem((0, 255), bounds=(0, 255), swapMode="block")
        self._region.setToolTip("Display limits: pull the edges")
        self._region.sigRegionChanged.connect(self._changed)
        self._plot.addItem(self._region)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setFixedHeight(76)
        dress_plot(self._plot, self)

    def limits(self) -> tuple[float, float]:
        """Give the values shown as black and as white."""
        low, high = (float(str(edge)) for edge in self._region.getRegion())
        return low, high

    def set_limits(self, low: float, high: float) -> None:
        """Show other limits."""
        self._following = True
        self._region.setRegion((low, high))
        self._following = False

    def show_counts(self, counts: NDArray[np.int64]) -> None:
        """Draw how often each value is there, by its square root so that few are seen too."""
        self._bars.setData(np.arange(257), np.sqrt(counts))

    def follow(self, counts: NDArray[np.int64]) -> None:
        """Go half of the way to the limits that suit these counts."""
        low, high = auto_limits(counts)
        high = min(max(high, low + LEAST_SPAN), 255)
        was_low, was_high = self.limits()
        if max(abs(low - was_low), abs(high - was_high)) >= 2:
            self.set_limits((low + was_low) / 2, (high + was_high) / 2)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the colours of the window."""
        if event.type() is QEvent.Type.PaletteChange:
            dress_plot(self._plot, self)
        super().changeEvent(event)

    def _changed(self) -> None:
        self.moved.emit()
        if not self._following:
            self.pulled.emit()
