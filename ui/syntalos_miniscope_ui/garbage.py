"""Keeps Python's garbage collector on the window's thread, where widgets may be destroyed."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from itertools import cycle

from PySide6.QtCore import QTimer

COLLECT_MS = 1000
ALL_EVERY = 30
"""Every so many collections take in what is old, too, which may take 0.1 s."""


@contextmanager
def collected_by_timer() -> Generator[None]:
    """Collect once a second on this thread, rather than on whichever made the last object.

    A widget that is part of a circle would otherwise be destroyed by a thread of a box, which Qt
    does not survive. What exists already is left out.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    timer = QTimer()
    generations = cycle([*[1] * (ALL_EVERY - 1), 2])
    timer.timeout.connect(lambda: gc.collect(next(generations)))
    timer.start(COLLECT_MS)
    try:
        yield
    finally:
        timer.stop()
        gc.enable()
        gc.unfreeze()
