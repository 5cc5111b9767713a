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
from small import HERE, PROJECT, find_boxes

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.project import load
from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.window import EditorWindow

LONG_MS = 60_000
"""As long as a state may take to come; it matters only where something is broken."""
DEFERRED_DELETE = 52
"""QEvent.Type.DeferredDelete"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fail a test of the editor that makes Qt warn, but of what offscreen cannot do."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return find_boxes()


@pytest.fixture
def document(catalog: Catalog) -> Document:
    """A camera wired to a recorder, a canvas, a plot and a table."""
    return Document(catalog, load(PROJECT))


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
