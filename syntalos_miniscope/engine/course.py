"""The course of a run: boxes prepared in order, begun at once and ended in order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import methodcaller
from pathlib import Path
from threading import Event, Lock, RLock, Thread
from typing import Any

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.hosted import Hosted
from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.engine.run import (
    BoxState,
    ExitReason,
    RunError,
    RunOptions,
    WireLoad,
    describe,
)
from syntalos_miniscope.node import Dataset, Settings
from syntalos_miniscope.project import Graph
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.streams import Control

STOP_GRACE_S = 20.0
"""How long a box may take to close once the sources have been told to stop, and how long any may
sit on what waits for it."""


class Engine:
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
        self._boxes: Mapping[str, Hosted] = {}

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
        self._each(methodcaller("prepare"))

    def start(self) -> None:
        """Set t = 0 and let every node begin."""
        if self._done.is_set():
            raise RunError(None, "an engine runs once; make another one")
        self._started = datetime.now(UTC).astimezone()
        self.clock.start()
        self._each(methodcaller("begin"))
        for box in self._boxes.values():
            box.launch()
        Thread(target=self._supervise, name="supervisor", daemon=True).start()

    def stop(self) -> None:
        """Ask for an orderly stop; returns at once, from any thread or signal handler."""
        with self._end_lock:
            if not self._stop_asked:
                self._end("stopped")

    def leave(self, grace_s: float = 1.0) -> None:
        """Stop every box from outside, for a program that ends and waits for no box that hangs.

        Takes no longer than `grace_s` for each box that does not stop.
        """
        self._end("stopped")
        for box in self._boxes.values():
            if box.state.phase not in ("idle", "ended"):
                box.abandon(grace_s)

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
        self._boxes[node_id].change(settings)

    def command(self, node_id: str, control: Control) -> None:
        """Send a command to a node's `control-in`."""
        self._boxes[node_id].order(control)

    def tap(self, node_id: str, port: str, depth: int = 1) -> Tap:
        """Listen at an input, wired or not; a tap never slows a wire."""
        return self._boxes[node_id].tap(port, depth)

    def metadata(self, node_id: str, port: str) -> Mapping[str, Any]:
        """Give the metadata of the stream into an input."""
        return self._boxes[node_id].metadata(port)

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
        return {box.id: box.state for box in self._boxes.values()}

    def loads(self) -> list[WireLoad]:
        """Give what each wire has carried."""
        return [load for box in self._boxes.values() for load in box.loads()]

    def report(self) -> dict[str, Any]:
        """Give the run report: what was sent, delivered and dropped, where and how late."""
        return {
            "started": self._started.isoformat(timespec="milliseconds") if self._started else None,
            "length_s": self._length_s,
            "export_dir": str(self.export_dir) if self.export_dir else None,
            "exit_reason": self._reason,
            "error": self._error,
            "marks": list(self._marks),
            "nodes": [box.report(self._length_s) for box in self._boxes.values()],
        }

    @property
    def _length_s(self) -> float:
        return (self.clock.now_us() if self._length_us is None else self._length_us) / 1e6

    def _dataset(self, name: str) -> Dataset | None:
        with self._place_lock:
            return self._experiment.dataset(name) if self._experiment else None

    def _on_failed(self, box: Hosted) -> None:
        self._end("failed", f"{box.id}: {box.state.error}")

    def _end(self, reason: ExitReason, error: str | None = None) -> None:
        with self._end_lock:
            if self._reason != "failed":
                self._reason, self._error = reason, error
            self._stop_asked = True
        for box in self._boxes.values():
            box.request_stop()

    def _each(self, verb: Callable[[Hosted], None]) -> None:
        """Prepare or begin every node; one that raises refuses the run, and so does Ctrl-C."""
        box: Hosted | None = None
        try:
            for box in self._boxes.values():
                verb(box)
        except BaseException as error:
            self._refuse(box, error)
            if isinstance(error, KeyboardInterrupt):
                raise
            raise RunError(box.id if box else None, describe(error)) from error

    def _refuse(self, culprit: Hosted | None, error: BaseException) -> None:
        """Stop whatever was prepared, sources first, and leave no empty folder behind."""
        self._length_us = self.clock.now_us()
        if culprit:
            culprit.fail(error)
        self._end("failed", str(RunError(culprit.id if culprit else None, describe(error))))
        for box in self._boxes.values():
            box.close()
        for box in self._boxes.values():
            box.stop_unlaunched()
        self._release()
        if self._experiment:
            self._experiment.discard()
        self._done.set()

    def _release(self) -> None:
        """Let go of what the boxes live in: every one has ended, or the run was refused."""

    def _supervise(self) -> None:
        seconds = self._options.seconds
        pending = list(self._boxes.values())
        while pending and not self._stop_asked:
            pending = [box for box in pending if not box.ended(0)]
            if seconds is not None and self.clock.now_us() >= seconds * 1e6:
                break
            time.sleep(0.02)
        self._length_us = self.clock.now_us()
        with self._end_lock:
            if not self._stop_asked:
                self._end("finished")
        self._await_end()
        self._release()
        self._close()
        self._done.set()

    def _await_end(self) -> None:
        """Wait for every box to drain and close; give up on one that does not."""
        pending = list(self._boxes.values())
        least = deadline_s = float("inf")
        while pending:
            pending = [box for box in pending if not box.ended(0.005)]
            waiting = sum(load.waiting for load in self.loads())
            if waiting < least:
                least, deadline_s = waiting, time.monotonic() + STOP_GRACE_S
            if pending and time.monotonic() > deadline_s:
                # Boxes before the stuck one wait to send, boxes after it wait to receive.
                busy = [box for box in pending if not box.idle]
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
                modules=[{"id": box.type, "name": box.id} for box in self._boxes.values()],
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has ended
            self._end("failed", describe(error))
