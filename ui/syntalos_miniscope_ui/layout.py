"""Where the panels of the window lie: moved and floated by hand, and found again the next time."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

SHARE_OF_SCREEN = 0.94
"""What is left to a window beside its frame and the bars of the desktop."""


def size_first(window: QWidget, width: int, height: int) -> None:
    """Give a window its first size, or as much of it as the screen has room for."""
    room = window.screen().availableSize() * SHARE_OF_SCREEN
    window.resize(QSize(width, height).boundedTo(room))


class Layout:
    """The panels of a window on its left and at its foot; they can be moved and not be lost."""

    def __init__(
        self, window: QMainWindow, left: Mapping[str, QWidget], foot: Mapping[str, QWidget]
    ) -> None:
        self._window = window
        sides, feet = (
            [self._dock(title, widget, area) for title, widget in panels.items()]
            for panels, area in (
                (left, Qt.DockWidgetArea.LeftDockWidgetArea),
                (foot, Qt.DockWidgetArea.BottomDockWidgetArea),
            )
        )
        window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        window.resizeDocks(sides, [280, 480], Qt.Orientation.Vertical)
        window.resizeDocks(sides[:1], [360], Qt.Orientation.Horizontal)
        window.resizeDocks(feet, [130], Qt.Orientation.Vertical)
        self._first = window.saveState()

    def restore(self, settings: QSettings) -> None:
        """Lay everything out as it was kept."""
        place, state = settings.value("window/geometry"), settings.value("window/layout")
        if isinstance(place, QByteArray):
            self._window.restoreGeometry(place)
        if isinstance(state, QByteArray):
            self._window.restoreState(state)

    def keep(self, settings: QSettings) -> None:
        """Remember size and place of the window and of what is in it."""
        settings.setValue("window/geometry", self._window.saveGeometry())
        settings.setValue("window/layout", self._window.saveState())

    def put_back(self) -> None:
        """Lay the panels out as at first."""
        self._window.restoreState(self._first)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(title.lower())
        dock.setWidget(widget)
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
        )
        self._window.addDockWidget(area, dock)
        return dock
