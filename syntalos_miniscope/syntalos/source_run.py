"""A source beside the link, behind a channel: submits what it sends and answers its questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from typing import Protocol

from syntalos_miniscope.node import Dataset, Node, Settings
from syntalos_miniscope.streams import Item, Metadata
from syntalos_miniscope.syntalos.box import Box
from syntalos_miniscope.syntalos.channel import Channel, QueueChannel
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
from syntalos_miniscope.syntalos.source import Source

PREPARE_S = 13.0
"""Syntalos gives up after 15 s; giving up ourselves takes a moment too."""
DRAIN_S, STOP_S = 1.2, 8.0
"""How long after a stop items are still submitted, and how long the source may take to end."""


class FarEnd(Protocol):
    """Where a source lives: a thread or a process at the other end of a channel."""

    @property
    def channel(self) -> Channel:
        """This end of the channel."""
        ...

    def join(self, timeout_s: float) -> bool:
        """Close the channel and wait for the end; False if it does not come."""
        ...


class SourceThread:
    """A source on a thread: it runs whenever the link waits outside Python's lock."""

    def __init__(self, node: type[Node]) -> None:
        ours, theirs = QueueChannel.pair()
        self.channel: Channel = ours
        self._thread = Thread(target=Source(node, theirs).live, name="source", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """End the conversation and wait for the thread."""
        self.channel.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()


class SourceRun:
    """Submits what a source sends, in order, and answers its questions."""

    def __init__(
        self,
        box: Box,
        settings: Settings,
        inputs: Mapping[str, Metadata],
        far_end: Callable[[], FarEnd],
    ) -> None:
        self._box = box
        self._prepare = Prepare(settings, inputs)
        self._open = far_end
        self._far: FarEnd | None = None
        self._ready = self._ended = self._stopped = self._discards = False
        self._datasets: list[Dataset] = []

    def prepare(self) -> None:
        """Let the source prepare its node; RuntimeError with its words, or if it takes too long."""
        self._far = self._open()
        channel = self._far.channel
        channel.send(self._prepare)
        deadline = time.monotonic() + PREPARE_S
        while not self._ready:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise RuntimeError(
                    f"not ready after {PREPARE_S:.0f} s; if kernels are being compiled, which "
                    "happens once, 'syntalos-miniscope syntalos install' does it beforehand"
                )
            self._pump(channel, left_s)

    def start(self, zero_ns: int) -> None:
        """Let the source begin."""
        self._tell(Start(zero_ns))

    def take(self, port: str, item: Item) -> None:
        """Hand a command on."""
        self._box.taken[port] += 1
        self._tell(Heard((port, item)))

    def apply(self, settings: Settings) -> None:
        """Hand settings on."""
        self._tell(Heard(settings))

    def step(self) -> bool:
        """Wait a little outside the lock and submit what came."""
        if self._far is None or self._ended:
            time.sleep(0.005)
        else:
            self._pump(self._far.channel, 0.005)
        return True

    def stop(self) -> None:
        """Submit what is under way until the source has ended, or does not."""
        far = self._far
        if far is None or self._stopped:
            return
        self._stopped = True
        asked = time.monotonic()
        self._tell(Stop())
        # Syntalos counts this into the 15 s of `prepare` if that is what failed.
        patience_s = STOP_S if self._ready else 0.2
        try:
            while not self._ended and (waited_s := time.monotonic() - asked) < patience_s:
                self._discards = waited_s > DRAIN_S
                self._pump(far.channel, 0.05)
        finally:
            # A source that has ended has closed everything; a process may still be tidying up.
            gone = far.join(0.3 if self._ended or not self._ready else 1.0)
        if not gone and not self._ended:
            self._box.note("The source did not end in time and was left behind.")

    def _tell(self, message: Message) -> None:
        # A source that has gone has left its last words, which are read first.
        if self._far is not None and not self._ended:
            with suppress(EOFError):
                self._far.channel.send(message)

    def _pump(self, channel: Channel, timeout_s: float) -> None:
        """Handle one message, waiting for it, and those that are there already."""
        freed: list[int] = []
        try:
            message = channel.receive(timeout_s)
            while message is not None:
                self._handle(message, freed)
                # Stop and commands are looked for between items, never after a long row of them.
                message = channel.receive(0) if len(freed) < 8 and not self._ended else None
        except EOFError as error:
            self._ended = True
            raise RuntimeError("the process that runs the source ended unexpectedly") from error
        if freed:
            self._tell(Freed(tuple(freed)))

    def _handle(self, message: Message, freed: list[int]) -> None:
        box = self._box
        match message:
            case Sent(port, item, slot):
                if self._discards:
                    box.count("not_submitted")
                else:
                    box.emit(port, item)
                freed.append(slot)
            case Described(port, metadata):
                box.describe(port, **metadata)
            case Status(text):
                box.status(text)
            case Noted(text):
                box.note(text)
            case Counted(name, amount):
                box.count(name, amount)
            case Ready():
                self._ready = True
            case Ended(error):
                self._ended = True
                if error is not None:
                    raise RuntimeError(error)
                if not self._stopped:
                    box.status("has come to its end")
            case Attributes(number, values):
                self._datasets[number].describe(values)
            case AskDataset() | AskFile():
                self._tell(self._answer(message))
            case _:
                raise TypeError(f"a source does not say {type(message).__name__}")

    def _answer(self, question: AskDataset | AskFile) -> Reply:
        try:
            if isinstance(question, AskFile):
                dataset = self._datasets[question.dataset]
                claim = dataset.aux_file if question.aux else dataset.data_file
                return Reply(claim(question.name))
            dataset = self._box.dataset(question.name)
        except Exception as error:  # noqa: BLE001 - the node is told, and refuses
            return Reply(None, str(error))
        if dataset is None:
            return Reply(None)
        self._datasets.append(dataset)
        return Reply((len(self._datasets) - 1, dataset.path, dataset.collection_id))
