"""What drawing costs the window's thread: ms per item, CPU time, on a picture of 608x608.

The rival of the frame view is pyqtgraph's own ImageView with the same colours, fed the same
frames.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QWidget

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.streams import FloatSignalBlock, Frame, TableRow
from syntalos_miniscope_ui.studio.model import Studio
from syntalos_miniscope_ui.studio.window import StudioWindow
from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.viewers.orientation import OrientationView
from syntalos_miniscope_ui.viewers.rows import RowsView
from syntalos_miniscope_ui.viewers.signals import SignalView
from syntalos_miniscope_ui.window import EditorWindow

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


NOISE_NODE = '''"""Frames of noise at 30 per second."""
import numpy as np
from syntalos_miniscope.node import Node, Out
from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.streams import Frame


class Noise(Node):
    outputs = (Out("frames-raw-out", "Frames", Frame),)

    def prepare(self, ctx):
        rng = np.random.default_rng(0)
        self.mats = [rng.integers(20, 200, (608, 608), dtype=np.uint8) for _ in range(30)]
        ctx.describe("frames-raw-out", framerate=30.0, size=(608, 608), has_color=False)

    def run(self, ctx):
        index = 0
        while ctx.sleep_until(index * 1_000_000 // 30):
            ctx.emit("frames-raw-out", Frame(index, index * 1_000_000 // 30, self.mats[index % 30]))
            index += 1
'''
WATCHED_S = 10.0


def redraw_studio(app: QApplication) -> None:
    """Print how long the studio takes from a knob to its picture, and how much of that is busy."""
    window = StudioWindow(Studio())
    window.show()
    _wait_until(lambda: window.shown is not None)
    for what, form, field, value, step in (
        ("a knob of the optics", window.anatomy.forms["lens"], "na", 0.3, 0.01),
        ("one that places cells anew", window.anatomy.lists["place_neurons"].form,
         "soma_radius_um", 5.0, 0.1),
    ):  # fmt: skip
        knob = form.knob(field).findChild(QDoubleSpinBox)
        took_ms: list[float] = []
        busy_ms: list[float] = []
        for turn in range(1, 10):
            before, settled_s = window.shown, time.monotonic() + 0.5
            _wait_until(lambda until=settled_s: time.monotonic() > until)
            began, worked = time.perf_counter(), time.thread_time()
            knob.setValue(value + step * turn)
            _wait_until(lambda old=before: window.shown is not old)
            took_ms.append((time.perf_counter() - began) * 1000)
            busy_ms.append((time.thread_time() - worked) * 1000)
        print(
            f"studio, full field of a V4, {what}: drawn anew after {median(took_ms):.0f} ms; "
            f"the window's thread works {median(busy_ms):.0f} ms of it"
        )
    window.close()


def watch_two_canvases(app: QApplication) -> None:
    """Record 608x608 at 30 fps with two canvases open, and print what was shown and lost."""
    with TemporaryDirectory() as scratch:
        node = Path(scratch) / "nodes" / "noise"
        node.mkdir(parents=True)
        (node / "node.py").write_text(NOISE_NODE)
        (node / "module.toml").write_text(
            '[syntalos_module]\nname = "Noise"\ndescription = "Noise."\nmain = "node.py"\n'
            'icon = "icon.svg"\ncategories = ["device"]\n'
        )
        settings = QSettings(f"{scratch}/settings.ini", QSettings.Format.IniFormat)
        settings.setValue("run/folder", f"{scratch}/runs")
        window = EditorWindow(Catalog.shipped(node.parent), settings)
        document = window.files.document
        for type_id in ("noise", "video_recorder", "canvas", "canvas"):
            document.add(type_id, (0, 0))
        for target in ("video_recorder", "canvas", "canvas_2"):
            document.connect(("noise", "frames-raw-out"), (target, "frames-in"))
        window.show()
        window.live.run(document.graph, window.run_bar.options(record=True))
        _wait_until(lambda: window.running.elapsed_s > 2)
        began_s, process_s, gui_s = time.monotonic(), time.process_time(), time.thread_time()
        _wait_until(lambda: time.monotonic() - began_s > WATCHED_S)
        length_s = time.monotonic() - began_s
        process_s, gui_s = time.process_time() - process_s, time.thread_time() - gui_s
        views: list[Any] = [dock.widget() for dock in window.views.docks.values()]
        shown = [f"{view.shown_per_s:.1f}" for view in views]
        window.running.stop()
        _wait_until(lambda: window.running.phase == "idle")
        report: Any = window.running.report
        (recorded,) = [
            entry
            for node in report["nodes"]
            for entry in node["inputs"]
            if node["id"] == "video_recorder"
        ]
        print(
            f"two canvases, 30 fps, recording: shown {' and '.join(shown)} fps; "
            f"recorder took {recorded['items'] / report['length_s']:.1f} fps, lost "
            f"{recorded['dropped']}; GUI thread {gui_s / length_s:.0%} of a core, "
            f"everything {process_s / length_s:.0%}"
        )
        document.mark_saved()
        window.close()


def _wait_until(true: Callable[[], bool]) -> None:
    loop = QEventLoop()
    timer = QTimer()
    timer.timeout.connect(lambda: loop.quit() if true() else None)
    timer.start(5)
    loop.exec()


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
        view.begin({"full_scale": 4095})
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
            (view.curves if isinstance(view, OrientationView) else view).redraw()

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
        "signals, 4 channels, 1 kHz (at most 12/s)": signals(SignalView(), 4),
        "signals, 32 channels, 1 kHz (12/s)": signals(SignalView(), 32),
        "orientation, 1 kHz": signals(OrientationView(), 4),
        "rows": rows(),
    }
    watch_two_canvases(app)
    redraw_studio(app)
    print(f"{'view (GUI thread, CPU ms per item)':<44}{'median':>8}{'p95':>8}")
    for name, (middle, high) in results.items():
        print(f"{name:<44}{middle:>8.2f}{high:>8.2f}")


if __name__ == "__main__":
    main()
