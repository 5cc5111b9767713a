"""What the boxes of one process share: Python's lock, its garbage collector, OpenCV's threads."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import cv2

SWITCH_S = 0.0002
"""How long a thread may keep Python's lock when another one wants it. A frame goes from thread to
thread, and waits about so long at each; Python's own 5 ms would be seen in every decision."""


def share_among_boxes() -> Callable[[], None]:
    """Tune this process for boxes on threads of their own, once they are prepared.

    Besides the lock: each box has its thread, so OpenCV needs none of its own, whose waking makes
    decisions late; and what is there before a run, mostly libraries, is not searched for garbage
    during it, which would hold up every box for a tenth of a second. A program that has switched
    the collector off, as the editor has, knows why and is left to it. Gives what undoes all.
    """
    switch_s, threads, collects = sys.getswitchinterval(), cv2.getNumThreads(), gc.isenabled()
    sys.setswitchinterval(SWITCH_S)
    cv2.setNumThreads(1)
    if collects:
        gc.freeze()

    def undo() -> None:
        sys.setswitchinterval(switch_s)
        cv2.setNumThreads(threads)
        if collects:
            gc.unfreeze()

    return undo
