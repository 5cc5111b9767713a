"""The menu of the right button: what can be done with what is under the mouse."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from syntalos_miniscope_ui.canvas.box_item import BoxItem
from syntalos_miniscope_ui.canvas.scene import GraphScene
from syntalos_miniscope_ui.canvas.wire_item import WireItem

ON_BOX = ("Settings", "Rename", "Connect…", "", "Cut", "Copy", "Duplicate", "Remove")
ON_WIRE = ("Remove",)
ON_CANVAS = ("Add box…", "Paste", "", "Select all", "Tidy up", "Fit")


def menu_at(
    scene: GraphScene, where: QPointF, actions: Iterable[QAction], parent: QWidget
) -> QMenu:
    """Select what is at a place of the scene, and give the menu for it."""
    item = scene.thing_at(where)
    menu = QMenu(parent)
    names = ON_CANVAS
    if item is not None:
        names = ON_BOX if isinstance(item, BoxItem) else ON_WIRE
        if not item.isSelected():
            scene.clearSelection()
            item.setSelected(True)
    if isinstance(item, WireItem):
        target = item.target
        menu.addAction("Look at what flows", lambda: scene.wire_opened.emit(target))
    known = {action.text().replace("&", ""): action for action in actions}
    for name in names:
        if name:
            menu.addAction(known[name])
        else:
            menu.addSeparator()
    return menu
