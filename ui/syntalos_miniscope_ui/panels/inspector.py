"""The side panel of the selected box: its name, what it is, and its knobs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from syntalos_miniscope.node import Settings
from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope.simulation.choice import choose_spec
from syntalos_miniscope_ui.dialogs import Ask
from syntalos_miniscope_ui.document import Document
from syntalos_miniscope_ui.panels.choice import panel_for
from syntalos_miniscope_ui.panels.scope_panel import ScopePanel
from syntalos_miniscope_ui.panels.sweep_dialog import SweepDialog
from syntalos_miniscope_ui.running import Running
from syntalos_miniscope_ui.studio.model import Studio
from syntalos_miniscope_ui.studio.window import StudioWindow

LEAST_WIDTH = 340


class Inspector(QScrollArea):
    """Shows one box. Live knobs reach a run at once; every change can be taken back."""

    said = Signal(str)
    """Something for the status line."""

    def __init__(self, document: Document, running: Running, ask: Ask) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._document = document
        self._running = running
        self._ask = ask
        self._node_id: str | None = None
        self._form = None
        self._title: QLineEdit | None = None
        self._locked = False
        self.show_box(None)

    @property
    def form(self):
        """The panel with the knobs of the box; None if nothing is selected."""
        return self._form

    def set_document(self, document: Document) -> None:
        """Look at another document."""
        self._document = document
        self.show_box(None)

    def show_box(self, node_id: str | None) -> None:
        """Show a box, or that none is selected."""
        if node_id not in self._document.graph.nodes:
            node_id = None
        self._node_id, self._form, self._title = node_id, None, None
        page = QWidget()
        layout = QVBoxLayout(page)
        if node_id is None:
            hint = QLabel("Select a box to see its settings.")
            hint.setWordWrap(True)
            hint.setEnabled(False)
            layout.addWidget(hint)
        else:
            self._fill(layout, node_id)
        layout.addStretch(1)
        self.setWidget(page)
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(max(page.minimumSizeHint().width() + bar, LEAST_WIDTH))

    def refresh(self) -> None:
        """Show what the document says now, as after an undo."""
        if self._node_id not in self._document.graph.nodes:
            if self._node_id is not None:
                self.show_box(None)
            return
        assert self._node_id is not None
        if self._title is not None and not self._title.hasFocus():
            self._title.setText(self._document.label(self._node_id))
        if self._form is not None:
            self._form.show_settings(self._document.settings(self._node_id))

    def focus_title(self) -> None:
        """Let the person type another title."""
        if self._title is not None:
            self._title.setFocus()
            self._title.selectAll()

    def focus_first(self) -> None:
        """Let the person turn the first knob."""
        if self._form is not None:
            self._form.setFocus()
            self._form.focusNextChild()

    def lock(self, running: bool) -> None:
        """Fix what may not change during a run."""
        self._locked = running
        if self._form is not None:
            self._form.lock(running)

    def _fill(self, layout: QVBoxLayout, node_id: str) -> None:
        box = self._document.project.box(node_id)
        folder = self._document.catalog.folders.get(box.type)
        missing = self._document.missing(node_id)
        self._title = QLineEdit(box.label)
        self._title.setToolTip("What the box is called")
        self._title.setAccessibleName("Title")
        self._title.editingFinished.connect(self._rename)
        kind, about = (folder.name, folder.description) if folder else (box.type, "")
        words = QLabel(about)
        words.setWordWrap(True)
        words.setEnabled(False)
        name = QLabel(f"<small>{kind} · id <code>{node_id}</code></small>")
        name.setEnabled(False)
        name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for widget in (self._title, name, *([words] if about else [])):
            layout.addWidget(widget)
        if missing:
            trouble = QLabel(f"Cannot run here: {missing}. Its settings and wires are kept.")
            trouble.setObjectName("trouble")
            trouble.setWordWrap(True)
            layout.addWidget(trouble)
            return
        settings = self._document.settings(node_id)
        if not type(settings).model_fields:
            nothing = QLabel("This box has no settings.")
            nothing.setEnabled(False)
            layout.addWidget(nothing)
            return
        self._form = panel_for(settings)
        self._form.edited.connect(self._edited)
        self._form.settled.connect(self._document.seal)
        if isinstance(self._form, ScopePanel):
            self._form.sweep_asked.connect(self._sweep)
            self._form.studio_asked.connect(self._open_studio)
        self._form.lock(self._locked)
        layout.addWidget(self._form)

    def _rename(self) -> None:
        if self._title is not None and self._node_id in self._document.graph.nodes:
            assert self._node_id is not None
            if self._title.text().strip() != self._document.label(self._node_id):
                self._document.rename(self._node_id, self._title.text())

    def _sweep(self) -> None:
        engine, node_id = self._running.engine, self._node_id
        raw = [w for w in self._document.graph.wires if w.source == (node_id, "frames-raw-out")]
        if engine is None or node_id is None or not raw:
            self.said.emit("Wire the raw frames of the scope to a box to sweep its focus")
            return
        settings = self._document.settings(node_id)
        assert isinstance(settings, ScopeSettings)

        def set_ewl(ewl: int) -> None:
            turned = self._document.settings(node_id).model_copy(update={"ewl": ewl})
            self._document.set_settings(node_id, turned, merge=("sweep", node_id))
            self._running.apply(node_id, turned)

        tap = engine.tap(*raw[0].target, depth=16)
        self.sweep_dialog = SweepDialog(self.window(), tap, settings.ewl, set_ewl)
        self.sweep_dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.sweep_dialog.show()

    def _open_studio(self) -> None:
        node_id = self._node_id
        if node_id is None:
            return
        values = self._document.settings(node_id).model_dump()
        try:
            spec = choose_spec(
                Path(values["spec_file"]).expanduser() if values["spec_file"] else values["preset"],
                None if values["spec_file"] else values["activity"],
                seed=None if values["spec_file"] else values["seed"],
            )
        except ValueError as error:
            self.said.emit(str(error))
            return

        def use(file: str) -> None:
            if self._locked or node_id not in self._document.graph.nodes:
                self.said.emit("Saved; the graph takes another Spec when no run is on")
                return
            tuned = self._document.settings(node_id).model_copy(update={"spec_file": file})
            self._document.set_settings(node_id, tuned)

        self.studio_window = StudioWindow(Studio(spec), self.window(), self._ask)
        self.studio_window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.studio_window.spec_saved.connect(use)
        self.studio_window.show()

    def _edited(self, settings: Settings, field: str) -> None:
        if self._node_id is not None:
            self._document.set_settings(
                self._node_id, settings, merge=("settings", self._node_id, field)
            )
            self._running.apply(self._node_id, settings)
