"""Shows one window and waits until a person is done with it, in a program without others."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any, TypeVar

import pyqtgraph as pg
from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication, QDialog

from syntalos_miniscope_ui import theme
from syntalos_miniscope_ui.garbage import collected_by_timer

Window = TypeVar("Window", bound=QDialog)


def ask(make: Callable[[], Window]) -> Window:
    """Show the window that `make` gives, and give it back when it has closed.

    Ctrl-C closes it and raises KeyboardInterrupt.
    """
    if QApplication.instance() is None:
        # pyqtgraph keeps it alive between two windows: Qt does not bear being started twice.
        app: Any = pg.mkQApp("syntalos-miniscope")
        mode = theme.kept_mode(QSettings("syntalos-miniscope", "editor"))
        theme.dress(app, theme.theme_for(app, mode))
    window = make()
    loop = QEventLoop()
    window.finished.connect(loop.quit)
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: interrupted.append(number))
    beat = QTimer()
    beat.timeout.connect(lambda: window.reject() if interrupted else None)
    beat.start(200)
    window.show()
    try:
        with collected_by_timer():
            loop.exec()
    finally:
        beat.stop()
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt
    return window
