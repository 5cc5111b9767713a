"""A list that narrows as one types, and a popup of it: type, arrows, Enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

_DATA, _WORDS = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list; `words` are searched besides the text."""

    text: str
    data: Any
    tip: str = ""
    icon: QIcon | None = None
    words: str = ""


class _Items(QListWidget):
    """The list; its lines can be dragged away as text of a MIME type, if one is given."""

    def __init__(self, drag_as: str) -> None:
        super().__init__()
        self._drag_as = drag_as
        self.setDragEnabled(bool(drag_as))

    def mimeData(self, items: Sequence[QListWidgetItem]) -> QMimeData:  # noqa: N802 - Qt's name
        """Give what is dragged."""
        data = QMimeData()
        if items:
            data.setData(self._drag_as, str(items[0].data(_DATA)).encode())
        return data


class SearchList(QWidget):
    """A search line over a list. `chosen` carries the data of the entry that was picked."""

    chosen = Signal(object)

    def __init__(self, entries: Sequence[Entry], hint: str, drag_as: str = "") -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setToolTip("Type a part of a name; Enter takes the first")
        self.line.setPlaceholderText(hint)
        self.line.setClearButtonEnabled(True)
        self.line.textChanged.connect(self._narrow)
        self.line.installEventFilter(self)
        self.list = _Items(drag_as)
        self.list.setIconSize(QSize(22, 22))
        self.list.setAccessibleName(hint)
        self.list.itemActivated.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.line)
        layout.addWidget(self.list, 1)
        for entry in entries:
            item = QListWidgetItem(entry.icon or QIcon(), entry.text)
            item.setToolTip(entry.tip)
            item.setData(_DATA, entry.data)
            words = f"{entry.text} {entry.tip} {entry.words}".casefold()
            item.setData(_WORDS, words)
            self.list.addItem(item)
        self._narrow("")

    def shown(self) -> list[str]:
        """Give the lines that the search has left."""
        items = [self.list.item(row) for row in range(self.list.count())]
        return [item.text() for item in items if not item.isHidden()]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Let arrows and Enter in the search line reach the list."""
        if watched is self.line and isinstance(event, QKeyEvent):
            pressed = event.type() is QEvent.Type.KeyPress
            if pressed and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if item := self.list.currentItem():
                    self._choose(item)
                return True
            if pressed and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                self._step(1 if event.key() == Qt.Key.Key_Down else -1)
                return True
        return super().eventFilter(watched, event)

    def _narrow(self, text: str) -> None:
        wanted = text.casefold().split()
        found: list[tuple[bool, int]] = []
        for row in range(self.list.count()):
            item = self.list.item(row)
            fits = all(word in item.data(_WORDS) for word in wanted)
            item.setHidden(not fits)
            if fits:
                named = all(word in item.text().casefold() for word in wanted)
                found.append((not named, row))
        # What is called so comes before what is only described so.
        self.list.setCurrentRow(min(found)[1] if found else -1)

    def _step(self, by: int) -> None:
        row = self.list.currentRow() + by
        while 0 <= row < self.list.count():
            if not self.list.item(row).isHidden():
                self.list.setCurrentRow(row)
                return
            row += by

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(_DATA))


class SearchPopup(QFrame):
    """A search list that floats over the canvas until something is picked."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget, entries: Sequence[Entry], hint: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.search = SearchList(entries, hint)
        self.search.chosen.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(self.search)
        longest = self.search.list.sizeHintForColumn(0) + 40
        self.resize(min(max(380, longest), 760), 320)

    def open_at(self, place: QPoint) -> None:
        """Show the popup at a place of the screen, ready to type."""
        self.move(place)
        self.show()
        self.search.line.setFocus()

    def _choose(self, data: object) -> None:
        self.close()
        self.chosen.emit(data)
