"""What moves during a run: dots, rates, views, clock and log, drawn as often as an eye sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer

from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.node import is_source
from syntalos_miniscope.project import Graph
from syntalos_miniscope_ui.running import Phase

if TYPE_CHECKING:
    from syntalos_miniscope_ui.window import EditorWindow

VIEW_MS = 30
STATE_EVERY = 5
"""Boxes and wires are drawn anew on every fifth look at the views."""


class Live(QObject):
    """Looks at the run from the window's thread; never waits for it."""

    def __init__(self, window: EditorWindow) -> None:
        super().__init__(window)
        self._window = window
        self.shown: Phase = "idle"
        """The phase of the run that the window shows."""
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(VIEW_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._look)
        self._rest = QTimer(self)
        self._rest.setInterval(5000)
        self._rest.timeout.connect(self.refresh)
        self._rest.start()

    def run(self, graph: Graph, options: RunOptions) -> None:
        """Begin a run and watch it."""
        self._window.running.run(graph, options)
        self._window.hide_start()
        self._timer.start()
        self._look()

    def end(self) -> None:
        """Watch no more."""
        self._timer.stop()
        self._rest.stop()
        self._window.views.rest()

    def look_at(self, target: str) -> None:
        """Open a view on the wire into an input, while a run is on."""
        window, engine = self._window, self._window.running.engine
        node_id, port = target.split(".")
        if window.running.phase != "running" or engine is None:
            window.say("A wire can be looked into while a run is on")
            return
        document = window.files.document
        window.views.open(document, engine, (node_id, port), document.input((node_id, port)))

    def _look(self) -> None:
        window = self._window
        phase = window.running.phase
        if phase != self.shown:
            self._entered(phase)
            self.shown = phase
        if phase == "running":
            window.views.feed()
        self._looks += 1
        if self._looks % STATE_EVERY == 0:
            self.refresh()

    def _entered(self, phase: Phase) -> None:
        window = self._window
        engine = window.running.engine
        if phase == "running" and engine is not None:
            if window.views.open_all(window.files.document, engine):
                QTimer.singleShot(0, window.view.fit)
        if phase == "idle":
            window.views.rest()
            self._timer.stop()
            if window.running.error:
                window.say(str(window.running.error))
        self.show_phase()
        self.refresh()

    def show_phase(self) -> None:
        """Offer what can be done now."""
        window = self._window
        idle = window.running.phase == "idle"
        nodes = window.files.document.graph.nodes.values()
        has_sources = any(is_source(node.type) for node in nodes)
        window.run_bar.show_phase(window.running.phase, has_sources=has_sources)
        window.scene.locked = not idle
        window.inspector.lock(not idle)

    def refresh(self) -> None:
        """Show how boxes and wires are doing."""
        window = self._window
        state = window.running.look()
        for node_id, item in window.scene.boxes.items():
            box = state.boxes.get(node_id)
            if box is None:
                item.show_state("idle", "", None, "")
            else:
                item.show_state(box.phase, box.text, box.error, counts_text(box.counters))
        for target, wire in window.scene.wires.items():
            load = state.wires.get(target)
            if load is None:
                wire.show_load(None, 0, alarm=False)
            else:
                wire.show_load(load.items_per_s, load.dropped, alarm=load.dropping)
        engine = window.running.engine
        window.run_bar.show_clock(state, engine.export_dir if engine else None)
        window.log.add(window.running.take_log())


def counts_text(counters: Mapping[str, int]) -> str:
    """Give the counters of a box in one line."""
    return " · ".join(f"{name.replace('_', ' ')} {counters[name]:,}" for name in sorted(counters))
