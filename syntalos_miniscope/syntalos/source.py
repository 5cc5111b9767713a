"""A source at the far end of a channel: runs its node, and is the node's `Context`."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.run import describe
from syntalos_miniscope.node import Dataset, Node, Settings
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.streams import Item, Metadata, MetadataValue
from syntalos_miniscope.syntalos.channel import SLOTS, Channel
from syntalos_miniscope.syntalos.messages import (
    AskDataset,
    AskFile,
    Attributes,
    Counted,
    Described,
    Ended,
    Freed,
    Heard,
    Message,
    Noted,
    Prepare,
    Ready,
    Reply,
    Sent,
    Start,
    Status,
    Stop,
)

FOREVER_S = 3600.0
log = logging.getLogger(__name__)


class Source:
    """Lives from the first message to the end of the run; all verbs on the calling thread."""

    def __init__(self, node: type[Node], channel: Channel) -> None:
        self._type = node
        self._channel = channel
        self._clock = RunClock()
        self._inputs: Mapping[str, Metadata] = {}
        self._free = deque(range(SLOTS))
        self._heard: deque[Settings | tuple[str, Item]] = deque()
        self._replies: deque[Reply] = deque()
        self._started = self._stopping = self._alone = False

    def live(self) -> None:
        """Prepare, run and stop the node as the messages ask; never raises what the node does."""
        asked = self._channel.receive(FOREVER_S)
        assert isinstance(asked, Prepare)
        self._inputs = asked.inputs
        try:
            self._node = self._type(asked.settings)
        except Exception as raised:  # noqa: BLE001 - there is nothing to prepare or to stop
            self._send(Ended(describe(raised)))
            return
        error: str | None = None
        try:
            self._node.prepare(self)
            self._send(Ready())
            while not self._started and not self._stopping:
                self._take(FOREVER_S)
            if self._started:
                self._node.start(self)
                self._node.run(self)
        except Exception as raised:
            log.debug("the source failed", exc_info=raised)
            error = describe(raised)
        try:
            self._node.stop(self)
        except Exception as raised:  # noqa: BLE001 - the first error is the one that counts
            error = error or describe(raised)
        self._send(Ended(error))

    def ask_to_stop(self) -> None:
        """Ask from outside, as a signal handler may."""
        self._stopping = True

    def _send(self, message: Message) -> None:
        """Send a message; once nobody is there, a node is to stop, and nothing it says matters."""
        try:
            if not self._alone:
                self._channel.send(message)
        except EOFError:
            self._alone = self._stopping = True

    def _take(self, timeout_s: float) -> bool:
        """Take one message; False if none came."""
        try:
            message = None if self._alone else self._channel.receive(timeout_s)
        except EOFError:
            self._alone = self._stopping = True
            return False
        match message:
            case None:
                return False
            case Freed(slots):
                self._free.extend(slots)
            case Heard(what):
                self._heard.append(what)
            case Reply():
                self._replies.append(message)
            case Start(zero_ns):
                self._clock.start(zero_ns)
                self._started = True
            case Stop():
                self._stopping = True
            case _:
                raise TypeError(f"a source is not told {type(message).__name__}")
        return True

    def _hear(self) -> None:
        while self._heard:
            what = self._heard.popleft()
            if isinstance(what, Settings):
                self._node.apply(self, what)
                self._node.settings = what
            else:
                self._node.on_data(self, *what)

    def ask(self, question: AskDataset | AskFile) -> Any:
        """Ask the module and wait for the answer; RecordingError if it refuses."""
        self._send(question)
        while not self._replies and not self._alone:
            self._take(FOREVER_S)
        reply = self._replies.popleft() if self._replies else Reply(None, "Syntalos has gone")
        if reply.error is not None:
            raise RecordingError(reply.error)
        return reply.value

    def tell(self, message: Attributes) -> None:
        """Tell the module."""
        self._send(message)

    # What the node calls: its Context

    @property
    def clock(self) -> RunClock:
        """The run clock."""
        return self._clock

    def describe(self, port: str, **metadata: MetadataValue) -> None:
        """Set metadata of an output."""
        self._send(Described(port, metadata))

    def metadata(self, port: str) -> Metadata:
        """Give the metadata of the stream wired to an input."""
        return self._inputs.get(port, {})

    def wired(self, port: str) -> bool:
        """Whether an input is connected; of an output Syntalos does not tell, so it counts as."""
        return port in self._inputs or any(port == out.id for out in self._type.outputs)

    def emit(self, port: str, item: Item) -> None:
        """Send an item; waits while too many are under way."""
        while not self._free and not self._alone:
            self._take(FOREVER_S)
        if not self._alone:
            self._send(Sent(port, item, self._free.popleft()))

    def stopping(self) -> bool:
        """Whether the node should return; hands over what waits for it first."""
        while self._take(0):
            pass
        self._hear()
        return self._stopping

    def sleep_until(self, time_us: int) -> bool:
        """Wait for a run time, hearing meanwhile; False if the node should return."""
        while not self.stopping():
            left_us = time_us - self._clock.now_us()
            if left_us <= 0:
                return True
            self._take(left_us / 1e6)
        return False

    def dataset(self, name: str) -> Dataset | None:
        """Give the node a place on disk."""
        value = self.ask(AskDataset(name))
        return None if value is None else _RemoteDataset(self, *value)

    def status(self, text: str, *, trouble: bool = False) -> None:
        """Show a short line on the box."""
        self._send(Status(text))

    def note(self, text: str) -> None:
        """Keep a sentence for the report."""
        self._send(Noted(text))

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter of the report."""
        self._send(Counted(name, amount))


@dataclass(frozen=True, slots=True)
class _RemoteDataset:
    """A place on disk that the module keeps the books of."""

    source: Source
    number: int
    path: Path
    collection_id: str

    def data_file(self, name: str) -> Path:
        return self.source.ask(AskFile(self.number, name, aux=False))

    def aux_file(self, name: str) -> Path:
        return self.source.ask(AskFile(self.number, name, aux=True))

    def describe(self, attributes: Mapping[str, Any]) -> None:
        self.source.tell(Attributes(self.number, attributes))
