"""Checks a graph away from the window, and asks where something looks wrong."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.project import Graph
from syntalos_miniscope_ui.checks import Finding, check_before_run
from syntalos_miniscope_ui.dialogs import Ask


class BeforeRun(QObject):
    """One check at a time; `cleared` carries the graph and the options that may run."""

    cleared = Signal(object, object)
    _checked = Signal(object)

    def __init__(self, window: QWidget, catalog: Catalog, ask: Ask) -> None:
        super().__init__(window)
        self._window = window
        self._catalog = catalog
        self._ask = ask
        self._asked: tuple[Graph, RunOptions] | None = None
        self._thread = Thread()
        self._checked.connect(self._decide)

    @property
    def busy(self) -> bool:
        """Whether a check is on."""
        return self._asked is not None

    def begin(self, graph: Graph, options: RunOptions) -> None:
        """Begin to check; returns at once."""
        if not self.busy:
            self._asked = graph, options
            self._thread = Thread(target=self._check, args=(graph, options), name="check")
            self._thread.start()

    def join(self) -> None:
        """Wait for a check that is on, for the closing of the window."""
        self._asked = None
        if self._thread.is_alive():
            self._thread.join()

    def _check(self, graph: Graph, options: RunOptions) -> None:
        self._checked.emit(check_before_run(graph, self._catalog, options))

    def _decide(self, findings: Sequence[Finding]) -> None:
        if self._asked is None:
            return
        graph, options = self._asked
        doubts = [
            f for f in findings if f.level == "stop" or (f.level == "warn" and options.record)
        ]
        try:
            if not doubts or self._may_run(doubts):
                self.cleared.emit(graph, options)
        finally:
            self._asked = None

    def _may_run(self, doubts: Sequence[Finding]) -> bool:
        details = "\n".join(f"• {finding.text}" for finding in doubts)
        if any(finding.level == "stop" for finding in doubts):
            self._ask(self._window, "This cannot run:", details, ["Close"])
            return False
        answers = ["Run anyway", "Cancel"]
        return self._ask(self._window, "Before the run:", details, answers) == "Run anyway"
