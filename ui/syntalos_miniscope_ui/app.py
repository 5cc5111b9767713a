"""Opens the editor: called by the command line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication

from syntalos_miniscope.catalog import Catalog, CatalogError
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.examples import examples
from syntalos_miniscope.project import Project, ProjectError
from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.garbage import collected_by_timer
from syntalos_miniscope_ui.window import EditorWindow


def main(
    project: Project,
    file: Path,
    catalog: Catalog,
    *,
    run: RunOptions | None = None,
    keep_report: Callable[[dict[str, Any]], bool] | None = None,
) -> int:
    """Edit a project that was read from a file, running it at once if asked; gives an exit code.

    `keep_report` is given the report of the last run once the window is closed, and gives False
    if it could not be kept. Ctrl-C and SIGTERM end a run in order and close the window; a second
    one leaves a run that does not end. A project that does not fit is refused in a line, with exit
    code 2.
    """
    try:
        document = Document(catalog, project, None if _is_shipped(file) else file)
    except ProjectError as error:
        print(f"syntalos-miniscope: {error}", file=sys.stderr)
        return 2
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("syntalos-miniscope")
    app.setApplicationDisplayName("Syntalos Miniscope")
    settings = QSettings("syntalos-miniscope", "editor")
    window = EditorWindow(catalog, settings)
    window.show()
    window.files.begin_with(document)
    window.view.fit()
    window.files.offer_orphans()
    if not settings.value("window/start-seen", False, type=bool):
        window.show_start()
    if run is not None:
        window.run_bar.fill(run)
        QTimer.singleShot(0, lambda: window.ask_run(record=run.record, seconds=run.seconds))
    loading = Thread(target=load_nodes, args=(catalog,), name="load-nodes", daemon=True)
    QTimer.singleShot(0, loading.start)  # not before garbage stays on this thread
    code = _until_closed(app, window)
    if loading.is_alive():
        loading.join()
    report = window.running.report
    return code if not (report and keep_report) or keep_report(report) else 1


def load_nodes(catalog: Catalog) -> None:
    """Import every node, so that the first wire that looks for a box need not wait for all."""
    for type_id in catalog.folders:
        with suppress(CatalogError):  # said where somebody wants that box
            catalog.node(type_id)


def _is_shipped(file: Path) -> bool:
    return file.resolve() in {place.resolve() for place in examples().values()}


def _until_closed(app: QApplication, window: EditorWindow) -> int:
    interrupted: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        interrupted.append(number)
        window.running.stop()

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    # Python sees a signal only when it runs; a timer lets it, five times a second.
    beat = QTimer()
    beat.timeout.connect(lambda: _leave_if(app, window, interrupted))
    beat.start(200)
    try:
        with collected_by_timer(may_pause=lambda: window.running.phase == "idle"):
            code = app.exec()
    finally:
        beat.stop()
        if not window.running.left:
            window.running.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 130 if interrupted else code


def _leave_if(app: QApplication, window: EditorWindow, interrupted: list[int]) -> None:
    if len(interrupted) > 1:
        window.running.leave()
    if interrupted and (window.running.left or window.running.phase == "idle"):
        window.files.autosave()
        # Not quit, which would ask the window, which would ask about unsaved changes.
        app.exit()
