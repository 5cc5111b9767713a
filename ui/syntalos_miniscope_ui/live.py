"""What moves during a run: dots, rates, views, clock and log, drawn as often as an eye sees."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.node import is_source
from syntalos_miniscope.project import Graph
from syntalos_miniscope_ui.canvas.scene import GraphScene
from syntalos_miniscope_ui.files import Files
from syntalos_miniscope_ui.log_panel import LogPanel
from syntalos_miniscope_ui.run_bar import RunBar
from syntalos_miniscope_ui.running import Phase, Running
from syntalos_miniscope_ui.views import Views

VIEW_MS = 30
STATE_EVERY = 5
"""Boxes and wires are drawn anew on every fifth look at the views."""


class Live(QObject):
    """Looks at the run from the window's thread, which `parent` lives on; never waits for it."""

    began = Signal()
    opened = Signal()
    """Views have been opened, and laid out."""
    ended = Signal()
    """The run is over and its files are closed."""
    locked = Signal(bool)
    """Whether what is not live can be changed no more, as a run is on."""
    said = Signal(str)

    def __init__(
        self,
        parent: QObject,
        running: Running,
        files: Files,
        scene: GraphScene,
        views: Views,
        run_bar: RunBar,
        log: LogPanel,
    ) -> None:
        super().__init__(parent)
        self._running, self._files, self._scene = running, files, scene
        self._views, self._run_bar, self._log = views, run_bar, log
        self.shown: Phase = "idle"
        """The phase of the run that the window shows."""
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(VIEW_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._look)
        self._rest = QTimer(self)
        self._rest.setInterval(1000)
        self._rest.timeout.connect(self.refresh)
        self._rest.start()

    def run(self, graph: Graph, options: RunOptions) -> None:
        """Begin a run and watch it."""
        self._running.run(graph, options)
        self.began.emit()
        self._timer.start()
        self._look()

    def end(self) -> None:
        """Watch no more."""
        self._timer.stop()
        self._rest.stop()
        self._views.rest()

    def look_at(self, target: str) -> None:
        """Open a view on the wire into an input, while a run is on."""
        engine = self._running.engine
        node_id, port = target.split(".")
        if self._running.phase != "running" or engine is None:
            self.said.emit("A wire can be looked into while a run is on")
            return
        document = self._files.document
        end = (node_id, port)
        self._views.look_into(document, engine, end, document.input(end))

    def _look(self) -> None:
        phase = self._running.phase
        if phase != self.shown:
            self._entered(phase)
            self.shown = phase
        if phase == "running":
            self._views.feed()
        self._looks += 1
        if self._looks % STATE_EVERY == 0:
            self.refresh()

    def _entered(self, phase: Phase) -> None:
        engine = self._running.engine
        if phase == "running" and engine is not None:
            if self._views.open_all(self._files.document, engine):
                QTimer.singleShot(0, self.opened.emit)
        if phase == "idle":
            self._views.rest()
            self._timer.stop()
            self.ended.emit()
            if self._running.error:
                self.said.emit(str(self._running.error))
        self.show_phase()
        self.refresh()

    def show_phase(self) -> None:
        """Offer what can be done now."""
        idle = self._running.phase == "idle"
        nodes = self._files.document.graph.nodes.values()
        has_sources = any(is_source(node.type) for node in nodes)
        self._run_bar.show_phase(self._running.phase, has_sources=has_sources)
        self._scene.locked = not idle
        self.locked.emit(not idle)

    def refresh(self) -> None:
        """Show how boxes and wires are doing."""
        state = self._running.look()
        for node_id, item in self._scene.boxes.items():
            box = state.boxes.get(node_id)
            if box is None:
                item.show_state("idle", "", None, "")
            else:
                text, wrong = box.text, box.error
                if box.trouble and box.phase == "running":
                    text, wrong = "", text
                item.show_state(box.phase, text, wrong, counts_text(box.counters))
        for target, wire in self._scene.wires.items():
            load = state.wires.get(target)
            if load is None:
                wire.show_load(None, 0, alarm=False)
            else:
                wire.show_load(load.items_per_s, load.dropped, alarm=load.dropping)
        engine = self._running.engine
        self._run_bar.show_clock(state, engine.export_dir if engine else None)
        lines = self._running.take_log()
        self._log.add(lines)
        for line in lines:
            if line.level == "warning":
                self.said.emit(f"{line.node}: {line.text}" if line.node else line.text)


def counts_text(counters: Mapping[str, int]) -> str:
    """Give what a box has counted in one line; what never happened takes no room."""
    counted = sorted((name, count) for name, count in counters.items() if count)
    return " · ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counted)
