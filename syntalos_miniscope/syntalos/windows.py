"""The windows of a module: the editor's own panels and viewers, in the module's process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.node import Out, Settings
from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope.streams import Frame, Item, Metadata

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

UI = "syntalos_miniscope_ui"
RAW_FRAMES = "frames-raw-out"
"""What a focus sweep looks at."""


class Windows:
    """Made of nothing until one is asked for; pumped by `turn`, never by a loop of Qt's own."""

    def __init__(self, title: str, edited: Callable[[Settings], None]) -> None:
        self._title, self._edited = title, edited
        self._app: QApplication | None = None
        self._settings: QWidget | None = None
        self.form: Any = None
        """The panel in the settings window, if that was ever opened."""
        self._views: dict[str, _View] = {}
        self._latest: Settings | None = None
        self._sweep: Tap | None = None

    def warm_up(self) -> None:
        """Load Qt before a run, where there is a display; opening a window later is quick then."""
        if self._app is None and _missing_screen() is None:
            with suppress(ImportError):
                _load_qt()

    def show_settings(self, settings: Settings, *, running: bool) -> None:
        """Show the knobs; RuntimeError if there is no display."""
        self._ensure_app()
        from PySide6.QtWidgets import QScrollArea

        from syntalos_miniscope_ui.panels.choice import panel_for

        form: Any = panel_for(settings)
        self.form = form
        form.edited.connect(lambda changed, name: self._take(changed))
        self._latest = settings
        if hasattr(form, "sweep_asked"):
            form.sweep_asked.connect(self._sweep_focus)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(form)
        area.setWindowTitle(f"{self._title}: settings")
        area.resize(420, 640)
        self.lock(running=running)
        old, self._settings = self._settings, area
        if old is not None:
            area.setGeometry(old.geometry())
            old.close()
        area.show()

    def show_display(self, outputs: Sequence[Out], described: Mapping[str, Metadata]) -> None:
        """Show a live view of every output that can be seen, a tab each."""
        self._ensure_app()
        from PySide6.QtWidgets import QTabWidget

        from syntalos_miniscope_ui.viewers.choice import viewer_for

        tabs = QTabWidget()
        tabs.setWindowTitle(self._title)
        tabs.resize(760, 640)
        self._close_views()
        for out in outputs:
            metadata = described.get(out.id, {})
            viewer = viewer_for(out.type, metadata)
            if viewer is not None:
                tabs.addTab(viewer, out.title)
                self._views[out.id] = _View(viewer, tabs)
                self._views[out.id].begin(metadata)
        tabs.show()

    def begin(self, described: Mapping[str, Metadata]) -> None:
        """Get views that are open ready for another run's streams."""
        for port, view in self._views.items():
            view.begin(described.get(port, {}))

    @property
    def shown(self) -> Collection[str]:
        """The outputs that have a view."""
        return self._views.keys()

    def lock(self, *, running: bool) -> None:
        """Fix what may not change during a run."""
        if self.form is not None:
            self.form.lock(running)

    def feed(self, port: str, item: Item) -> None:
        """Take what was sent on an output."""
        view = self._views.get(port)
        taps = [view.tap] if view is not None and view.viewer.isVisible() else []
        if port == RAW_FRAMES and self._sweep is not None:
            taps.append(self._sweep)
        if taps and isinstance(item, Frame):
            # The frame may lie in memory that is used again once it has been sent.
            item = Frame(item.index, item.time_us, item.mat.copy())
        for tap in taps:
            tap.hear(item)

    def turn(self) -> None:
        """Let Qt do what is due, and views draw what came."""
        if self._app is None:
            return
        for view in self._views.values():
            view.draw()
        self._app.processEvents()

    def close(self) -> None:
        """Close all windows."""
        self._close_views()
        if self._settings is not None:
            self._settings.close()
            self._settings = self.form = None

    def _take(self, settings: Settings) -> None:
        self._latest = settings
        self._edited(settings)

    def _sweep_focus(self) -> None:
        """Open the editor's focus sweep over the raw frames of this scope."""
        from syntalos_miniscope_ui.panels.sweep_dialog import SweepDialog

        form, window, latest = self.form, self._settings, self._latest
        assert window is not None and isinstance(latest, ScopeSettings)

        def set_ewl(ewl: int) -> None:
            assert self._latest is not None
            turned = self._latest.model_copy(update={"ewl": ewl})
            form.show_settings(turned)
            self._take(turned)

        def finish() -> None:
            self._sweep = None

        self._sweep = Tap(depth=16)
        dialog = SweepDialog(window, self._sweep, latest.ewl, set_ewl)
        dialog.finished.connect(finish)
        dialog.show()

    def _close_views(self) -> None:
        for view in self._views.values():
            view.window.close()
        self._views.clear()

    def _ensure_app(self) -> None:
        if self._app is not None:
            return
        if reason := _missing_screen():
            raise RuntimeError(reason)
        _load_qt()
        from PySide6.QtWidgets import QApplication

        app = QApplication.instance() or QApplication(["syntalos-miniscope"])
        assert isinstance(app, QApplication)
        app.setQuitOnLastWindowClosed(False)
        self._app = app


class _View:
    """One viewer, and its ear at the stream."""

    def __init__(self, viewer: Any, window: QWidget) -> None:
        self.viewer, self.window = viewer, window
        self.tap = Tap(viewer.port_depth)

    def begin(self, metadata: Metadata) -> None:
        self.tap = Tap(self.viewer.port_depth)
        self.viewer.begin(metadata)

    def draw(self) -> None:
        items = self.tap.take()
        if items:
            self.viewer.show_items(items, self.tap.seen, self.tap.dropped)


def _load_qt() -> None:
    # PySide6 first: pyqtgraph takes a PyQt of the system's if it finds none loaded.
    for name in ("PySide6.QtWidgets", *(f"{UI}.{room}.choice" for room in ("panels", "viewers"))):
        import_module(name)


def _missing_screen() -> str | None:
    try:
        screen = import_module(f"{UI}.screen")
    except ImportError as error:
        return str(error)
    return screen.missing_screen()
