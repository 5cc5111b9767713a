"""The engine and one of its processes in conversation: calls and answers over a socket, as JSON."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

import numpy as np

from syntalos_miniscope.engine.run import describe

_HEAD = struct.Struct("<II")
_GONE = "its process has gone, or nothing is heard of its machine"
LONGEST = 1 << 28
"""The longest message that is read, bytes: a few dozen frames that a view has asked for."""


class GoneError(RuntimeError):
    """The other side is no longer there."""


class RefusedError(RuntimeError):
    """The other side answered with an error, whose text this is."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the other side asks for, to be answered once, at any time and from any thread."""

    verb: str
    args: dict[str, Any]
    _answer: Callable[[dict[str, Any], bytes], None]

    def answer(self, value: Any = None, blob: bytes = b"") -> None:
        """Give the value, and bytes beside it."""
        self._answer({"value": value}, blob)

    def refuse(self, error: BaseException) -> None:
        """Answer with an error."""
        self._answer({"error": describe(error)}, b"")


class Channel:
    """One end of a conversation.

    `hear` is called for each call of the other side, on the thread that reads: what takes time is
    to be done elsewhere. `gone` is called once, when no more will come: with True if the other
    side fell silent for `lost_after_s`, as when a cable is pulled, and False if it has closed or
    was killed. Both sides show a sign of life six times as often as that; None is for a process
    on this machine, whose end the socket shows at once.
    """

    def __init__(
        self,
        sock: socket.socket,
        hear: Callable[[Call], None],
        gone: Callable[[bool], None],
        lost_after_s: float | None = None,
    ) -> None:
        self._sock = sock
        self._hear = hear
        self._gone = gone
        self._lost_after_s = lost_after_s
        # put() of a SimpleQueue may be called by a signal handler.
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._waiting: dict[int, Future[tuple[Any, bytes]]] = {}
        self._numbers = count(1)
        self._lock = Lock()
        self._over = False
        self._writer = Thread(target=self._write, name="channel out", daemon=True)
        self._reader = Thread(target=self._read, name="channel in", daemon=True)

    def open(self) -> None:
        """Begin to listen."""
        self._sock.settimeout(self._lost_after_s)
        self._writer.start()
        self._reader.start()

    def call(self, verb: str, timeout_s: float | None = None, **args: Any) -> Any:
        """Ask, and wait for the value; RefusedError, GoneError, or TimeoutError."""
        return self.ask(verb, **args).result(timeout_s)[0]

    def ask(self, verb: str, **args: Any) -> Future[tuple[Any, bytes]]:
        """Ask, and wait later for the value and the bytes beside it."""
        number, answer = next(self._numbers), Future[tuple[Any, bytes]]()
        with self._lock:
            if self._over:
                raise GoneError(_GONE)
            self._waiting[number] = answer
        self._send({"verb": verb, "args": args, "call": number})
        return answer

    def post(self, verb: str, **args: Any) -> None:
        """Tell, without an answer; returns at once, from any thread or signal handler."""
        self._send({"verb": verb, "args": args})

    def close(self) -> None:
        """Send what is still to be sent, then hang up."""
        self._outbox.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait until all has been sent."""
        self._writer.join(timeout_s)

    def _send(self, message: dict[str, Any], blob: bytes = b"") -> None:
        text = json.dumps(message, default=_plain).encode()
        self._outbox.put(_HEAD.pack(len(text), len(blob)) + text + blob)

    def _write(self) -> None:
        beat_s = self._lost_after_s and self._lost_after_s / 6
        alive = _HEAD.pack(2, 0) + b"{}"
        try:
            while True:
                try:
                    message = self._outbox.get(timeout=beat_s)
                except Empty:
                    message = alive
                if message is None:
                    self._sock.shutdown(socket.SHUT_RDWR)
                    return
                self._sock.sendall(message)
        except OSError:
            return  # whoever reads notices, and says so

    def _read(self) -> None:
        lost = False
        try:
            while not lost and (message := read_message(self._sock)) is not None:
                lost = "lost" in message[0]
                self._take(*message)
        except TimeoutError:
            lost = True
            # Once the cable is back the other side learns why this one hung up.
            self._send({"lost": True})
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass  # cut off, or a stranger: it has gone in either case
        with self._lock:
            self._over = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(GoneError(_GONE))
        self._outbox.put(None)
        self._gone(lost)
        self._writer.join()
        self._sock.close()

    def _take(self, message: dict[str, Any], blob: bytes) -> None:
        if "verb" in message:
            number = message.get("call")

            def answer(told: dict[str, Any], blob: bytes) -> None:
                if number is not None:
                    self._send({"answer": number} | told, blob)

            call = Call(message["verb"], message["args"], answer)
            try:
                self._hear(call)
            except Exception as error:  # noqa: BLE001 - whoever asked is told
                call.refuse(error)
        elif "answer" in message:
            waiting = self._waiting.pop(message["answer"])
            if "error" in message:
                waiting.set_exception(RefusedError(message["error"]))
            else:
                waiting.set_result((message["value"], blob))


def _plain(value: object) -> Any:
    """Give a number of numpy's, such as a node may count with, as one of Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r} cannot be told to another process")


def send_message(sock: socket.socket, message: dict[str, Any]) -> None:
    """Send one message before a channel is opened over the socket."""
    text = json.dumps(message).encode()
    sock.sendall(_HEAD.pack(len(text), 0) + text)


def read_message(
    sock: socket.socket, longest: int = LONGEST
) -> tuple[dict[str, Any], bytes] | None:
    """Read one message and no byte more; None at the end, ValueError for what is none."""
    head = _exactly(sock, _HEAD.size)
    if head is None:
        return None
    text_size, blob_size = _HEAD.unpack(head)
    if text_size > longest or blob_size > longest:
        raise ValueError(f"a message of {text_size} and {blob_size} bytes")
    text, blob = _exactly(sock, text_size), _exactly(sock, blob_size)
    if text is None or blob is None:
        return None
    message = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("a message that is no object")
    return message, bytes(blob)


def _exactly(sock: socket.socket, size: int) -> bytearray | None:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        got = sock.recv_into(view)
        if not got:
            return None
        view = view[got:]
    return data
