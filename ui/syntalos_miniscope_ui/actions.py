"""What a line of a menu does, with its key; menus made of such lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QWidget


@dataclass(frozen=True, slots=True)
class Action:
    """One line of a menu; a separator if it does nothing.

    `key` holds shortcuts as Qt writes them, apart by ` | `; `on` is the widget that must have the
    focus for the key to count.
    """

    text: str = ""
    key: str = ""
    do: Callable[[], object] | None = None
    tip: str = ""
    on: QWidget | None = None


def build_menus(window: QMainWindow, menus: dict[str, list[Action]]) -> dict[str, QAction]:
    """Fill the menu bar and give the actions by their text."""
    made: dict[str, QAction] = {}
    for title, lines in menus.items():
        menu = window.menuBar().addMenu(title)
        menu.setToolTipsVisible(True)
        for line in lines:
            if line.do is None:
                menu.addSeparator()
                continue
            action = QAction(line.text, window)
            action.setToolTip(line.tip or line.text.replace("&", "").rstrip("…"))
            if line.key:
                action.setShortcuts([QKeySequence(key) for key in line.key.split(" | ")])
            if line.on is not None:
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                line.on.addAction(action)
            action.triggered.connect(lambda _=False, do=line.do: do())
            menu.addAction(action)
            made[line.text.replace("&", "").rstrip("…")] = action
    return made
