"""Opens the studio: called by the command line."""

from __future__ import annotations

import signal
import sys

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication

from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope_ui import theme
from syntalos_miniscope_ui.garbage import collected_by_timer
from syntalos_miniscope_ui.studio.model import Studio
from syntalos_miniscope_ui.studio.window import StudioWindow


def main(spec: Spec | None = None) -> int:
    """Tune a Spec, or the Miniscope V4 over CA1; gives an exit code. Ctrl-C closes the window."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    mode = theme.kept_mode(QSettings("syntalos-miniscope", "editor"))
    theme.dress(app, theme.theme_for(app, mode))
    window = StudioWindow(Studio(spec))
    window.show()
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: interrupted.append(number))
    beat = QTimer()
    # Not close, which would ask about an unsaved Spec.
    beat.timeout.connect(lambda: app.exit() if interrupted else None)
    beat.start(200)
    try:
        with collected_by_timer():
            code = app.exec()
    finally:
        window.end()
        signal.signal(signal.SIGINT, before)
    return 130 if interrupted else code
