"""Parcels from process to process by ezmsg: the only file that knows it.

Facts about ezmsg 3.9 that are dealt with here. A message is a view into memory that is used again:
`wire_format.decode` copies it when it comes. Messages are pickled: our format takes the place of
pickle in both directions. The graph server unpickles what a session sends it: here it may not. A
publisher is told to others by the address under which its graph server sees it, so each sits on
the machine of its server and binds the address of that. A subscriber whose publisher has vanished
waits for ever: whoever waits here can be called off from outside.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from importlib.metadata import version
from threading import Thread
from typing import Any, NoReturn, TypeVar

import ezmsg.core.graphserver
from ezmsg.core import GraphServer, Publisher, Subscriber
from ezmsg.core.messagemarshal import MessageMarshal

from syntalos_miniscope.engine.ezmsg.machine import Address
from syntalos_miniscope.engine.ezmsg.wire_format import Parcel, decode, encode

T = TypeVar("T")

ON_THE_WAY = 8
"""How many parcels of a wire may be under way between two processes, in no queue of ours."""


class CalledOffError(Exception):
    """A parcel that is no longer waited for: the other side has gone."""


class Exchange:
    """Sends and receives parcels, on a thread of its own with ezmsg's event loop."""

    def __init__(self) -> None:
        _speak_our_format()
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, name="exchange", daemon=True).start()

    def sender(self, topic: str, server: Address) -> Sender:
        """Open the sending end of a wire; `server` is a graph server of this machine."""
        publisher = Publisher.create(
            topic, graph_address=server, host=server[0], num_buffers=ON_THE_WAY
        )
        return Sender(self._submit(publisher).result(), self._loop)

    def receiver(self, topic: str, server: Address) -> Receiver:
        """Open the receiving end of a wire, of which the sending end stands already."""
        return Receiver(self._submit(Subscriber.create(topic, server)).result(), self._loop)

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


class _End:
    """One end of a wire, and what it waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pending: Future[Any] | None = None
        self._called_off = False

    def call_off(self) -> None:
        """Wait no more, now or later; from any thread."""
        self._called_off = True
        if pending := self._pending:
            pending.cancel()

    def _await(self, pending: Future[T]) -> T:
        try:
            if self._called_off:
                pending.cancel()
            return pending.result()
        except CancelledError:
            raise CalledOffError from None


class Sender(_End):
    """The sending end of a wire; one thread sends."""

    def __init__(self, publisher: Publisher, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._publisher = publisher

    def send(self, parcel: Parcel) -> None:
        """Send a parcel, once the one before has gone; waits while too many are on the way."""
        before = self._pending
        if before is not None:
            self._await(before)
        work = self._publisher.broadcast(parcel)
        self._pending = asyncio.run_coroutine_threadsafe(work, self._loop)

    def flush(self) -> None:
        """Wait until the last parcel has gone."""
        if self._pending is not None:
            self._await(self._pending)


class Receiver(_End):
    """The receiving end of a wire; one thread receives."""

    def __init__(self, subscriber: Subscriber, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._subscriber = subscriber
        self._asked = self._pending = self._ask()

    def receive(self) -> Parcel:
        """Wait for the next parcel; ValueError if what has come is not one."""
        parcel = self._await(self._asked)
        # The next one is asked for before this one is used: it is fetched meanwhile.
        self._asked = self._pending = self._ask()
        if isinstance(parcel, ValueError):
            raise parcel
        return parcel

    def _ask(self) -> Future[Parcel | ValueError]:
        return asyncio.run_coroutine_threadsafe(self._take(), self._loop)

    async def _take(self) -> Parcel | ValueError:
        async with self._subscriber.recv_zero_copy() as parcel:
            return parcel


def _speak_our_format() -> None:
    """Put our format in the place of pickle in ezmsg, which says that this may be done."""

    def load(buffers: Sequence[memoryview]) -> Parcel | ValueError:
        # Raising here would silence the wire for good: whoever receives must be told.
        try:
            return decode(buffers)
        except ValueError as error:
            return ValueError(str(error))

    setattr(MessageMarshal, "dump", staticmethod(encode))  # noqa: B010 - typed as for pickle
    setattr(MessageMarshal, "load", staticmethod(load))  # noqa: B010
    logging.getLogger("ezmsg").setLevel(logging.ERROR)


class _NoPickle:
    """Stands in the graph server where pickle was."""

    def loads(self, data: bytes) -> NoReturn:
        """Refuse: whoever reaches the port could run any code."""
        raise ConnectionResetError("a pickle was sent to the graph server")

    def dumps(self, thing: object) -> NoReturn:
        """Refuse: nothing is asked here that would need it."""
        raise ConnectionResetError("a pickle was asked of the graph server")


def serve(hosts: Sequence[str]) -> None:
    """Run a graph server for each address until standard input ends; the ports go out as JSON."""
    _speak_our_format()
    ezmsg.core.graphserver.pickle = _NoPickle()  # pyright: ignore[reportAttributeAccessIssue]
    servers: list[GraphServer] = []
    told: dict[str, Any] = {"ezmsg": version("ezmsg")}
    for host in hosts:
        server = GraphServer()
        try:
            server.start((host, 0))
        except OSError as error:
            told["error"] = f"{host}: {error.strerror}"
            break
        servers.append(server)
    print(json.dumps(told | {"ports": [server.address.port for server in servers]}), flush=True)
    sys.stdin.read()
    for server in servers:
        server.stop()


if __name__ == "__main__":
    serve(sys.argv[1:])
