"""Questions to a person. The window is given `ask`, so that a test can answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QGridLayout, QMessageBox, QSpacerItem, QWidget

LEAST_WIDTH = 440
Ask = Callable[[QWidget, str, str, Sequence[str]], str]
"""Called with the parent, a sentence, the details, and the answers; gives one of them.

The last answer is the one that changes nothing, and what closing the question means.
"""


def ask(parent: QWidget, question: str, details: str, answers: Sequence[str]) -> str:
    """Put a question in a box of its own and wait for the answer."""
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
    box.setDefaultButton(buttons[answers[0]])
    box.setEscapeButton(buttons[answers[-1]])
    box.exec()
    clicked = box.clickedButton()
    return next((a for a, button in buttons.items() if button is clicked), answers[-1])
