"""What drawing costs the window's thread: ms per item, CPU time, on a picture of 608x608.

The rival of the frame view is pyqtgraph's own ImageView with the same colours, fed the same
frames.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QApplication, QWidget

from syntalos_miniscope.streams import FloatSignalBlock, Frame, TableRow
from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.viewers.orientation import OrientationView
from syntalos_miniscope_ui.viewers.rows import RowsView
from syntalos_miniscope_ui.viewers.signals import SignalView

ITEMS = 150
SIDE = 608


def cost_ms(app: QApplication, widget: QWidget, show: Callable[[int], None]) -> tuple[float, float]:
    """Give median and 95th percentile of the CPU time from handing over to drawn."""
    widget.resize(700, 760)
    widget.show()
    app.processEvents()
    spent: list[float] = []
    for number in range(ITEMS):
        began = time.thread_time()
        show(number)
        app.processEvents()
        spent.append((time.thread_time() - began) * 1000)
    widget.close()
    widget.deleteLater()
    app.processEvents()
    return median(spent), float(np.percentile(spent, 95))


def main() -> None:
    """Print the table."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    noise = np.random.default_rng(0)
    grey = [noise.integers(20, 200, (SIDE, SIDE), dtype=np.uint8) for _ in range(8)]
    deep = [(mat.astype(np.uint16) << 4) for mat in grey]
    colour = [np.ascontiguousarray(np.dstack([mat] * 3)) for mat in grey]

    def frames(mats: list[np.ndarray], lut: str) -> tuple[float, float]:
        view = FrameView()
        view.begin({"depth": 12 if mats is deep else 8})
        view.colours.setCurrentText(lut)
        return cost_ms(
            app,
            view,
            lambda n: view.show_items([Frame(n, n * 33_333, mats[n % 8])], n + 1, 0),
        )

    def rival() -> tuple[float, float]:
        view = pg.ImageView()
        view.setColorMap(pg.colormap.get("viridis"))
        return cost_ms(app, view, lambda n: view.setImage(grey[n % 8].T, autoRange=False))

    def signals(view: SignalView | OrientationView, channels: int) -> tuple[float, float]:
        view.begin(
            {"time_unit": "microseconds", "signal_names": [f"c{n}" for n in range(channels)]}
        )

        def show(number: int) -> None:
            times = np.arange(number * 33, number * 33 + 33, dtype=np.int64) * 1000
            data = noise.standard_normal((33, channels)).astype(np.float32)
            view.show_items([FloatSignalBlock(times, data)], number + 1, 0)

        return cost_ms(app, view, show)

    def rows() -> tuple[float, float]:
        view = RowsView()
        view.begin({"table_header": ["Time [ms]", "qw", "qx", "qy", "qz"]})
        return cost_ms(app, view, lambda n: view.show_items([TableRow(("1",) * 5)], n + 1, 0))

    results = {
        "frames, grey": frames(grey, "grey"),
        "frames, viridis": frames(grey, "viridis"),
        "frames, 12 bit": frames(deep, "grey"),
        "frames, colour": frames(colour, "grey"),
        "pyqtgraph ImageView, viridis": rival(),
        "signals, 4 channels, 1 kHz": signals(SignalView(), 4),
        "signals, 32 channels, 1 kHz": signals(SignalView(), 32),
        "orientation, 1 kHz": signals(OrientationView(), 4),
        "rows": rows(),
    }
    print(f"{'view (GUI thread, CPU ms per item)':<36}{'median':>8}{'p95':>8}")
    for name, (middle, high) in results.items():
        print(f"{name:<36}{middle:>8.2f}{high:>8.2f}")


if __name__ == "__main__":
    main()
