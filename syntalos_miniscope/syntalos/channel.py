"""The two ways between a source and its module: a pair of queues, or a pipe and shared memory."""

from __future__ import annotations

import mmap
import os
import queue
import select
import socket
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, Protocol

import numpy as np

from syntalos_miniscope.streams import Frame
from syntalos_miniscope.syntalos.messages import Message, Sent

SLOTS = 32
"""Items that may be under way; a source with more to send waits, its ring fills and it counts."""
SLOT_BYTES = 32 << 20
"""Room for one frame. The memory is sparse: what is never written takes none."""


class Channel(Protocol):
    """One end of a conversation; all methods raise EOFError once the other end is gone."""

    def send(self, message: Message) -> None:
        """Send a message."""
        ...

    def receive(self, timeout_s: float) -> Message | None:
        """Wait for a message without holding Python's lock; None if none came in time."""
        ...

    def close(self) -> None:
        """End the conversation; the other end is told."""
        ...


class QueueChannel:
    """A channel between two threads; frames pass by reference."""

    def __init__(
        self,
        outgoing: queue.SimpleQueue[Message | None],
        incoming: queue.SimpleQueue[Message | None],
    ) -> None:
        self._outgoing, self._incoming = outgoing, incoming
        self._ended = False

    @staticmethod
    def pair() -> tuple[QueueChannel, QueueChannel]:
        """Give both ends."""
        one: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        other: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        return QueueChannel(one, other), QueueChannel(other, one)

    def send(self, message: Message) -> None:
        """Send a message."""
        self._outgoing.put(message)

    def receive(self, timeout_s: float) -> Message | None:
        """Wait for a message."""
        if self._ended:
            raise EOFError
        try:
            message = self._incoming.get(timeout=max(timeout_s, 0))
        except queue.Empty:
            return None
        if message is None:
            self._ended = True
            raise EOFError
        return message

    def close(self) -> None:
        """End the conversation."""
        self._outgoing.put(None)


@dataclass(frozen=True, slots=True)
class _FrameInRing:
    """Where a frame lies that was left in shared memory."""

    index: int
    time_us: int
    shape: tuple[int, ...]
    dtype: str


class PipeChannel:
    """A channel between two processes; frames lie in shared memory until their slot is freed."""

    def __init__(self, pipe_fd: int, ring_fd: int) -> None:
        self._pipe = Connection(pipe_fd)
        self._ring = mmap.mmap(ring_fd, SLOTS * SLOT_BYTES)
        os.close(ring_fd)

    @staticmethod
    def open() -> tuple[PipeChannel, tuple[int, int]]:
        """Give this end, and the file descriptors of the other: for a child, then to be closed.

        The memory has no name, so nothing is left behind, whoever is killed.
        """
        ours, theirs = socket.socketpair()
        ring_fd = os.memfd_create("syntalos-miniscope")
        os.ftruncate(ring_fd, SLOTS * SLOT_BYTES)
        return PipeChannel(ours.detach(), os.dup(ring_fd)), (theirs.detach(), ring_fd)

    def send(self, message: Message) -> None:
        """Send a message; ValueError for a frame that is larger than a slot."""
        if isinstance(message, Sent) and isinstance(message.item, Frame):
            message = replace(message, item=self._put(message.slot, message.item))
        try:
            self._pipe.send(message)
        except OSError as error:
            raise EOFError from error

    def receive(self, timeout_s: float) -> Message | None:
        """Wait for a message; a frame in it is a view that holds until its slot is freed."""
        try:
            # The pipe's own `poll` counts in whole milliseconds, which would make a source late.
            if not select.select([self._pipe], [], [], max(timeout_s, 0))[0]:
                return None
            message: Any = self._pipe.recv()
        except OSError as error:
            raise EOFError from error
        if isinstance(message, Sent) and isinstance(message.item, _FrameInRing):
            return replace(message, item=self._view(message.slot, message.item))
        return message

    def close(self) -> None:
        """End the conversation."""
        self._pipe.close()

    def _put(self, slot: int, frame: Frame) -> Any:
        if frame.mat.nbytes > SLOT_BYTES:
            raise ValueError(f"a frame of {frame.mat.nbytes >> 20} MB is larger than 32 MB")
        head = _FrameInRing(frame.index, frame.time_us, frame.mat.shape, frame.mat.dtype.str)
        self._array(slot, head)[...] = frame.mat
        return head

    def _view(self, slot: int, head: _FrameInRing) -> Frame:
        return Frame(head.index, head.time_us, self._array(slot, head))

    def _array(self, slot: int, head: _FrameInRing) -> np.ndarray[Any, Any]:
        return np.ndarray(head.shape, head.dtype, self._ring, slot * SLOT_BYTES)
