"""Questions to a person. The window is given `ask`, so that a test can answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGridLayout, QMessageBox, QSpacerItem, QWidget

LEAST_WIDTH = 440
LOOK_MS = 100


class Ask(Protocol):
    """Puts a question to a person."""

    def __call__(
        self,
        parent: QWidget,
        question: str,
        details: str,
        answers: Sequence[str],
        /,
        until: Callable[[], bool] | None = None,
    ) -> str:
        """Give one of the answers.

        The last answer is the one that changes nothing, and what closing the question means. A
        question is withdrawn once `until` is true, with that answer.
        """
        ...


def to_save(parent: QWidget, name: str, ending: str, ask: Ask) -> Path | None:
    """Give the file that a person named, with its ending; None if it shall not be written.

    The dialog for files asks about one that is there, but not where the ending was left out.
    """
    file = Path(name)
    if not name or file.suffix:
        return file if name else None
    file = file.with_name(f"{file.name}.{ending}")
    if file.exists():
        answers = ["Replace it", "Cancel"]
        if ask(parent, f"{file.name} is there already.", str(file), answers) != answers[0]:
            return None
    return file


def ask(
    parent: QWidget,
    question: str,
    details: str,
    answers: Sequence[str],
    /,
    until: Callable[[], bool] | None = None,
) -> str:
    """Put a question in a box of its own and wait for the answer; an `Ask`."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question if len(answers) > 1 else QMessageBox.Icon.Information)
    box.setText(question)
    box.setInformativeText(details)
    grid = box.layout()
    if isinstance(grid, QGridLayout):
        grid.addItem(QSpacerItem(LEAST_WIDTH, 0), grid.rowCount(), 0, 1, grid.columnCount())
    roles = QMessageBox.ButtonRole
    buttons = {}
    for place, answer in enumerate(answers):
        last = place == len(answers) - 1
        role = roles.RejectRole if last else roles.AcceptRole if place == 0 else roles.ActionRole
        buttons[answer] = box.addButton(answer, role)
    # What can wait is not to be hurried by a slip on the keyboard.
    box.setDefaultButton(buttons[answers[-1 if until else 0]])
    box.setEscapeButton(buttons[answers[-1]])
    look = QTimer(box)
    look.timeout.connect(lambda: box.reject() if until and until() else None)
    look.start(LOOK_MS)
    box.exec()
    clicked = box.clickedButton()
    return next((a for a, button in buttons.items() if button is clicked), answers[-1])
