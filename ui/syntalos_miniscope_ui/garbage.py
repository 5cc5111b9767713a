"""Keeps Python's garbage collector on the window's thread, where widgets may be destroyed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import cycle

from PySide6.QtCore import QTimer

COLLECT_MS = 1000
ALL_EVERY = 30
"""Every so many collections take in what is old, too, which may hold up all threads for 0.1 s, and
for a second where kernels have just been compiled."""


@contextmanager
def collected_by_timer(may_pause: Callable[[], bool] = lambda: True) -> Generator[None]:
    """Collect once a second on this thread, rather than on whichever made the last object.

    A widget that is part of a circle would otherwise be destroyed by a thread of a box, which Qt
    does not survive. What exists already is left out, and what is old while nothing may pause.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    timer = QTimer()
    turns = cycle(range(1, ALL_EVERY + 1))
    timer.timeout.connect(lambda: gc.collect(2 if next(turns) == ALL_EVERY and may_pause() else 1))
    timer.start(COLLECT_MS)
    try:
        yield
    finally:
        timer.stop()
        gc.enable()
        gc.unfreeze()
