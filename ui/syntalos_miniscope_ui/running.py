"""Drives one run at a time, away from the window: nothing here waits for the graph."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Literal

from syntalos_miniscope.engine.course import Engine
from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import BoxState, RunError, RunOptions, WireLoad, describe
from syntalos_miniscope.node import Settings, is_source
from syntalos_miniscope.project import Graph

Phase = Literal["idle", "preparing", "running", "stopping"]
RATE_WINDOW_S = 1.0
ALARM_S = 5.0
"""How long a wire stays red after a drop; the count stays for good."""
SILENT_AFTER_S = 5.0
"""A wire from a source that has carried nothing by then is told of: a sensor that is not alive.

What other boxes find, such as events, may be long in coming.
"""


@dataclass(frozen=True, slots=True)
class LogLine:
    """Something a person may want to read: when (run time, s), how bad, which box, and what."""

    time_s: float
    level: Literal["info", "warning", "error"]
    node: str | None
    text: str


@dataclass(frozen=True, slots=True)
class WireState:
    """How a wire is doing now; the rate is None before the first second is over."""

    items_per_s: float | None
    dropped: int
    dropping: bool = False
    """Whether something was dropped in the last seconds."""


@dataclass(frozen=True, slots=True)
class RunState:
    """How a run is doing at the moment it was looked at."""

    phase: Phase
    elapsed_s: float
    boxes: Mapping[str, BoxState]
    wires: Mapping[str, WireState]


@dataclass(slots=True)
class _Rate:
    items: int = 0
    since_s: float = field(default_factory=time.monotonic)
    value: float | None = None
    dropped: int = 0
    dropped_s: float = -math.inf

    def is_dropping(self, dropped: int) -> bool:
        now_s = time.monotonic()
        if dropped > self.dropped:
            self.dropped, self.dropped_s = dropped, now_s
        return now_s - self.dropped_s < ALARM_S

    def update(self, items: int) -> float | None:
        now_s = time.monotonic()
        if now_s - self.since_s >= RATE_WINDOW_S:
            self.value = (items - self.items) / (now_s - self.since_s)
            self.items, self.since_s = items, now_s
        return self.value


class Running:
    """One run after another. A thread drives the engine; `look` tells how it is doing.

    Every method returns at once and is called by the window's thread.
    """

    def __init__(self, make_engine: Callable[[Graph, RunOptions], Engine] = LocalEngine) -> None:
        self._make_engine = make_engine
        self.phase: Phase = "idle"
        self.engine: Engine | None = None
        self.error: RunError | None = None
        """Why the last run was refused or failed; None if it did well."""
        self.report: dict[str, Any] | None = None
        """The report of the last run, once it has ended."""
        self.options = RunOptions()
        self.started = False
        """Whether t = 0 of the present run has been."""
        self.left = False
        """Whether a run that hangs was left behind; the program should not wait for it."""
        self._thread: Thread | None = None
        self._stop_asked = self._silence_told = False
        self._rates: dict[str, _Rate] = {}
        self._sources: set[str] = set()
        self._log: deque[LogLine] = deque()
        self._notes_read: dict[str, int] = {}

    def run(self, graph: Graph, options: RunOptions) -> None:
        """Begin to prepare and run a graph; RuntimeError while another run is on."""
        if self.phase != "idle":
            raise RuntimeError("a run is on already")
        self.options, self.error, self.report = options, None, None
        self._stop_asked = self.started = self._silence_told = False
        self._rates, self._notes_read = {}, {}
        self._sources = {name for name, node in graph.nodes.items() if is_source(node.type)}
        self.phase = "preparing"
        self.engine = engine = self._make_engine(graph, options)
        self._say("info", None, "Preparing")
        # A daemon, so that a run can be left; whoever ends the program joins it otherwise.
        self._thread = Thread(target=self._drive, args=(engine,), name="run", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the run to end; it closes its files and then is idle."""
        if self.engine is None or self.phase == "idle":
            return
        self._stop_asked = True
        if self.started:
            self.phase = "stopping"
            self.engine.stop()

    def leave(self) -> None:
        """Give up a run that does not end: stop its boxes from outside, wait no more for it."""
        if self.engine is not None and self.phase != "idle":
            self.left = True
            self.engine.leave()

    def waiting_for(self) -> list[str]:
        """Give the boxes that a run waits for: to get ready, or to close."""
        wanted = "preparing" if self.phase == "preparing" else "running"
        boxes = self.engine.boxes() if self.engine else {}
        return [node_id for node_id, box in boxes.items() if box.phase == wanted]

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the run, for the closing of the program; True if it has ended."""
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive()
        return True

    def apply(self, node_id: str, settings: Settings) -> None:
        """Change live settings of a box, if a run is on."""
        if self.engine is not None and self.started and self.phase == "running":
            self.engine.apply(node_id, settings)

    def note(self, text: str) -> None:
        """Keep a remark with the run."""
        if self.engine is not None and self.phase == "running":
            self.engine.note(text)
            self._say("info", None, f"Note: {text}")

    def look(self) -> RunState:
        """Give how the present run is doing, or how the last one ended."""
        engine = self.engine
        if engine is None:
            return RunState("idle", 0.0, {}, {})
        boxes = engine.boxes()
        self._read_notes(boxes)
        wires: dict[str, WireState] = {}
        loads = engine.loads()
        if self.phase == "running" and not self._silence_told and self.elapsed_s > SILENT_AFTER_S:
            self._silence_told = True
            self._tell_silence(loads)
        for load in loads:
            target = ".".join(load.target)
            rate = self._rates.setdefault(target, _Rate())
            on = self.started and self.phase != "idle"
            per_s = rate.update(load.items) if on else None
            wires[target] = WireState(per_s, load.dropped, rate.is_dropping(load.dropped))
        return RunState(self.phase, self.elapsed_s, boxes, wires)

    @property
    def elapsed_s(self) -> float:
        """How long the run has lasted."""
        if self.report is not None:
            return float(self.report["length_s"]) if self.started else 0.0
        return self.engine.clock.now_us() / 1e6 if self.engine else 0.0

    def take_log(self) -> list[LogLine]:
        """Give what was said since the last call."""
        return [self._log.popleft() for _ in range(len(self._log))]

    def _drive(self, engine: Engine) -> None:
        try:
            engine.prepare()
            engine.start()
            self.started = True
            self.phase = "running"
            where = f", into {engine.export_dir}" if engine.export_dir else ", nothing is kept"
            self._say("info", None, f"Running{where}")
            if self._stop_asked:
                self.stop()
            engine.wait(None)
            self.report = engine.report()
            if self.report["exit_reason"] == "failed":
                self.error = _failure(engine, str(self.report["error"]))
        except RunError as error:
            self.error = error
            self.report = engine.report()
        except Exception as error:  # noqa: BLE001 - whatever it is, a person must read it
            self.error = RunError(None, describe(error))
        finally:
            self._conclude()

    def _conclude(self) -> None:
        if self.error:
            self._say("error", self.error.node, str(self.error))
        elif self.report is not None:
            how = {"finished": "Finished", "stopped": "Stopped"}[self.report["exit_reason"]]
            where = self.report["export_dir"]
            self._say("info", None, f"{how}{f': kept in {where}' if where else ''}")
        self.phase = "idle"

    def _say(self, level: Literal["info", "warning", "error"], node: str | None, text: str) -> None:
        self._log.append(LogLine(self.elapsed_s, level, node, text))

    def _tell_silence(self, loads: Sequence[WireLoad]) -> None:
        for load in loads:
            if load.items == load.dropped == 0 and load.source[0] in self._sources:
                wire = f"{'.'.join(load.source)} → {'.'.join(load.target)}"
                text = f"Nothing has come over {wire} in {SILENT_AFTER_S:.0f} s"
                self._say("warning", load.source[0], text)

    def _read_notes(self, boxes: Mapping[str, BoxState]) -> None:
        for node_id, box in boxes.items():
            read = self._notes_read.get(node_id, 0)
            for text in box.notes[read:]:
                self._say("warning", node_id, text)
            self._notes_read[node_id] = len(box.notes)


def _failure(engine: Engine, text: str) -> RunError:
    for node_id, box in engine.boxes().items():
        if box.phase == "failed":
            return RunError(node_id, box.error or text)
    return RunError(None, text)
