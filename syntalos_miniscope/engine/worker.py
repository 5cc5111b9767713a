"""One box of a running graph: its node on a thread of its own, and the context it sees."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.mailbox import Mailbox, Tap
from syntalos_miniscope.engine.run import BoxState, WireLoad, describe, tidy
from syntalos_miniscope.node import Dataset, Node, Settings, is_source
from syntalos_miniscope.project import Box
from syntalos_miniscope.streams import Control, Item, Metadata, MetadataValue

log = logging.getLogger(__name__)


class Worker:
    """Runs one node; the node's `Context`.

    `failed` is called with the worker, from its thread, when the node has raised.
    """

    def __init__(
        self,
        box: Box,
        kind: type[Node],
        settings: Settings,
        clock: RunClock,
        place: Callable[[str], Dataset | None],
        failed: Callable[[Worker], None],
    ) -> None:
        self.id = box.id
        self.type = box.type
        self.kind = kind
        self.node: Node
        self.state = BoxState()
        self.described: dict[str, dict[str, MetadataValue]] = {p.id: {} for p in kind.outputs}
        self.mailbox = Mailbox(kind.inputs)
        self.sent: Counter[str] = Counter()
        self.cpu_s = 0.0
        self._settings = settings
        self._types = {port.id: port.type for port in kind.outputs}
        self._receivers: dict[str, list[tuple[Mailbox, str]]] = {p.id: [] for p in kind.outputs}
        self._senders: dict[str, tuple[str, str]] = {}
        self._heard: dict[str, Metadata] = {}
        self._clock = clock
        self._place = place
        self._failed = failed
        # Free while there is a node that must be stopped.
        self._to_stop = Lock()
        self._to_stop.acquire()
        self._thread = Thread(target=self._live, name=self.id, daemon=True)

    def connect(self, port: str, receiver: Worker, into: str, *, outlived: bool) -> None:
        """Wire an output to an input of another worker, before the run.

        The receiver waits for the end of a sender that it outlives. A wire that goes back, as a
        command may, is not waited for.
        """
        self.send_to(receiver.mailbox, port, into)
        receiver.hear_from((self.id, port), into, self.described[port], outlived=outlived)

    def send_to(self, mailbox: Mailbox, port: str, into: str) -> None:
        """Send what an output gives to an input of a mailbox, before the run."""
        self._receivers[port].append((mailbox, into))

    def hear_from(
        self, source: tuple[str, str], into: str, metadata: Metadata, *, outlived: bool
    ) -> None:
        """Have an input fed by an output, whose metadata are there once its box is prepared."""
        self._senders[into] = source
        self._heard[into] = metadata
        self.mailbox.queues[into].fed = outlived

    # What the engine calls

    def prepare(self) -> None:
        """Make the node and prepare it on the calling thread; raises what it raises."""
        self.state.phase = "preparing"
        self.node = self.kind(self._settings)
        self._to_stop.release()
        self.node.prepare(self)
        self.state.phase = "ready"

    def begin(self) -> None:
        """Start the node on the calling thread: t = 0 has just been set."""
        self.node.start(self)
        self.state.phase = "running"

    def launch(self) -> None:
        """Let the node's own thread run it to its end."""
        self._thread.start()

    def stop_unlaunched(self) -> None:
        """Stop a node whose thread never ran, if it was prepared; errors are kept in its state."""
        if self.state.phase != "idle":
            self._stop_node()
            if self.state.phase != "failed":
                self.state.phase = "ended"

    def abandon(self, grace_s: float) -> None:
        """Stop a node whose thread does not end, from outside, and let the others go on."""
        self.mailbox.close()
        stopping = Thread(target=self._stop_node, name=f"{self.id} stop", daemon=True)
        stopping.start()
        stopping.join(grace_s)
        self._finish_outputs()

    def ended(self, timeout_s: float) -> bool:
        """Wait for the node's thread to end."""
        if timeout_s > 0:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def idle(self) -> bool:
        """Whether the box waits for something to do."""
        return self.mailbox.idle

    @property
    def thread_id(self) -> int | None:
        """The system's number of the node's thread; None before it runs."""
        return self._thread.native_id

    def request_stop(self) -> None:
        """Tell a source to return; never waits."""
        if is_source(self.kind):
            self.mailbox.request_stop()

    def close(self) -> None:
        """Let nobody wait for room in front of the box any more."""
        self.mailbox.close()

    def change(self, settings: Settings) -> None:
        """Leave changed live settings."""
        self.mailbox.change(settings)

    def order(self, control: Control) -> None:
        """Leave a person's command."""
        self.mailbox.order("control-in", control)

    def tap(self, port: str, depth: int) -> Tap:
        """Listen at an input."""
        queue, tap = self.mailbox.queues[port], Tap(depth)
        queue.taps = (*queue.taps, tap)
        return tap

    def loads(self) -> list[WireLoad]:
        """Give what each wire into the box has carried."""
        return [
            WireLoad(source, (self.id, into), q.delivered, q.dropped, len(q.waiting))
            for into, source in self._senders.items()
            for q in [self.mailbox.queues[into]]
        ]

    def report(self, length_s: float) -> dict[str, Any]:
        """Give the box's entry of the run's report."""
        return {
            "id": self.id,
            "type": self.type,
            "status": self.state.phase,
            "error": self.state.error,
            "cpu_s": round(self.cpu_s, 3),
            "counters": tidy(self.state.counters),
            "notes": list(self.state.notes),
            "outputs": [
                {
                    "port": port.id,
                    "items": self.sent[port.id],
                    "rate_hz": round(self.sent[port.id] / length_s, 3) if length_s else 0.0,
                }
                for port in self.kind.outputs
            ],
            "inputs": [
                {"from": ".".join(source)} | self.mailbox.queues[into].report()
                for into, source in self._senders.items()
            ],
        }

    def fail(self, error: BaseException, port: str = "") -> None:
        """Keep the first error of a node."""
        log.debug("%s failed", self.id, exc_info=error)
        if self.state.error is None:
            self.state.error = f"{port}: {describe(error)}" if port else describe(error)
        self.state.phase = "failed"

    def _live(self) -> None:
        try:
            if is_source(self.kind):
                self.node.run(self)
            else:
                while (heard := self.mailbox.receive()) is not None:
                    self._deliver(heard)
        except BaseException as error:  # noqa: BLE001 - whatever a node raises ends the run in order
            self.fail(error)
        self._stop_node()
        self.cpu_s = time.thread_time()
        self.mailbox.close()
        self._finish_outputs()
        if self.state.phase == "failed":
            self._failed(self)
        else:
            self.state.phase = "ended"

    def _finish_outputs(self) -> None:
        for receivers in self._receivers.values():
            for mailbox, port in receivers:
                mailbox.finish(port)

    def _deliver(self, heard: Settings | tuple[str, Item]) -> None:
        if isinstance(heard, Settings):
            self.node.apply(self, heard)
            self.node.settings = heard
            return
        port, item = heard
        try:
            self.node.on_data(self, port, item)
        except BaseException as error:
            self.fail(error, port)
            raise

    def _stop_node(self) -> None:
        if not self._to_stop.acquire(blocking=False):
            return
        try:
            self.node.stop(self)
        except BaseException as error:  # noqa: BLE001 - the others must be stopped all the same
            self.fail(error)

    # What the node calls: its Context

    @property
    def clock(self) -> RunClock:
        """The run clock."""
        return self._clock

    def describe(self, port: str, **metadata: MetadataValue) -> None:
        """Set metadata of an output."""
        self.described[port].update(metadata)

    def metadata(self, port: str) -> Metadata:
        """Give the metadata of the stream wired to an input."""
        return self._heard.get(port, {})

    def wired(self, port: str) -> bool:
        """Whether anything is connected to a port."""
        return port in self._senders or bool(self._receivers.get(port))

    def emit(self, port: str, item: Item) -> None:
        """Send an item to every wire of an output."""
        if not isinstance(item, self._types[port]):
            raise TypeError(f"{port} gives {self._types[port].__name__}, not {type(item).__name__}")
        self.sent[port] += 1
        for mailbox, into in self._receivers[port]:
            mailbox.put(into, item)

    def stopping(self) -> bool:
        """Whether the source should return; hands over what waits for it first."""
        while (heard := self.mailbox.hear(0)) is not None:
            self._deliver(heard)
        return self.mailbox.stopping

    def sleep_until(self, time_us: int) -> bool:
        """Wait for a run time, hearing meanwhile; False if the source should return."""
        while not self.mailbox.stopping:
            left_us = time_us - self._clock.now_us()
            heard = self.mailbox.hear(time.monotonic_ns() + left_us * 1000)
            if heard is None:
                break
            self._deliver(heard)
        return not self.mailbox.stopping

    def dataset(self, name: str) -> Dataset | None:
        """Give the node a place on disk."""
        return self._place(name)

    def status(self, text: str, *, trouble: bool = False) -> None:
        """Show a short line on the box."""
        self.state.text, self.state.trouble = text, trouble

    def note(self, text: str) -> None:
        """Keep a sentence for the report."""
        self.state.notes.append(text)

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter of the report."""
        self.state.counters[name] += amount
