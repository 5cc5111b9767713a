"""What happened, line by line: the log at the bottom of the window."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from syntalos_miniscope_ui.running import LogLine
from syntalos_miniscope_ui.theme import Theme

MOST_LINES = 2000


class LogPanel(QTreeWidget):
    """Time, box and sentence; a click on a line selects its box."""

    node_clicked = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.setColumnCount(3)
        self.setHeaderLabels(["Time", "Box", "What happened"])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        header = self.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.itemClicked.connect(self._clicked)

    def add(self, lines: Iterable[LogLine]) -> None:
        """Append lines and show the last."""
        for line in lines:
            text = line.text.removeprefix(f"{line.node}: ")
            item = QTreeWidgetItem([f"{line.time_s:.1f} s", line.node or "", text])
            item.setToolTip(2, line.text)
            item.setData(1, Qt.ItemDataRole.UserRole, line.node)
            if line.level != "info":
                bad = self.theme.bad if line.level == "error" else self.theme.busy
                item.setForeground(2, QColor(bad))
            self.addTopLevelItem(item)
            self.scrollToItem(item)
        while self.topLevelItemCount() > MOST_LINES:
            self.takeTopLevelItem(0)

    def lines(self) -> list[str]:
        """Give the sentences."""
        items = [self.topLevelItem(row) for row in range(self.topLevelItemCount())]
        return [item.text(2) for item in items if item is not None]

    def _clicked(self, item: QTreeWidgetItem) -> None:
        if node := item.data(1, Qt.ItemDataRole.UserRole):
            self.node_clicked.emit(node)
