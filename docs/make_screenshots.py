"""Draws the screenshots of the documentation: `make screenshots`, under Xvfb if need be."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QPointF, QSettings, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from syntalos_miniscope.analysis.backends import BUILT_IN, extract
from syntalos_miniscope.analysis.extraction import ExtractionParameters, evaluate_components
from syntalos_miniscope.analysis.stabilise import Stabiliser
from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.simulation import simulate
from syntalos_miniscope.simulation.presets import CA1, MINISCOPE_V4, build_spec
from syntalos_miniscope.simulation.steps import NeuronPopulation
from syntalos_miniscope_ui import theme
from syntalos_miniscope_ui.analysis.crop_window import CropWindow
from syntalos_miniscope_ui.analysis.review import Review
from syntalos_miniscope_ui.analysis.review_window import ReviewWindow
from syntalos_miniscope_ui.studio.model import Studio
from syntalos_miniscope_ui.studio.preview import Activity
from syntalos_miniscope_ui.studio.window import StudioWindow
from syntalos_miniscope_ui.window import EditorWindow

OUT = Path(__file__).parent / "screenshots"


def main() -> None:
    """Write every picture to docs/screenshots."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        xvfb = shutil.which("xvfb-run")
        if xvfb is None:
            sys.exit("make screenshots: there is no display, and xvfb-run is not installed")
        screen = ["-a", "-s", "-screen 0 1700x1000x24"]
        os.execv(xvfb, [xvfb, *screen, sys.executable, __file__])
    with tempfile.TemporaryDirectory() as folder:
        # Nothing of this user's settings, and nothing in them.
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
            os.environ[name] = folder
        os.chdir(folder)
        OUT.mkdir(exist_ok=True)
        app = QApplication(sys.argv[:1])
        draw_a_run()
        draw_an_error()
        draw_the_studio(app)
        draw_the_analysis(app)


def wait(ms: int) -> None:
    """Let the windows live; QTest.qWait would keep Python's lock, and a run's threads starve."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def until(true: Callable[[], bool], seconds: float = 240) -> None:
    """Wait for a state."""
    for _ in range(round(seconds * 20)):
        if true():
            return
        wait(50)
    raise SystemExit("make screenshots: the run did not get that far")


def save(widget: QWidget | None, name: str) -> None:
    """Keep the picture of a widget."""
    assert widget is not None
    wait(400)
    widget.grab().save(str(OUT / f"{name}.png"))
    print(f"docs/screenshots/{name}.png")


def editor() -> EditorWindow:
    """Open the editor on the rehearsal."""
    settings = QSettings(str(Path("editor.ini").absolute()), QSettings.Format.IniFormat)
    settings.setValue("window/mode", "dark")
    settings.setValue("run/subject", "m01")
    settings.setValue("run/experiment", "rehearsal")
    settings.setValue("run/folder", "Miniscope")
    window = EditorWindow(
        Catalog.shipped(),
        settings,
        ask=lambda parent, question, details, said, /, until=None: said[0],
    )
    window.resize(1560, 940)
    window.open_example("rehearsal")
    window.show()
    window.view.fit()
    return window


def close(window: EditorWindow) -> None:
    """End the run and the window."""
    window.running.stop()
    until(lambda: window.running.phase == "idle")
    window.files.document.mark_saved()
    window.close()
    window.deleteLater()
    QApplication.processEvents()


def draw_a_run() -> None:
    """Draw the first steps, and the rehearsal while it runs."""
    window = editor()
    window.show_start()
    save(window, "first-steps")
    window.scene.select(["scope"])
    window.live.run(window.files.document.graph, window.run_bar.options(record=True))
    until(lambda: window.running.elapsed_s > 15)
    save(window, "running-dark")
    save(window.inspector.widget(), "scope-panel")
    save(window.views.docks["plot", "signal-in"].widget(), "orientation")
    window.set_mode("light")
    save(window, "running-light")
    window.running.stop()
    until(lambda: window.running.phase == "idle")
    window.recordings.ask_export()
    dialog = window.recordings.dialog
    assert dialog is not None
    (kept,) = (window.run_bar.export_dir / "m01").glob("*/rehearsal")
    dialog.recording.show_value(kept)
    dialog.recording.changed.emit()
    save(dialog, "export")
    dialog.close()
    close(window)


def draw_an_error() -> None:
    """Draw a run that is refused."""
    window = editor()
    document = window.files.document
    broken = document.settings("scope").model_copy(update={"spec_file": "mouse-7.json"})
    document.set_settings("scope", broken)
    window.scene.select(["scope"])
    window.live.run(document.graph, window.run_bar.options(record=True))
    until(lambda: window.running.phase == "idle")
    save(window, "error")
    close(window)


def draw_the_studio(app: QApplication) -> None:
    """Draw the studio, its list of cells, and their activity."""
    studio = StudioWindow(Studio())
    traced: list[Activity] = []
    studio.activities.done.connect(traced.append)

    def shown() -> bool:
        return studio.shown is not None and studio.shown.spec == studio.studio.spec

    studio.show()
    until(lambda: shown() and bool(traced))
    save(studio, "studio")
    theme.dress(app, theme.LIGHT)
    cells = studio.anatomy.lists["place_neurons"]
    line = [(150.0 + step, 10.0 * step, 20.0 * step) for step in range(-9, 10)]
    traced.clear()
    studio.studio.place([*studio.studio.populations(), NeuronPopulation(positions_um=line)])
    cells.names.setCurrentRow(1)
    studio.mark.setChecked(True)
    until(lambda: shown() and bool(traced))
    group = studio.anatomy.groups["place_neurons"]
    studio.anatomy.verticalScrollBar().setValue(group.y() - 8)
    save(studio, "studio-cells")
    studio.tabs.setCurrentIndex(1)
    studio.studio.use_activity("Active")
    until(shown)
    studio.traced.setValue(24)
    until(lambda: traced[-1].traces.shape[1] == 24)
    save(studio, "studio-activity")
    studio.studio.saved = studio.studio.spec
    studio.close()


def draw_the_analysis(app: QApplication) -> None:
    """Draw the windows of the offline analysis, on a simulated recording."""
    still = stabilised_movie()
    mean = still.mean(axis=0)
    crop = CropWindow(mean)
    crop.picture.dragged.emit(QPointF(30, 24), QPointF(298, 280), True)
    theme.dress(app, theme.LIGHT)
    draw_dialog(crop, "analysis-crop")
    parameters = ExtractionParameters(gSig=(3, 3), gSiz=(13, 13))
    found = extract(still, parameters, BUILT_IN, Path(), frame_rate_hz=20)
    figures = evaluate_components(found, still, frame_rate_hz=20)
    review = Review(found, figures)
    for good in figures.accepted.tolist():
        review.decide(good)
    theme.dress(app, theme.DARK)
    draw_dialog(ReviewWindow(review, mean), "analysis-review")


def draw_dialog(dialog: QDialog, name: str) -> None:
    """Draw a dialog by itself."""
    dialog.show()
    save(dialog, name)
    dialog.close()


def stabilised_movie() -> np.ndarray:
    """Give a simulated recording (frame, height, width) without its motion."""
    sensor = MINISCOPE_V4.image_sensor.model_copy(update={"n_px_height": 320, "n_px_width": 320})
    scope = MINISCOPE_V4.model_copy(update={"image_sensor": sensor})
    observed = simulate(build_spec(scope, CA1, duration_s=40, fps=20, seed=2)).observed
    stabiliser = Stabiliser()
    return np.array([stabiliser(frame.astype(np.uint8))[0] for frame in observed])


if __name__ == "__main__":
    main()
