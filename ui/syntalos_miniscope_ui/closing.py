"""What is asked before the window closes: about a run that is on, and about unsaved changes."""

from __future__ import annotations

import time

from PySide6.QtCore import QCoreApplication, QEventLoop
from PySide6.QtWidgets import QWidget

from syntalos_miniscope_ui.dialogs import Ask
from syntalos_miniscope_ui.files import Files
from syntalos_miniscope_ui.running import Running

PATIENCE_S = 1.5
"""A run that takes longer to end than this is told of, and may be left."""
LEAVE, STAY = "Leave it", "Keep the window open"


def may_close(window: QWidget, ask: Ask, running: Running, files: Files) -> bool:
    """Ask, and end the run if there is one; False if the person wants to stay."""

    def is_over() -> bool:
        return running.phase == "idle"

    if running.phase != "idle":
        answers = ["Stop and close", "Keep running"]
        answer = ask(window, "A run is on.", "Its files are closed first.", answers, until=is_over)
        if answer != answers[0] and not is_over():
            return False
    return files.may_leave() and _run_is_over(window, ask, running, files)


def _run_is_over(window: QWidget, ask: Ask, running: Running, files: Files) -> bool:
    """Stop the run and wait for it; one that hangs may be left."""
    running.stop()
    deadline_s = time.monotonic() + PATIENCE_S
    while not (over := running.join(0.02)) and time.monotonic() < deadline_s:
        # What is still on is seen to end; a second click on the cross is not heard meanwhile.
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    if over:
        return True
    names = [files.document.label(node_id) for node_id in running.waiting_for()]
    if running.phase == "preparing":
        does, lost = "not ready yet", "the other boxes are closed first."
    else:
        does, lost = "still closing", "what is not on disk yet is lost then."
    answer = ask(
        window,
        f"{' and '.join(names) or 'The run'} {'are' if len(names) > 1 else 'is'} {does}.",
        f"The window closes by itself once the run has ended. Or leave it: {lost}",
        [LEAVE, STAY],
        until=lambda: running.phase == "idle",
    )
    if answer == LEAVE:
        running.leave()
    return running.left or running.phase == "idle"
