"""The live views: one dock for each box that shows what reaches it, fed while a run is on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from syntalos_miniscope.engine.course import Engine
from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.node import In
from syntalos_miniscope.streams import Control, Frame
from syntalos_miniscope_ui.document import Document, End
from syntalos_miniscope_ui.viewers.choice import Viewer, viewer_for
from syntalos_miniscope_ui.viewers.frames import FrameView

Feed = tuple[Viewer, Tap]
WIDTH = 540


class Views:
    """Makes, feeds and puts away the docks of one window."""

    def __init__(self, window: QMainWindow, on_rois: Callable[[str], None]) -> None:
        self._window = window
        self._on_rois = on_rois
        self.docks: dict[End, QDockWidget] = {}
        self._restored: set[QDockWidget] = set()
        self._feeds: dict[End, Feed] = {}
        self._commands: dict[End, tuple[FrameView, Tap]] = {}

    def open_all(self, document: Document, engine: Engine) -> bool:
        """Attach a view to every box that has one and is wired; True if docks were added."""
        before = len(self.docks)
        for end, port in [*shown_inputs(document), *self._looked_into(document)]:
            self.open(document, engine, end, port)
        added = list(self.docks.values())[before:]
        self._stack_to_fit(added)
        self._share_out([dock for dock in added if dock not in self._restored])
        return bool(added)

    def look_into(self, document: Document, engine: Engine, end: End, port: In) -> None:
        """Show what reaches any input, on a tab beside the other views."""
        new = end not in self.docks
        self.open(document, engine, end, port)
        dock = self.docks.get(end)
        if dock is None:
            return
        others = [d for d in self.docks.values() if d is not dock and not d.isFloating()]
        if new and dock not in self._restored and others:
            self._window.tabifyDockWidget(others[0], dock)
        dock.raise_()

    def _looked_into(self, document: Document) -> list[tuple[End, In]]:
        """Give the inputs that a person still looks into, besides those that are always shown."""
        always = [end for end, _ in shown_inputs(document)]
        wired = {wire.target for wire in document.graph.wires}
        return [
            (end, document.input(end))
            for end, dock in self.docks.items()
            if end in wired and end not in always and not dock.isHidden()
        ]

    def put_back(self) -> None:
        """Lay out all views on the right, as at first."""
        docks = list(self.docks.values())
        for dock in docks:
            dock.setFloating(False)
            self._window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
            dock.show()
        self._share_out(docks)

    def _stack_to_fit(self, added: list[QDockWidget]) -> None:
        """Lay views on tabs, the last ones first, where the screen is too low for all of them."""
        room = self._window.screen().availableSize().height()
        for dock, above in zip(reversed(added[1:]), reversed(added[:-1]), strict=True):
            if self._window.minimumSizeHint().height() <= room:
                return
            self._window.tabifyDockWidget(above, dock)
            above.raise_()

    def _share_out(self, docks: list[QDockWidget]) -> None:
        if docks:
            tall = [500 if isinstance(dock.widget(), FrameView) else 200 for dock in docks]
            self._window.resizeDocks(docks, tall, Qt.Orientation.Vertical)
            self._window.resizeDocks(docks[:1], [WIDTH], Qt.Orientation.Horizontal)

    def open(self, document: Document, engine: Engine, end: End, port: In) -> None:
        """Attach a view to an input of a running graph, in its dock of before if there was one."""
        metadata = engine.metadata(*end)
        made = viewer_for(port.type, metadata)
        if made is None:
            return
        dock, viewer = self.docks.get(end), made
        if dock is None:
            dock = self.docks[end] = self._add_dock(end, made)
        elif isinstance(shown := dock.widget(), type(made)):
            viewer = shown
            made.deleteLater()
        else:
            dock.setWidget(made)
        if isinstance(viewer, FrameView):
            viewer.rois_saved.connect(self._on_rois, Qt.ConnectionType.UniqueConnection)
        dock.setWindowTitle(_title(document, end, port))
        viewer.begin(metadata)
        self._feeds[end] = (viewer, engine.tap(*end, depth=viewer.port_depth))
        ports = {port.id for port in document.graph.nodes[end[0]].type.inputs}
        if isinstance(viewer, FrameView) and "control-in" in ports:
            self._commands[end] = (viewer, engine.tap(end[0], "control-in", depth=8))
        dock.show()

    def feed(self) -> None:
        """Hand every visible view what has come since the last time."""
        for viewer, tap in self._commands.values():
            for command in tap.take():
                if isinstance(command, Control):
                    viewer.obey(command)
        for end, (viewer, tap) in self._feeds.items():
            items = tap.take()
            if self.docks[end].isVisible():
                viewer.show_items(items, tap.seen, tap.dropped)

    def rest(self) -> None:
        """Stop feeding; what was drawn last stays."""
        self.feed()
        self._feeds, self._commands = {}, {}

    def keep_only(self, document: Document) -> None:
        """Put away the views of boxes that are gone, and name the others as they are called."""
        for end, dock in list(self.docks.items()):
            if end[0] not in document.graph.nodes:
                self._window.removeDockWidget(dock)
                dock.deleteLater()
                self._restored.discard(dock)
                del self.docks[end]
            else:
                dock.setWindowTitle(_title(document, end, document.input(end)))

    def fill_screen(self) -> None:
        """Let the view that was used last fill its screen, or go back to where it was."""
        focus = QApplication.focusWidget()
        with_focus = [d for d in self.docks.values() if focus and d.isAncestorOf(focus)]
        filling = [d for d in self.docks.values() if d.isFloating() and d.isVisible()]
        dock = next(iter((*with_focus, *filling, *self.docks.values())), None)
        if dock is None:
            return
        dock.setFloating(not dock.isFloating())
        dock.show()
        if dock.isFloating():
            dock.setGeometry(self._window.screen().availableGeometry())

    def raise_view(self, node_id: str) -> bool:
        """Bring the view of a box to the front; False if it has none."""
        for end, dock in self.docks.items():
            if end[0] == node_id:
                dock.show()
                dock.raise_()
                return True
        return False

    def _add_dock(self, end: End, viewer: QWidget) -> QDockWidget:
        dock = QDockWidget(self._window)
        dock.setObjectName("view-" + "-".join(end))
        dock.setWidget(viewer)
        if self._window.restoreDockWidget(dock):
            self._restored.add(dock)
        else:
            self._window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        return dock


def shown_inputs(document: Document) -> list[tuple[End, In]]:
    """Give the wired data inputs of the boxes that are there to be looked at, frames first."""
    wired = {wire.target for wire in document.graph.wires}
    folders = document.catalog.folders
    found = [
        ((node_id, port.id), port)
        for node_id, node in document.graph.nodes.items()
        if node.box.type in folders and "show-display" in folders[node.box.type].features
        for port in node.type.inputs
        if port.type is not Control and (node_id, port.id) in wired
    ]
    return sorted(found, key=lambda entry: entry[1].type is not Frame)


def _title(document: Document, end: End, port: In) -> str:
    ports = [p for p in document.graph.nodes[end[0]].type.inputs if p.type is not Control]
    label = document.label(end[0])
    return label if len(ports) == 1 else f"{label}: {port.title}"
