"""The live plot of signals over time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from syntalos_miniscope.streams import FloatSignalBlock
from syntalos_miniscope_ui.viewers.dress import dress_plot

MOST_CHANNELS = 32
REDRAW_S = 0.08
"""Curves move smoothly enough at this pace; many of them cost the window some ms."""
CURVES = (
    "#E0524D", "#4F9BE0", "#4CAF6A", "#C58F2B", "#9A6FD0", "#2FA8A0", "#D8679F", "#8A9A3A",
)  # fmt: skip
"""Colours that are told apart on light and on dark."""
TICKS_PER_S: Mapping[str, float] = {
    "microseconds": 1e6,
    "milliseconds": 1e3,
    "seconds": 1.0,
    "nanoseconds": 1e9,
}


class Trail:
    """The last samples of a stream, in seconds, in a ring that never grows."""

    def __init__(self, channels: int, capacity: int = 20_000) -> None:
        self._times = np.zeros(capacity)
        self._values = np.zeros((capacity, channels), np.float32)
        self._end = 0
        self._count = 0

    def add(self, times_s: NDArray[np.float64], values: NDArray[np.float32]) -> None:
        """Append samples; the oldest go."""
        times_s, values = times_s[-len(self._times) :], values[-len(self._times) :]
        places = (self._end + np.arange(len(times_s))) % len(self._times)
        self._times[places] = times_s
        self._values[places] = values
        self._end = (self._end + len(times_s)) % len(self._times)
        self._count = min(self._count + len(times_s), len(self._times))

    def last(self, window_s: float) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Give the samples of the last `window_s`, oldest first."""
        order = (self._end - self._count + np.arange(self._count)) % len(self._times)
        times, values = self._times[order], self._values[order]
        recent = times >= (times[-1] - window_s if len(times) else 0.0)
        return times[recent], values[recent]


def thinned(
    times: NDArray[np.float64], values: NDArray[np.float32], points: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Give at most `points` samples that look the same: the extremes of every stretch."""
    stretch = -(-2 * len(times) // max(points, 2))
    if stretch <= 2:
        return times, values
    whole = len(times) // stretch * stretch
    parts = values[:whole].reshape(-1, stretch, values.shape[1])
    # fmin and fmax pass over NaN, which stands for no value.
    extremes = np.stack([np.fmin.reduce(parts, axis=1), np.fmax.reduce(parts, axis=1)], axis=1)
    return np.repeat(times[:whole:stretch], 2), extremes.reshape(-1, values.shape[1])


class SignalView(QWidget):
    """Scrolling curves, each channel on a line of its own or all on one axis."""

    port_depth = 512

    def __init__(self) -> None:
        super().__init__()
        self._trail: Trail | None = None
        self._ticks_per_s = 1e6
        self._names: list[str] = []
        self._drawn_s = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.redraw)
        self._curves: list[pg.PlotDataItem] = []
        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.setLabel("bottom", "Run time", "s")
        self.plot.showGrid(x=True, y=False, alpha=0.25)
        self.plot.setMouseEnabled(x=False, y=True)
        self.plot.hideButtons()
        self.window_s = QDoubleSpinBox()
        self.window_s.setRange(1, 600)
        self.window_s.setDecimals(0)
        self.window_s.setValue(10)
        self.window_s.setSuffix(" s")
        self.window_s.setToolTip("How much of the past is shown")
        self.stacked = QCheckBox("Stacked")
        self.stacked.setChecked(True)
        self.stacked.setToolTip("Each channel on a line of its own, scaled to its range")
        self.stacked.toggled.connect(self._restack)
        self._line = QLabel("No samples yet")
        tools = QHBoxLayout()
        tools.setContentsMargins(6, 4, 6, 2)
        tools.addWidget(self.window_s)
        tools.addWidget(self.stacked)
        tools.addStretch(1)
        tools.addWidget(self._line)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(tools)
        layout.addWidget(self.plot, 1)
        self.setMinimumSize(200, 150)
        dress_plot(self.plot, self)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the colours of the window."""
        if event.type() is QEvent.Type.PaletteChange:
            dress_plot(self.plot, self)
        super().changeEvent(event)

    def begin(self, metadata: Mapping[str, Any]) -> None:
        """Get ready for a stream."""
        self._ticks_per_s = TICKS_PER_S.get(str(metadata.get("time_unit", "")), 1e6)
        self._names = [str(name) for name in metadata.get("signal_names", ())]
        self._unit = str(metadata.get("data_unit", ""))
        self._trail = None
        self.plot.clear()
        self._curves = []

    def show_items(self, items: Sequence[FloatSignalBlock], seen: int, unseen: int) -> None:
        """Append blocks and draw."""
        for block in items:
            if self._trail is None:
                self._open(block.data.shape[1])
            assert self._trail is not None
            times_s = block.timestamps / self._ticks_per_s
            self._trail.add(times_s, block.data[:, : len(self._curves)])
        if items:
            self._redraw_soon()
            parts = [f"{seen:,} blocks"]
            channels = items[-1].data.shape[1]
            if channels > len(self._curves):
                parts.insert(0, f"{len(self._curves)} of {channels} channels")
            if unseen:
                parts.append(f"{unseen:,} not shown")
            self._line.setText("   ·   ".join(parts))

    def _open(self, channels: int) -> None:
        shown = min(channels, MOST_CHANNELS)
        self._trail = Trail(shown)
        for number in range(shown):
            # A pen wider than one pixel costs Qt's painter ten times as much.
            pen = pg.mkPen(CURVES[number % len(CURVES)])
            self._curves.append(self.plot.plot(pen=pen, connect="finite"))
        self._label_axis()

    def _label_axis(self) -> None:
        axis = self.plot.getAxis("left")
        if self.stacked.isChecked():
            names = [*self._names, *(f"{n}" for n in range(len(self._names), len(self._curves)))]
            axis.setTicks([[(-n, names[n]) for n in range(len(self._curves))]])
            self.plot.getViewBox().setYRange(-len(self._curves) + 0.4, 0.6, 0.02)
            axis.setLabel("")
        else:
            axis.setTicks(None)
            axis.setLabel(self._unit if self._unit != "au" else "a.u.")
            self.plot.enableAutoRange(axis="y")

    def _restack(self) -> None:
        if self._trail is not None:
            self._label_axis()
            self.redraw()

    def _redraw_soon(self) -> None:
        wait_s = self._drawn_s + REDRAW_S - time.monotonic()
        if wait_s <= 0:
            self.redraw()
        elif not self._timer.isActive():
            self._timer.start(round(wait_s * 1000))

    def redraw(self) -> None:
        """Draw what there is now."""
        if self._trail is None:
            return
        self._drawn_s = time.monotonic()
        window_s = self.window_s.value()
        times, values = thinned(*self._trail.last(window_s), 2 * max(self.plot.width(), 200))
        if self.stacked.isChecked():
            low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
            span = np.where(high > low, high - low, 1)
            values = (values - (low + high) / 2) / span * 0.85 - np.arange(values.shape[1])
        for number, curve in enumerate(self._curves):
            curve.setData(times, values[:, number])
        if len(times):
            # A run has no time before its start.
            end_s = max(times[-1], window_s)
            self.plot.getViewBox().setXRange(end_s - window_s, end_s, 0)
