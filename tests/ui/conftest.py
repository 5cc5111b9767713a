"""Windows without a screen, tiny boxes to wire, and a look for widgets left behind."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from syntalos_miniscope.catalog import Catalog, shipped_folder
from syntalos_miniscope.project import parse
from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.window import EditorWindow

LONG_MS = 60_000
"""As long as a state may take to come; it matters only where something is broken."""
DEFERRED_DELETE = 52
"""QEvent.Type.DeferredDelete"""

NODES = {
    "camera": """
class Camera(Node):
    "Sends small frames and samples, twenty a second."
    inputs = (In("control-in", "Control", Control),)
    outputs = (
        Out("frames-raw-out", "Raw Frames", Frame),
        Out("frames-disp-out", "Display Frames", Frame),
        Out("signal-out", "Signal", FloatSignalBlock),
        Out("rows-out", "Rows", TableRow),
    )
    class Settings(Settings):
        level: int = live(10, ge=0, le=200, description="Grey of the frames")
        fail_at: int = 0
        refuse: bool = False
        wait_for: str = ""
        device: str = "auto"

    def prepare(self, ctx):
        if self.settings.refuse:
            raise RuntimeError("the lens cap is on")
        while self.settings.wait_for and not Path(self.settings.wait_for).exists():
            time.sleep(0.01)
        for port in ("frames-raw-out", "frames-disp-out"):
            ctx.describe(port, framerate=20.0, size=(32, 24), has_color=False)
        ctx.describe("signal-out", time_unit="microseconds", data_unit="V",
                     signal_names=["a", "b"])
        ctx.describe("rows-out", table_header=["Time [ms]", "n"])
        self.level = self.settings.level

    def apply(self, ctx, settings):
        self.level = settings.level

    def on_data(self, ctx, port, item):
        ctx.status(f"heard {item.command}")

    def run(self, ctx):
        index = 0
        while ctx.sleep_until(index * 50_000):
            if self.settings.fail_at and index == self.settings.fail_at:
                raise RuntimeError("the cable came out")
            for port in ("frames-raw-out", "frames-disp-out"):
                mat = np.full((24, 32), self.level, np.uint8)
                ctx.emit(port, Frame(index, index * 50_000, mat))
            times = np.array([index * 50_000], np.int64)
            ctx.emit("signal-out", FloatSignalBlock(times, np.ones((1, 2), np.float32)))
            ctx.emit("rows-out", TableRow((f"{index * 50:.3f}", str(index))))
            ctx.count("frames")
            index += 1
""",
    "blur": """
class Blur(Node):
    "Hands frames on."
    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("frames-out", "Frames", Frame),)

    def on_data(self, ctx, port, item):
        ctx.emit("frames-out", item)
""",
    "recorder": """
class Recorder(Node):
    "Counts frames as if it kept them."
    inputs = (In("frames-in", "Frames", Frame),)

    def on_data(self, ctx, port, item):
        ctx.count("frames")
""",
    "traces": """
class Traces(Node):
    "Reads regions."
    inputs = (In("frames-in", "Frames", Frame),)
    class Settings(Settings):
        rois: str = ""
""",
    "rows": """
class Rows(Node):
    "Takes rows."
    inputs = (In("rows-in", "Rows", TableRow),)
""",
}
HEAD = '''"""A box for the tests."""
import time
from pathlib import Path
import numpy as np
from syntalos_miniscope.node import In, Node, Out, Policy, Settings, live
from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame, TableRow
'''
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">'
    '<circle cx="24" cy="24" r="16" fill="#888"/></svg>'
)
CATEGORIES = {
    "camera": "device",
    "blur": "processing",
    "recorder": "writers",
    "traces": "processing",
    "rows": "writers",
}

PROJECT = """
[project]
format = 1
title = "Small"
[[nodes]]
id = "camera"
type = "camera"
title = "Camera"
position = [0, 0]
[[nodes]]
id = "recorder"
type = "recorder"
title = "Recorder"
position = [320, 0]
[[nodes]]
id = "canvas"
type = "canvas"
title = "Canvas"
position = [320, 160]
[[nodes]]
id = "plot"
type = "stream_plot"
title = "Plot"
position = [320, 320]
[[nodes]]
id = "rows"
type = "rows"
title = "Table"
position = [320, 480]
[[wires]]
from = "camera.frames-raw-out"
to = "recorder.frames-in"
[[wires]]
from = "camera.frames-disp-out"
to = "canvas.frames-in"
[[wires]]
from = "camera.signal-out"
to = "plot.signal-in"
[[wires]]
from = "camera.rows-out"
to = "rows.rows-in"
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fail a test of the editor that makes Qt warn, but of what offscreen cannot do."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Tiny boxes, and the two shipped ones that belong to the editor."""
    place = tmp_path_factory.mktemp("nodes")
    for name, text in NODES.items():
        folder = place / name
        folder.mkdir()
        shown = '"show-display"' if name == "rows" else ""
        (folder / "node.py").write_text(HEAD + text)
        (folder / "icon.svg").write_text(ICON)
        (folder / "module.toml").write_text(
            f'[syntalos_module]\ntype = "python"\nname = "{name.title()}"\n'
            f'description = "A {name}."\nmain = "node.py"\nicon = "icon.svg"\n'
            f'categories = ["{CATEGORIES[name]}"]\nfeatures = [{shown}]\nuse_venv = false\n'
        )
    for name in ("canvas", "stream_plot"):
        (place / name).symlink_to(shipped_folder() / name)
    return Catalog.find([place])


@pytest.fixture
def document(catalog: Catalog) -> Document:
    """A camera wired to a recorder, a canvas, a plot and a table."""
    return Document(catalog, parse(PROJECT, "small.toml"))


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


class Answers:
    """Answers questions as a person would; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.say: list[str] = []

    def __call__(
        self,
        parent: QWidget,
        question: str,
        details: str,
        answers: Sequence[str],
        /,
        until: Callable[[], bool] | None = None,
    ) -> str:
        self.asked.append(f"{question} {details}")
        assert self.say, f"not expected: {question} {details} {answers}"
        answer = self.say.pop(0)
        assert answer in answers, f"{answer} is not among {answers}"
        return answer


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    """Settings of nobody, with an export folder that is thrown away."""
    kept = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    kept.setValue("run/folder", str(tmp_path / "export"))
    kept.setValue("run/subject", "m01")
    kept.setValue("window/mode", "dark")
    return kept


@pytest.fixture
def window(
    qtbot, catalog: Catalog, settings: QSettings, answers: Answers, document: Document
) -> Iterator[EditorWindow]:
    """The editor on the small project, as a person would have it."""
    editor = EditorWindow(catalog, settings, ask=answers)
    editor.files.take(document)
    editor.show()
    yield editor
    editor.running.stop()
    assert editor.running.join(LONG_MS / 1000)
    editor.files.document.listeners.clear()
    answers.say = ["Do not save"]
    editor.close()
    editor.deleteLater()


@pytest.fixture
def until(qtbot) -> Callable[[Callable[[], bool]], None]:
    """Wait for a state, while the window lives."""
    return lambda state: qtbot.waitUntil(state, timeout=LONG_MS)


@pytest.fixture
def run_until(until) -> Callable[[EditorWindow, str], None]:
    """Wait until a run is in a phase, and the window shows it."""

    def wait(editor: EditorWindow, phase: str) -> None:
        until(lambda: editor.live.shown == editor.running.phase == phase)

    return wait


@pytest.fixture(autouse=True)
def _no_widget_is_left() -> Iterator[None]:
    """Fail if a test leaves a window behind; collect garbage on this thread only, as the program.

    A thread of a box that collected the windows of the last test would destroy them on its own.
    """
    before = set(QApplication.topLevelWidgets()) if QApplication.instance() else set()
    gc.disable()
    yield
    app = QApplication.instance()
    if isinstance(app, QApplication):
        app.sendPostedEvents(None, DEFERRED_DELETE)
        app.processEvents()
    gc.collect()
    gc.freeze()  # whatever is left need not be looked at after every test
    gc.enable()
    if not isinstance(app, QApplication):
        return
    app.sendPostedEvents(None, DEFERRED_DELETE)
    # pyqtgraph's plots make their menus without a parent and keep them as long as they like.
    left = [w for w in app.topLevelWidgets() if w not in before and not isinstance(w, QMenu)]
    names = [f"{type(widget).__name__} {widget.windowTitle()!r}" for widget in left]
    assert not names, f"left behind: {names}"
