"""One process of a distributed run: its boxes on threads, as in the local engine, and its links."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.course import STOP_GRACE_S
from syntalos_miniscope.engine.ezmsg.channel import Call, Channel, RefusedError, send_message
from syntalos_miniscope.engine.ezmsg.links import Links
from syntalos_miniscope.engine.ezmsg.machine import Site
from syntalos_miniscope.engine.ezmsg.shared_folder import accept, offer
from syntalos_miniscope.engine.ezmsg.views import pack_tap
from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.engine.sharing import share_among_boxes
from syntalos_miniscope.engine.worker import Worker
from syntalos_miniscope.node import Dataset
from syntalos_miniscope.project import Box
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.streams import Control, ControlKind

log = logging.getLogger(__name__)

PULSE_S = 0.1
"""How often a process tells how its boxes are doing."""


class Group:
    """The boxes of one process.

    What takes time is done on the main thread, one call after the other; what must not wait is
    done where it is heard. When the engine has gone, the boxes are stopped in order all the same.
    """

    def __init__(self, sock: socket.socket, site: Site) -> None:
        self._site = site
        self._clock = RunClock()
        self._workers: dict[str, Worker] = {}
        self._links = Links(site.inner, site.outer, self._clock)
        self._taps: list[Tap] = []
        self._experiment: ExperimentDir | None = None
        self._launched = False
        self._finished = False
        self._telling = Lock()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._channel = Channel(sock, self._hear, self._gone, site.lost_after_s)
        self._at_once: dict[str, Callable[..., Any]] = {
            "time": time.monotonic_ns, "request_stop": self._request_stop, "close": self._close,
            "change": self._change, "order": self._order, "tap": self._tap, "take": self._take,
            "cut": self._cut, "place": self._place,
        }  # fmt: skip
        self._in_turn: dict[str, Callable[..., Any]] = {
            "open": self._open, "publish": self._publish, "subscribe": self._subscribe,
            "prepare": self._prepare, "begin": self._begin, "launch": self._launch,
            "stop_unlaunched": self._stop_unlaunched, "finish": self._finish,
            "hold": self._hold, "keep": self._keep, "discard": self._discard,
        }  # fmt: skip

    def live(self) -> None:
        """Do what the engine asks for until it has gone, then see that every box has ended."""
        self._channel.open()
        while (job := self._jobs.get()) is not None:
            job()
        self._leave()
        self._channel.close()
        self._channel.join(1.0)

    def quit(self) -> None:
        """End in order, as when the engine has gone; from any thread or signal handler."""
        self._jobs.put(None)

    # What the engine asks for

    def _hear(self, call: Call) -> None:
        if verb := self._at_once.get(call.verb):
            answer = verb(**call.args)
            call.answer(*answer if isinstance(answer, tuple) else (answer,))
        elif verb := self._in_turn.get(call.verb):
            self._jobs.put(lambda: _answered(call, verb))
        elif call.verb == "abandon":
            Thread(target=_answered, args=[call, self._abandon], daemon=True).start()
        else:
            raise ValueError(f"there is no '{call.verb}'")

    def _open(self, boxes: list[dict[str, Any]], wires: list[dict[str, Any]]) -> None:
        catalog = Catalog.find(map(Path, self._site.nodes))
        for box in boxes:
            kind = catalog.node(box["type"])
            self._workers[box["id"]] = Worker(
                Box(id=box["id"], type=box["type"]),
                kind,
                kind.Settings.model_validate(box["settings"]),
                self._clock,
                self._dataset,
                self._failed,
            )
        for wire in wires:
            (sender, out), (receiver, into) = wire["source"], wire["target"]
            target = self._workers[receiver]
            self._workers[sender].connect(out, target, into, outlived=wire["outlived"])

    def _publish(self, links: list[dict[str, Any]]) -> None:
        self._links.publish(links, self._workers, self._broken)

    def _subscribe(self, links: list[dict[str, Any]]) -> dict[str, Any]:
        self._links.subscribe(links, self._workers, self._broken)
        Thread(target=self._pulse, name="pulse", daemon=True).start()
        return self._state()

    def _prepare(self, node: str, heard: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Prepare a box; `heard` is what the outputs in other processes say of themselves."""
        self._links.learn(heard)
        self._workers[node].prepare()
        return dict(self._workers[node].described)

    def _begin(self, node: str, zero_ns: int) -> None:
        self._clock.start(zero_ns)
        self._workers[node].begin()

    def _launch(self) -> None:
        share_among_boxes()
        self._launched = True
        for worker in self._workers.values():
            worker.launch()
        self._links.launch()

    def _request_stop(self, node: str) -> None:
        self._workers[node].request_stop()

    def _close(self, node: str) -> None:
        """Close a box of a run that never began: nobody will ever read its links."""
        self._workers[node].close()
        self._links.cut()

    def _stop_unlaunched(self, node: str) -> None:
        self._workers[node].stop_unlaunched()

    def _abandon(self, node: str, grace_s: float) -> None:
        self._workers[node].abandon(grace_s)

    def _change(self, node: str, settings: dict[str, Any]) -> None:
        worker = self._workers[node]
        worker.change(worker.kind.Settings.model_validate(settings))

    def _order(self, node: str, kind: str, command: str) -> None:
        self._workers[node].order(Control(ControlKind(kind), command))

    def _tap(self, node: str, port: str, depth: int) -> int:
        self._taps.append(self._workers[node].tap(port, depth))
        return len(self._taps) - 1

    def _take(self, tap: int) -> tuple[dict[str, Any], bytes]:
        return pack_tap(self._taps[tap])

    def _cut(self, peer: str) -> None:
        """Give up the links from and to a process that has gone."""
        self._links.cut(peer)

    def _hold(self, subject: str, experiment: str) -> str:
        """Make the folder of the run on this machine."""
        export_dir = Path(self._site.export_dir)
        self._experiment = ExperimentDir.create(export_dir, subject, experiment)
        return str(self._experiment.path)

    def _place(self, name: str) -> dict[str, str]:
        """Make a dataset in the folder of the run on this machine, for any process on it."""
        assert self._experiment is not None
        return offer(self._experiment, name)

    def _keep(self, files: dict[str, str], success: bool, length_ms: float) -> None:
        assert self._experiment is not None
        for name, text in files.items():
            self._experiment.keep(name, text)
        self._experiment.finish(success=success, length_ms=length_ms)

    def _discard(self) -> None:
        if self._experiment is not None:
            self._experiment.discard()

    def _finish(self) -> dict[str, Any]:
        """Give the final state; every box here has ended or been given up."""
        with self._telling:
            self._finished = True
        self._links.join(STOP_GRACE_S)
        return self._state()

    # What the boxes ask for

    def _dataset(self, name: str) -> Dataset | None:
        try:
            made = self._channel.call("dataset", name=name)
        except RefusedError as error:
            raise RecordingError(str(error)) from error
        return made and accept(made)

    def _broken(self, node: str, port: str, text: str) -> None:
        self._workers[node].fail(ValueError(text), port)
        self._failed(self._workers[node])

    def _failed(self, worker: Worker) -> None:
        self._tell()
        self._channel.post("failed", node=worker.id)

    # How it is doing

    def _pulse(self) -> None:
        try:
            while True:
                time.sleep(PULSE_S)
                self._tell()
        except Exception:
            # An engine that hears nothing more would wait for ever.
            log.exception("the state of this process cannot be told")
            self.quit()
            raise

    def _tell(self) -> None:
        # One after the other, and never after the final state: what is told last is kept.
        with self._telling:
            if not self._finished:
                self._channel.post("state", **self._state())

    def _state(self) -> dict[str, Any]:
        return {
            "boxes": {worker.id: self._box_state(worker) for worker in [*self._workers.values()]},
            "links": self._links.counts(),
        }

    def _box_state(self, worker: Worker) -> dict[str, Any]:
        # Whether it has ended is looked at first: what is counted after that is final.
        ended = self._launched and worker.ended(0)
        return {
            "ended": ended,
            "idle": worker.idle,
            "text": worker.state.text,
            "trouble": worker.state.trouble,
            "waiting": {load.target[1]: load.waiting for load in worker.loads()},
            "report": worker.report(0),
        }

    # How it ends

    def _gone(self, lost: bool) -> None:
        self._jobs.put(None)

    def _leave(self) -> None:
        """Stop what still runs, sources first, and wait for it."""
        if self._finished:
            return
        self._links.cut()
        for worker in self._workers.values():
            worker.request_stop()
            if not self._launched:
                worker.close()
        for worker in self._workers.values():
            if not self._launched:
                worker.stop_unlaunched()
            elif not worker.ended(STOP_GRACE_S):
                worker.abandon(STOP_GRACE_S)


def _answered(call: Call, verb: Callable[..., Any]) -> None:
    try:
        call.answer(verb(**call.args))
    except BaseException as error:  # noqa: BLE001 - whatever a node raises, the engine is told
        call.refuse(error)


def main(fd: int, site: str) -> None:
    """Run the boxes of one process, in conversation over a socket that was handed down."""
    sock = socket.socket(fileno=fd)
    send_message(sock, {"ready": True})
    group = Group(sock, Site.from_json(site))
    # Ctrl-C reaches every process of a terminal; the engine says what follows from it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: group.quit())
    group.live()
    # Every file is closed. The interpreter would take a second to take itself down.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
