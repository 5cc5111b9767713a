"""The two ends of a wire that leaves its process: a mailbox that is sent on, and what fills others.

Nothing is lost between them while both processes live: a sender waits while `ON_THE_WAY` parcels
are under way, a receiver waits for room in the mailbox of its box, and the end of a stream is a
parcel of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Event, Thread
from typing import Any

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.ezmsg.exchange import (
    CalledOffError,
    Exchange,
    Receiver,
    Sender,
)
from syntalos_miniscope.engine.ezmsg.machine import Address
from syntalos_miniscope.engine.ezmsg.wire_format import Parcel, metadata_from_json
from syntalos_miniscope.engine.mailbox import Mailbox
from syntalos_miniscope.engine.run import describe
from syntalos_miniscope.engine.worker import Worker
from syntalos_miniscope.node import In, Policy

NEWS_S = 2.0
"""How long the news may take that a process has gone, when a wire to it is dead."""


class Link:
    """One end of a wire that leaves its process, on a thread of its own.

    `end` sends or receives; `carry` does its work until the stream ends, and `over` is called then,
    however that came. `broken` is called with a line of text if the wire is dead though the other
    side is there.
    """

    def __init__(
        self,
        topic: str,
        end: Sender | Receiver,
        carry: Callable[[], None],
        over: Callable[[], None],
        broken: Callable[[str], None],
    ) -> None:
        self.topic = topic
        self._end = end
        self._carry, self._over, self._broken = carry, over, broken
        self._cut = Event()
        self._thread = Thread(target=self._live, name=topic, daemon=True)

    def launch(self) -> None:
        """Begin to carry."""
        self._thread.start()

    def cut(self) -> None:
        """Carry no more: the other side has gone."""
        self._cut.set()
        self._end.call_off()

    def join(self, timeout_s: float) -> None:
        """Wait until all has been carried."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _live(self) -> None:
        try:
            self._carry()
        except CalledOffError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever ezmsg raises, the wire is dead
            # Not told when the news follows that the other side has gone.
            if not self._cut.wait(NEWS_S):
                self._broken(f"the wire to another process is dead: {describe(error)}")
        self._over()


class LinkOut(Link):
    """Sends on what an output gives.

    It waits in a queue as in front of a box, with the policy of the input at the other end: where
    that is `newest`, a slow network drops the oldest frames here, counted, and holds up nobody.
    """

    def __init__(
        self, topic: str, port: In, sender: Sender, clock: RunClock, broken: Callable[[str], None]
    ) -> None:
        self.mailbox = Mailbox([port])
        self._queue = self.mailbox.queues[port.id]
        self._queue.fed = True
        self._sender = sender
        self._clock = clock
        super().__init__(topic, sender, self._send, self.mailbox.close, broken)

    def cut(self) -> None:
        """Send no more: what waits, and what comes, is dropped."""
        super().cut()
        self.mailbox.close()

    def counts(self) -> dict[str, int]:
        """Give what was dropped here, and what waits."""
        return {"dropped": self._queue.dropped, "waiting": len(self._queue.waiting)}

    def _send(self) -> None:
        zero_ns = self._clock.zero_ns
        while (heard := self.mailbox.receive()) is not None:
            assert isinstance(heard, tuple)
            self._sender.send(Parcel(heard[1], self.mailbox.sent_ns - zero_ns))
        self._sender.send(Parcel(None, 0))
        self._sender.flush()


class LinkIn(Link):
    """Hands what comes to the inputs it is for, and their end when that comes."""

    def __init__(
        self,
        topic: str,
        receiver: Receiver,
        targets: Sequence[tuple[Mailbox, str]],
        clock: RunClock,
        broken: Callable[[str], None],
    ) -> None:
        self._receiver = receiver
        self._targets = targets
        self._clock = clock
        super().__init__(topic, receiver, self._hand_on, self._finish, broken)

    def _hand_on(self) -> None:
        zero_ns = self._clock.zero_ns
        while (parcel := self._receiver.receive()).item is not None:
            for mailbox, port in self._targets:
                mailbox.put(port, parcel.item, zero_ns + parcel.sent_ns)

    def _finish(self) -> None:
        for mailbox, port in self._targets:
            mailbox.finish(port)


class Links:
    """All links of one process, as `plan` describes them."""

    def __init__(self, inner: Address, outer: Address, clock: RunClock) -> None:
        self._inner = inner
        self._outer = outer
        self._clock = clock
        self._out: list[LinkOut] = []
        self._in: list[LinkIn] = []
        self._peers: dict[str, str] = {}
        self._heard: dict[str, dict[str, Any]] = {}
        self._exchange: Exchange | None = None

    def publish(
        self,
        links: Sequence[dict[str, Any]],
        workers: Mapping[str, Worker],
        broken: Callable[[str, str, str], None],
    ) -> None:
        """Open the sending ends; `broken` is told node, port and what happened to a wire."""
        for link in links:
            self._exchange = self._exchange or Exchange()
            (node, port), far, topic = link["source"], link["other_machine"], link["topic"]
            server = self._outer if far else self._inner
            [kind] = [out.type for out in workers[node].kind.outputs if out.id == port]
            queue = In(port, "", kind, Policy(link["policy"]), link["depth"])
            sender = self._exchange.sender(topic, server)
            tell = partial(broken, node, port)
            out = LinkOut(topic, queue, sender, self._clock, tell)
            workers[node].send_to(out.mailbox, port, port)
            self._out.append(out)
            self._peers[topic] = link["peer"]

    def subscribe(
        self,
        links: Sequence[dict[str, Any]],
        workers: Mapping[str, Worker],
        broken: Callable[[str, str, str], None],
    ) -> None:
        """Open the receiving ends, once all sending ones stand; `broken` as for `publish`."""
        for link in links:
            self._exchange = self._exchange or Exchange()
            topic, (sender, out), server = link["topic"], link["source"], link["server"]
            receiver = self._exchange.receiver(topic, tuple(server) if server else self._inner)
            metadata = self._heard.setdefault(f"{sender}.{out}", {})
            targets: list[tuple[Mailbox, str]] = []
            for end in link["targets"]:
                node, port = end["target"]
                workers[node].hear_from((sender, out), port, metadata, outlived=end["outlived"])
                targets.append((workers[node].mailbox, port))
            first = link["targets"][0]["target"]
            self._in.append(LinkIn(topic, receiver, targets, self._clock, partial(broken, *first)))
            self._peers[topic] = link["peer"]

    def learn(self, heard: Mapping[str, Mapping[str, Any]]) -> None:
        """Take what outputs in other processes say of their streams."""
        for source, metadata in heard.items():
            self._heard.setdefault(source, {}).update(metadata_from_json(metadata))

    def launch(self) -> None:
        """Begin to send and receive."""
        for link in (*self._out, *self._in):
            link.launch()

    def cut(self, peer: str | None = None) -> None:
        """Give up the links from and to a process that has gone, or all."""
        for link in (*self._out, *self._in):
            if peer in (None, self._peers[link.topic]):
                link.cut()

    def join(self, timeout_s: float) -> None:
        """Wait until all has been sent."""
        for link in self._out:
            link.join(timeout_s)

    def counts(self) -> dict[str, dict[str, int]]:
        """Give what was dropped before it was sent, and what waits, by topic."""
        return {link.topic: link.counts() for link in [*self._out]}
