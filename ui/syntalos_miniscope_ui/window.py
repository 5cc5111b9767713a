"""The window of the editor: the canvas in the middle, panels around it, all on one document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QInputDialog,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.course import Engine
from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.examples import examples
from syntalos_miniscope.project import Graph, Project, ProjectError, load
from syntalos_miniscope_ui import dialogs, menus, palette, theme
from syntalos_miniscope_ui.actions import Action, build_menus
from syntalos_miniscope_ui.before_run import BeforeRun
from syntalos_miniscope_ui.canvas.editing import Editing
from syntalos_miniscope_ui.canvas.finder import Finder
from syntalos_miniscope_ui.canvas.scene import GraphScene
from syntalos_miniscope_ui.canvas.view import GraphView
from syntalos_miniscope_ui.closing import may_close
from syntalos_miniscope_ui.dialogs import Ask
from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.files import Files
from syntalos_miniscope_ui.layout import Layout, size_first
from syntalos_miniscope_ui.live import Live
from syntalos_miniscope_ui.log_panel import LogPanel
from syntalos_miniscope_ui.panels.inspector import Inspector
from syntalos_miniscope_ui.recordings import Recordings
from syntalos_miniscope_ui.run_bar import RunBar
from syntalos_miniscope_ui.running import Running
from syntalos_miniscope_ui.start_strip import MINISCOPE, StartStrip
from syntalos_miniscope_ui.views import Views


class EditorWindow(QMainWindow):
    """One project, drawn, edited and run. Questions go through `ask`."""

    def __init__(
        self,
        catalog: Catalog,
        settings: QSettings,
        ask: Ask = dialogs.ask,
        make_engine: Callable[[Graph, RunOptions], Engine] = LocalEngine,
    ) -> None:
        super().__init__()
        self.catalog = catalog
        self.settings = settings
        self.ask = ask
        self.theme = theme.theme_for(_app(), theme.kept_mode(settings))
        self.running = Running(make_engine)
        self.files = Files(self, catalog, settings, ask, self._take_document)
        self.recordings = Recordings(self, self.running, self.files, settings, self.say)
        self.scene = GraphScene(self.files.document, self.theme)
        self.scene.setParent(self)  # goes with the window, not when Python thinks of it
        self.view = GraphView(self.scene)
        self.editing = Editing(self.scene, self.say)
        self.finder = Finder(self.view, self.editing, self.say)
        self.inspector = Inspector(self.files.document, self.running, ask)
        self.log = LogPanel(self.theme)
        self.run_bar = RunBar(settings, self.theme)
        self.views = Views(self, self._use_rois)
        self.live = Live(
            self, self.running, self.files, self.scene, self.views, self.run_bar, self.log
        )
        self.start: StartStrip | None = None
        self._lay_out()
        self.actions_by_name = build_menus(self, self._menus())
        self._connect()
        self.before_run = BeforeRun(self, catalog, ask)
        self.before_run.cleared.connect(self.live.run)
        theme.dress(_app(), self.theme)
        self.files.begin(Project())

    # Made once

    def _lay_out(self) -> None:
        self.setWindowTitle("Syntalos Miniscope")
        size_first(self, 1500, 900)
        self.addToolBar(self.run_bar)
        self._middle = QWidget()
        layout = QVBoxLayout(self._middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.view, 1)
        self.setCentralWidget(self._middle)
        self.palette_list = palette.Palette(self.catalog)
        self.layout_of_docks = Layout(
            self, {"Boxes": self.palette_list, "Settings": self.inspector}, {"Log": self.log}
        )
        self.layout_of_docks.restore(self.settings)
        self.statusBar().setSizeGripEnabled(False)

    def _menus(self) -> dict[str, list[Action]]:
        view, edit = self.view, self.editing
        return {
            "&File": menus.file_menu(self.files, self.close),
            "&Edit": menus.edit_menu(edit, view),
            "&Boxes": menus.boxes_menu(edit, self.finder, self.inspector, view),
            "&Run": menus.run_menu(self.ask_run, self.running.stop, self.ask_note, self.mark_event),
            "Re&cording": menus.recording_menu(self.recordings),
            "&View": menus.view_menu(view, self.views, self.set_mode, self.put_docks_back),
            "&Help": menus.help_menu(self.show_start, self.open_example),
        }

    def _connect(self) -> None:
        self.palette_list.chosen.connect(self.finder.add_in_view)
        self.view.node_dropped.connect(self.editing.add)
        self.inspector.said.connect(self.say)
        self.log.node_clicked.connect(self._select)
        self.run_bar.run_asked.connect(self.ask_run)
        self.run_bar.stop_asked.connect(self.running.stop)
        self.scene.selectionChanged.connect(self._selected)
        self.scene.box_opened.connect(self._open_box)
        self.scene.wire_opened.connect(self.live.look_at)
        self.scene.dropped_on_nothing.connect(self.finder.ask_add_for)
        self.scene.complained.connect(self.say)
        self.live.began.connect(self.hide_start)
        self.live.opened.connect(self.view.fit)
        self.live.locked.connect(self.inspector.lock)
        self.live.locked.connect(self.files.lock)
        self.live.ended.connect(self.recordings.remember)
        self.live.said.connect(self.say)
        for number in range(1, 10):
            mark = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            mark.activated.connect(partial(self.mark_event, f"Event {number}"))
        _app().styleHints().colorSchemeChanged.connect(self._desktop_changed)

    def _take_document(self, document: Document) -> None:
        if not hasattr(self, "views"):
            return
        self.scene.set_document(document)
        self.inspector.set_document(document)
        document.listeners.append(self._document_changed)
        self._document_changed()
        self.view.fit()

    # What is open

    def open_example(self, name: str) -> None:
        """Edit a shipped project, as one without a file, so that it stays as it was shipped."""
        if self.files.may_replace():
            try:
                self.files.begin(load(examples()[name]))
            except ProjectError as error:
                self.ask(self, "This example cannot be opened.", str(error), ["Close"])

    def show_start(self) -> None:
        """Show what one may begin with."""
        if self.start is None:
            has_miniscope = "miniscope_v4" in self.catalog.folders
            self.start = StartStrip(self.files.recent(), has_miniscope=has_miniscope)
            self.start.picked.connect(self._begin_with)
            self.start.recent_picked.connect(lambda path: self.files.open(Path(path)))
            self.start.dismissed.connect(self.hide_start)
            layout = self._middle.layout()
            assert isinstance(layout, QVBoxLayout)
            layout.insertWidget(0, self.start)

    def hide_start(self) -> None:
        """Put the first steps away, and do not show them by themselves again."""
        self.settings.setValue("window/start-seen", True)
        if self.start is not None:
            self.start.deleteLater()
            self.start = None

    def _begin_with(self, card: str) -> None:
        if card in examples():
            self.open_example(card)
            if "player" in self.scene.boxes:
                self.scene.select(["player"])
                self.say("Pick the recording in the settings on the left, then press Run")
        elif card == "empty":
            self.files.new()
        elif self.files.may_replace():
            self.files.begin(MINISCOPE)

    def _document_changed(self) -> None:
        document = self.files.document
        self.setWindowTitle(f"{self.files.name}[*] – Syntalos Miniscope")
        self.setWindowModified(document.dirty)
        self.inspector.refresh()
        self.views.keep_only(document)
        for name, label in (("Undo", document.undo_label), ("Redo", document.redo_label)):
            self.actions_by_name[name].setEnabled(label is not None)
            self.actions_by_name[name].setText(f"{name} {label}" if label else name)
        self.live.show_phase()

    # What the hand does

    def say(self, text: str) -> None:
        """Say something in the status line."""
        self.statusBar().showMessage(text, 8000)

    def _select(self, node_id: str) -> None:
        if node_id in self.scene.boxes:
            self.scene.select([node_id])
            self.view.ensureVisible(self.scene.boxes[node_id])

    def _selected(self) -> None:
        boxes = self.scene.selected_boxes()
        self.inspector.show_box(boxes[0] if len(boxes) == 1 else None)

    def _open_box(self, node_id: str) -> None:
        if not self.views.raise_view(node_id):
            self.inspector.focus_first()

    # Running

    def ask_run(self, record: bool, seconds: float | None = None) -> None:
        """Check, ask where something looks wrong, and run."""
        if self.running.phase == "idle":
            options = replace(self.run_bar.options(record=record), seconds=seconds)
            self.before_run.begin(self.files.document.graph, options)

    def ask_note(self) -> None:
        """Ask for a remark and keep it with the run."""
        if self.running.phase == "running":
            pressed_s = self.running.elapsed_s
            question = f"What happened? It is kept with the run, at {pressed_s:.1f} s."
            text, taken = QInputDialog.getText(self, "Note", question)
            if taken and text.strip():
                self.running.note(f"{text.strip()} (at {pressed_s:.1f} s)")

    def mark_event(self, name: str = "Event") -> None:
        """Keep this moment with the run."""
        self.running.note(name)

    def _use_rois(self, file: str) -> None:
        document = self.files.document
        for node_id in document.graph.nodes:
            settings = document.settings(node_id)
            if "rois" not in type(settings).model_fields or self.scene.locked:
                continue
            question = f"Use these regions in {document.label(node_id)}?"
            if self.ask(self, question, file, ["Use them", "Only save"]) == "Use them":
                document.set_settings(node_id, settings.model_copy(update={"rois": file}))

    # Colours and the end

    def set_mode(self, mode: theme.Mode) -> None:
        """Be light, dark, or as the desktop is."""
        self.settings.setValue("window/mode", mode)
        self.theme = theme.theme_for(_app(), mode)
        theme.dress(_app(), self.theme)
        self.scene.set_theme(self.theme)
        self.run_bar.set_theme(self.theme)
        self.log.theme = self.theme
        self.live.refresh()

    def put_docks_back(self) -> None:
        """Lay out panels and views as they were at first."""
        self.layout_of_docks.put_back()
        self.views.put_back()

    def _desktop_changed(self) -> None:
        if theme.kept_mode(self.settings) == "system":
            self.set_mode("system")

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask about a run that is on and about unsaved changes, then end both well."""
        studios = self.findChildren(QMainWindow)
        ended = all(studio.close() for studio in studios)
        if not ended or not may_close(self, self.ask, self.running, self.files):
            event.ignore()
            return
        self.layout_of_docks.keep(self.settings)
        self.before_run.join()
        self.live.end()
        self.scene.blockSignals(True)
        event.accept()


def _app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return app
