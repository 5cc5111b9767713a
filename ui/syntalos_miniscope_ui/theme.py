"""Colours: of the canvas and the widgets, light and dark, and of what travels on wires."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame, ItemType, TableRow

Mode = Literal["system", "light", "dark"]


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one mode, as #rrggbb."""

    canvas: str
    grid: str
    box: str
    box_head: str
    box_edge: str
    selected: str
    text: str
    faint: str
    control: str
    window: str
    base: str
    button: str
    highlight: str
    good: str = "#4CAF6A"
    busy: str = "#E5A93B"
    bad: str = "#E0524D"
    idle: str = "#8A9299"

    def wire(self, item_type: ItemType) -> QColor:
        """Give the colour of a stream type."""
        return QColor(self.control if item_type is Control else _STREAMS[item_type])

    def state(self, state: str) -> QColor:
        """Give the colour of the dot of a box with which nothing is wrong."""
        dots = {"preparing": self.busy, "ready": self.busy, "running": self.good}
        return QColor(dots.get(state, self.idle))


_STREAMS: dict[ItemType, str] = {
    Frame: "#ECC386",
    FloatSignalBlock: "#AECC70",
    TableRow: "#8FD6FE",
}

DARK = Theme(
    canvas="#1F2327",
    grid="#2A2F34",
    box="#343A40",
    box_head="#3F474E",
    box_edge="#15181B",
    selected="#5FB2E6",
    text="#F0F2F3",
    faint="#AAB3BA",
    control="#FFFFFF",
    window="#2A2E33",
    base="#212529",
    button="#363C42",
    highlight="#2F7FB5",
)
LIGHT = Theme(
    canvas="#A3ACB4",
    grid="#9BA4AC",
    box="#F6F7F8",
    box_head="#E3E8EB",
    box_edge="#5E6870",
    selected="#1F78B4",
    text="#1C2226",
    faint="#59636B",
    control="#FFFFFF",
    window="#EEF0F2",
    base="#FFFFFF",
    button="#E4E8EB",
    highlight="#2F7FB5",
    good="#2E8B4A",
    busy="#B7791F",
    bad="#C0362F",
    idle="#7A848C",
)


def kept_mode(settings: QSettings) -> Mode:
    """Give the mode that a person chose last; that of the desktop where none was chosen."""
    mode = str(settings.value("window/mode", "system"))
    return "light" if mode == "light" else "dark" if mode == "dark" else "system"


def theme_for(app: QApplication, mode: Mode) -> Theme:
    """Give the theme of a mode; `system` follows the desktop, and is dark where it says nothing."""
    if mode == "system":
        light = app.styleHints().colorScheme() is Qt.ColorScheme.Light
        return LIGHT if light else DARK
    return LIGHT if mode == "light" else DARK


def dress(app: QApplication, theme: Theme) -> None:
    """Give every widget of the program the colours of a theme."""
    # Qt takes five times as long where one sheet follows another.
    app.setStyleSheet("")
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(_palette(theme))
    app.setStyleSheet(_SHEET.format(theme=theme, signs=_SIGNS))


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette(QColor(theme.button), QColor(theme.window))
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.base,
        role.AlternateBase: theme.window,
        role.Text: theme.text,
        role.PlaceholderText: theme.faint,
        role.Button: theme.button,
        role.ButtonText: theme.text,
        role.BrightText: theme.bad,
        role.Highlight: theme.highlight,
        role.HighlightedText: "#FFFFFF",
        role.ToolTipBase: theme.box,
        role.ToolTipText: theme.text,
        role.Link: theme.selected,
        role.Accent: theme.highlight,
    }
    for which, colour in colours.items():
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.idle))
    return palette


_SIGNS = (Path(__file__).parent / "signs").as_posix()
_SHEET = """
QToolTip {{ background: {theme.box}; color: {theme.text}; border: 1px solid {theme.idle};
  padding: 4px; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QLabel#trouble {{ color: {theme.bad}; }}
QDockWidget {{ titlebar-close-icon: url("{signs}/close.svg");
  titlebar-normal-icon: url("{signs}/float.svg"); }}
QDockWidget::title {{ background: {theme.box_head}; padding: 5px 8px; }}
QToolBar {{ border: none; spacing: 4px; padding: 3px; }}
QCheckBox::indicator, QGroupBox::indicator {{ width: 13px; height: 13px; border-radius: 2px;
  border: 1px solid {theme.idle}; background: {theme.base}; }}
QCheckBox::indicator:checked, QGroupBox::indicator:checked {{ image: url("{signs}/tick.svg");
  border-color: {theme.highlight}; background: {theme.highlight}; }}
QCheckBox::indicator:focus {{ border-color: {theme.text}; }}
QCheckBox::indicator:disabled, QGroupBox::indicator:disabled {{ background: {theme.window};
  border-color: {theme.box_edge}; }}
QCheckBox::indicator:checked:disabled {{ background: {theme.idle}; }}
QMainWindow::separator {{ background: {theme.canvas}; width: 4px; height: 4px; }}
"""
