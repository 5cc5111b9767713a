"""The live view of table rows: the newest at the bottom."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from syntalos_miniscope.streams import TableRow

MOST_ROWS = 1000


class RowsModel(QAbstractTableModel):
    """The last rows of a stream."""

    def __init__(self) -> None:
        super().__init__()
        self._header: tuple[str, ...] = ()
        self._rows: deque[TableRow] = deque()

    def begin(self, header: Sequence[str]) -> None:
        """Start anew under a header."""
        self.beginResetModel()
        self._header = tuple(header)
        self._rows.clear()
        self.endResetModel()

    def add(self, rows: Sequence[TableRow]) -> None:
        """Append rows; beyond a thousand the oldest go."""
        if not self._header and rows:
            self.begin([f"{number + 1}" for number in range(len(rows[0].cells))])
        surplus = len(self._rows) + len(rows) - MOST_ROWS
        if surplus > 0:
            self.beginRemoveRows(QModelIndex(), 0, min(surplus, len(self._rows)) - 1)
            for _ in range(min(surplus, len(self._rows))):
                self._rows.popleft()
            self.endRemoveRows()
        added = rows[-MOST_ROWS:]
        if added:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(added) - 1)
            self._rows.extend(added)
            self.endInsertRows()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """How many rows there are."""
        return len(self._rows)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """How many columns there are."""
        return len(self._header)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> Any:
        """Give a cell."""
        if role == Qt.ItemDataRole.DisplayRole:
            cells = self._rows[index.row()].cells
            return cells[index.column()] if index.column() < len(cells) else ""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        """Give the name of a column."""
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return self._header[section]
        return None


class RowsView(QWidget):
    """A table that follows its last row."""

    port_depth = MOST_ROWS

    def __init__(self) -> None:
        super().__init__()
        self.model = RowsModel()
        self._table = QTableView()
        self._table.setModel(self.model)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(22)
        self._table.setAlternatingRowColors(True)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self._line = QLabel("No rows yet")
        self._line.setContentsMargins(6, 2, 6, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table, 1)
        layout.addWidget(self._line)
        self.setMinimumSize(200, 120)

    def begin(self, metadata: Mapping[str, Any]) -> None:
        """Get ready for a stream."""
        self.model.begin([str(name) for name in metadata.get("table_header", ())])
        self._line.setText("No rows yet")

    def show_items(self, items: Sequence[TableRow], seen: int, unseen: int) -> None:
        """Append rows."""
        if items:
            self.model.add(items)
            self._table.scrollToBottom()
            self._line.setText(f"{seen:,} rows")
