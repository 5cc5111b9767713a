"""What waits in front of a box: bounded queues, one per input, with their counts."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable
from threading import TIMEOUT_MAX, Condition, Lock, RLock
from typing import Any

from syntalos_miniscope.node import In, Policy, Settings
from syntalos_miniscope.streams import Control, Item

_BINS_PER_OCTAVE = 8


class LatencyHistogram:
    """Times in bins of about 9 % of their size, so that a run of any length costs the same."""

    def __init__(self) -> None:
        self._bins = [0] * (40 * _BINS_PER_OCTAVE)
        self.count = 0

    def add(self, time_ns: int) -> None:
        """Count one latency."""
        place = int(math.log2(max(time_ns, 1)) * _BINS_PER_OCTAVE)
        self._bins[min(place, len(self._bins) - 1)] += 1
        self.count += 1

    def percentile_us(self, percent: float) -> float | None:
        """Give a percentile, to about 9 %; None if nothing was counted."""
        below = self.count * percent / 100
        for place, amount in enumerate(self._bins):
            below -= amount
            if amount and below <= 0:
                return round(2 ** ((place + 0.5) / _BINS_PER_OCTAVE) / 1000, 1)
        return None


class Tap:
    """A view's ear at an input: the newest items, and how many went by unseen."""

    def __init__(self, depth: int) -> None:
        self._items: deque[Item] = deque(maxlen=depth)
        self._lock = Lock()
        self.seen = 0
        self.dropped = 0
        """How many items were replaced by newer ones before anybody took them."""

    def hear(self, item: Item) -> None:
        """Take note of an item; never waits."""
        with self._lock:
            self.dropped += len(self._items) == self._items.maxlen
            self._items.append(item)
            self.seen += 1

    def take(self) -> list[Item]:
        """Give what has come since the last call, oldest first, no more than the depth."""
        with self._lock:
            taken = list(self._items)
            self._items.clear()
        return taken


class Queue:
    """The items that wait at one input, and what has been counted there."""

    def __init__(self, port: In) -> None:
        self.port = port
        self.waiting: deque[tuple[int, Item]] = deque()
        self.fed = False
        """Whether a sender that the box outlives may still send."""
        self.delivered = 0
        self.dropped = 0
        self.latency = LatencyHistogram()
        self.taps: tuple[Tap, ...] = ()

    def report(self) -> dict[str, Any]:
        """Give what the run's report says about the wire."""
        return {
            "port": self.port.id,
            "items": self.delivered,
            "dropped": self.dropped,
            "policy": self.port.policy.value,
            "latency_p50_us": self.latency.percentile_us(50),
            "latency_p99_us": self.latency.percentile_us(99),
        }


class Mailbox:
    """Everything that one box hears: its inputs, changed settings, and the call to stop.

    A box that is no source has ended when all its inputs have been closed by their senders and
    what waited is delivered.
    """

    def __init__(self, ports: Iterable[In]) -> None:
        self.queues = {port.id: Queue(port) for port in ports}
        lock = RLock()
        self._lock = Condition(lock)
        self._room = Condition(lock)
        self._settings: Settings | None = None
        self._orders: deque[tuple[str, Item]] = deque()
        self._stopping = False
        self._closed = False
        self.idle = False
        """Whether the box waits for something to do."""
        self.sent_ns = 0
        """When the item that was given last had been sent."""

    def put(self, port: str, item: Item, sent_ns: int | None = None) -> None:
        """Leave an item; waits for room where the input is lossless and full.

        A command never waits: a circle may be closed through commands, and its boxes would wait
        for one another. An item for a box that has ended is counted as dropped. `sent_ns` is when
        an item from another process was sent, on this machine's monotonic clock.
        """
        queue = self.queues[port]
        sent_ns = time.monotonic_ns() if sent_ns is None else sent_ns
        for tap in queue.taps:
            tap.hear(item)
        with self._lock:
            if len(queue.waiting) >= queue.port.depth and queue.port.type is not Control:
                if queue.port.policy is Policy.NEWEST:
                    queue.waiting.popleft()
                    queue.dropped += 1
                else:
                    while len(queue.waiting) >= queue.port.depth and not self._closed:
                        self._room.wait()
            if self._closed:
                queue.dropped += 1
                return
            queue.waiting.append((sent_ns, item))
            self._lock.notify()

    def change(self, settings: Settings) -> None:
        """Leave changed settings; the newest ones win."""
        with self._lock:
            self._settings = settings
            self._lock.notify()

    def order(self, port: str, control: Control) -> None:
        """Leave a command of a person, which no wire carries and none counts."""
        with self._lock:
            self._orders.append((self.queues[port].port.id, control))
            self._lock.notify()

    def request_stop(self) -> None:
        """Tell a source to return."""
        with self._lock:
            self._stopping = True
            self._lock.notify()

    def finish(self, port: str) -> None:
        """Say that the sender of an input has ended."""
        with self._lock:
            self.queues[port].fed = False
            self._lock.notify()

    def close(self) -> None:
        """End for good: what waits is counted as dropped, and nobody waits for room any more."""
        with self._lock:
            self._closed = True
            for queue in self.queues.values():
                queue.dropped += len(queue.waiting)
                queue.waiting.clear()
            self._room.notify_all()
            self._lock.notify_all()

    @property
    def stopping(self) -> bool:
        """Whether a source was told to return."""
        return self._stopping or self._closed

    def hear(self, until_ns: int) -> Settings | tuple[str, Item] | None:
        """Give what a source hears; None once `until_ns` has come or it should return."""
        with self._lock:
            while True:
                if (heard := self._next()) is not None or self.stopping:
                    return heard
                left_ns = until_ns - time.monotonic_ns()
                if left_ns <= 0:
                    return None
                self._lock.wait(min(left_ns / 1e9, TIMEOUT_MAX))

    def receive(self) -> Settings | tuple[str, Item] | None:
        """Wait for the next thing to do; None when all inputs have come to their end."""
        with self._lock:
            while (heard := self._next()) is None:
                if self._closed or not any(queue.fed for queue in self.queues.values()):
                    return None
                self.idle = True
                self._lock.wait()
                self.idle = False
            return heard

    def _next(self) -> Settings | tuple[str, Item] | None:
        if self._settings is not None:
            settings, self._settings = self._settings, None
            return settings
        if self._orders:
            return self._orders.popleft()
        ready = [queue for queue in self.queues.values() if queue.waiting]
        if not ready:
            return None
        queue = ready[0] if len(ready) == 1 else min(ready, key=lambda q: q.waiting[0][0])
        self.sent_ns, item = queue.waiting.popleft()
        queue.delivered += 1
        queue.latency.add(time.monotonic_ns() - self.sent_ns)
        if queue.port.policy is Policy.LOSSLESS:
            # Senders to other inputs wait for room on the same condition.
            self._room.notify_all()
        return queue.port.id, item
