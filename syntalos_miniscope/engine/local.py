"""The local engine: a thread for each box, bounded queues between them, one process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, RLock, Thread
from typing import Any

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.engine.run import (
    BoxState,
    ExitReason,
    RunError,
    RunOptions,
    WireLoad,
    describe,
    tidy,
)
from syntalos_miniscope.engine.worker import Worker
from syntalos_miniscope.node import Dataset, Settings, is_source
from syntalos_miniscope.project import Graph
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.streams import Control

STOP_GRACE_S = 20.0
"""How long a box may take to close once the sources have been told to stop, and how long any may
sit on what waits for it."""


class LocalEngine:
    """Runs a graph once: `prepare`, `start`, `wait`.

    `prepare` and `start` raise RunError and leave everything closed; after `start` the run ends
    by itself when every source has, when its time is up, when a node fails, or on `stop`, and
    always in order: sources first, then each box once it has what was sent to it.
    """

    def __init__(self, graph: Graph, options: RunOptions) -> None:
        self.clock = RunClock()
        self.export_dir: Path | None = None
        self._graph = graph
        self._options = options
        self._experiment: ExperimentDir | None = None
        self._place_lock = Lock()
        # Reentrant, as a signal handler may come upon its own thread inside.
        self._end_lock = RLock()
        self._stop_asked = False
        self._done = Event()
        self._started: datetime | None = None
        self._length_us: int | None = None
        self._reason: ExitReason = "finished"
        self._error: str | None = None
        self._marks: list[str] = []
        self._project = graph.project.to_toml()
        self._workers = {
            node_id: Worker(entry, self.clock, self._dataset, self._on_failed)
            for node_id, entry in graph.nodes.items()
        }
        order = list(graph.nodes)
        for wire in graph.wires:
            sender, receiver = wire.source[0], wire.target[0]
            self._workers[sender].connect(
                wire.out.id,
                self._workers[receiver],
                wire.into.id,
                outlived=order.index(sender) < order.index(receiver),
            )

    def prepare(self) -> None:
        """Prepare every node in topological order; slow."""
        try:
            if self._options.record:
                self._experiment = ExperimentDir.create(
                    self._options.export_dir,
                    subject=self._options.subject,
                    experiment=self._options.experiment or self._graph.project.title,
                )
                self.export_dir = self._experiment.path
        except RecordingError as error:
            raise RunError(None, describe(error)) from error
        self._each(Worker.prepare)

    def start(self) -> None:
        """Set t = 0 and let every node begin."""
        if self._done.is_set():
            raise RunError(None, "an engine runs once; make another one")
        self._started = datetime.now(UTC).astimezone()
        self.clock.start()
        self._each(Worker.begin)
        for worker in self._workers.values():
            worker.launch()
        Thread(target=self._supervise, name="supervisor", daemon=True).start()

    def stop(self) -> None:
        """Ask for an orderly stop; returns at once, from any thread or signal handler."""
        with self._end_lock:
            if not self._stop_asked:
                self._end("stopped")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until every node has ended and every file is closed; Ctrl-C stops the run first."""
        try:
            return self._done.wait(timeout_s)
        except KeyboardInterrupt:
            self.stop()
            self._done.wait()
            raise

    @property
    def began(self) -> bool:
        """Whether t = 0 has been set."""
        return self._started is not None

    @property
    def running(self) -> bool:
        """Whether the run has begun and not yet ended."""
        return self.began and not self._done.is_set()

    def apply(self, node_id: str, settings: Settings) -> None:
        """Change live settings of a running node; takes the whole settings object."""
        self._workers[node_id].mailbox.change(settings)

    def command(self, node_id: str, control: Control) -> None:
        """Send a command to a node's `control-in`."""
        self._workers[node_id].mailbox.order("control-in", control)

    def tap(self, node_id: str, port: str, depth: int = 1) -> Tap:
        """Listen at an input, wired or not; a tap never slows a wire."""
        queue = self._workers[node_id].mailbox.queues[port]
        tap = Tap(depth)
        queue.taps = (*queue.taps, tap)
        return tap

    def metadata(self, node_id: str, port: str) -> Mapping[str, Any]:
        """Give the metadata of the stream into an input."""
        return self._workers[node_id].metadata(port)

    def note(self, text: str) -> None:
        """Keep a person's remark with its time."""
        time_us = self.clock.now_us()
        self._marks.append(f"{time_us / 1000:.3f} ms: {text}")
        with self._place_lock:
            try:
                if self._experiment and not self._stop_asked:
                    self._experiment.mark(time_us, text)
            except RecordingError as error:
                self._end("failed", describe(error))

    def boxes(self) -> dict[str, BoxState]:
        """Give how each box is doing."""
        return {worker.id: worker.state for worker in self._workers.values()}

    def loads(self) -> list[WireLoad]:
        """Give what each wire has carried."""
        return [
            WireLoad(wire.source, wire.target, q.delivered, q.dropped, len(q.waiting))
            for wire in self._graph.wires
            for q in [self._workers[wire.target[0]].mailbox.queues[wire.into.id]]
        ]

    def report(self) -> dict[str, Any]:
        """Give the run report: what was sent, delivered and dropped, where and how late."""
        return {
            "started": self._started.isoformat(timespec="milliseconds") if self._started else None,
            "length_s": self._length_s,
            "export_dir": str(self.export_dir) if self.export_dir else None,
            "exit_reason": self._reason,
            "error": self._error,
            "marks": list(self._marks),
            "nodes": [self._node_report(worker) for worker in self._workers.values()],
        }

    @property
    def _length_s(self) -> float:
        return (self.clock.now_us() if self._length_us is None else self._length_us) / 1e6

    def _node_report(self, worker: Worker) -> dict[str, Any]:
        length_s, state = self._length_s, worker.state
        return {
            "id": worker.id,
            "type": worker.type,
            "status": state.phase,
            "error": state.error,
            "cpu_s": round(worker.cpu_s, 3),
            "counters": tidy(state.counters),
            "notes": list(state.notes),
            "outputs": [
                {
                    "port": port.id,
                    "items": worker.sent[port.id],
                    "rate_hz": round(worker.sent[port.id] / length_s, 3) if length_s else 0.0,
                }
                for port in worker.node.outputs
            ],
            "inputs": [
                {"from": ".".join(wire.source)} | worker.mailbox.queues[wire.into.id].report()
                for wire in self._graph.wires
                if wire.target[0] == worker.id
            ],
        }

    def _dataset(self, name: str) -> Dataset | None:
        with self._place_lock:
            return self._experiment.dataset(name) if self._experiment else None

    def _on_failed(self, worker: Worker) -> None:
        self._end("failed", f"{worker.id}: {worker.state.error}")

    def _end(self, reason: ExitReason, error: str | None = None) -> None:
        with self._end_lock:
            if self._reason != "failed":
                self._reason, self._error = reason, error
            self._stop_asked = True
        for worker in self._workers.values():
            if is_source(type(worker.node)):
                worker.mailbox.request_stop()

    def _each(self, verb: Callable[[Worker], None]) -> None:
        """Prepare or begin every node; one that raises refuses the run, and so does Ctrl-C."""
        worker: Worker | None = None
        try:
            for worker in self._workers.values():
                verb(worker)
        except BaseException as error:
            self._refuse(worker, error)
            if isinstance(error, KeyboardInterrupt):
                raise
            raise RunError(worker and worker.id, describe(error)) from error

    def _refuse(self, culprit: Worker | None, error: BaseException) -> None:
        """Stop whatever was prepared, sources first, and leave no empty folder behind."""
        self._length_us = self.clock.now_us()
        if culprit:
            culprit.fail(error)
        self._end("failed", str(RunError(culprit and culprit.id, describe(error))))
        for worker in self._workers.values():
            worker.mailbox.close()
        for worker in self._workers.values():
            worker.stop_unlaunched()
        if self._experiment:
            self._experiment.discard()
        self._done.set()

    def _supervise(self) -> None:
        seconds = self._options.seconds
        pending = list(self._workers.values())
        while pending and not self._stop_asked:
            pending = [worker for worker in pending if not worker.ended(0)]
            if seconds is not None and self.clock.now_us() >= seconds * 1e6:
                break
            time.sleep(0.02)
        self._length_us = self.clock.now_us()
        with self._end_lock:
            if not self._stop_asked:
                self._end("finished")
        self._await_end()
        self._close()
        self._done.set()

    def _await_end(self) -> None:
        """Wait for every box to drain and close; give up on one that does not."""
        pending = list(self._workers.values())
        least = deadline_s = float("inf")
        while pending:
            pending = [worker for worker in pending if not worker.ended(0.005)]
            waiting = sum(load.waiting for load in self.loads())
            if waiting < least:
                least, deadline_s = waiting, time.monotonic() + STOP_GRACE_S
            if pending and time.monotonic() > deadline_s:
                # Boxes before the stuck one wait to send, boxes after it wait to receive.
                busy = [worker for worker in pending if not worker.mailbox.idle]
                stuck = busy[-1] if busy else pending[0]
                stuck.fail(RunError(None, f"did not stop within {STOP_GRACE_S:g} s"))
                self._on_failed(stuck)
                stuck.abandon(STOP_GRACE_S)
                pending.remove(stuck)
                deadline_s = time.monotonic() + STOP_GRACE_S

    def _close(self) -> None:
        """Finish the folder of the run: its project, its report, its attributes."""
        if self._experiment is None:
            return
        try:
            self._experiment.keep("project.toml", self._project)
            self._experiment.keep("report.json", json.dumps(self.report(), indent=2) + "\n")
            self._experiment.finish(
                success=self._reason != "failed",
                length_ms=self._length_s * 1000,
                modules=[{"id": w.type, "name": w.id} for w in self._workers.values()],
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has ended
            self._end("failed", describe(error))
