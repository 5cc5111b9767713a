"""A node on the thread of the link: keeps up with its data, and lets no input back up."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from syntalos_miniscope.node import Node, Settings
from syntalos_miniscope.streams import Frame, Item
from syntalos_miniscope.syntalos.box import Box

DRAIN_S = 1.0
CATCH_UP_S = 1.0
"""A node that has caught up after so long had a hiccup, and loses nothing; else it is too slow."""
BEHIND_US = 100_000
"""A frame further behind the newest of its stream is not worth the work of a slow node."""
WAITING_LIMIT = 4096


class InlineRun:
    """Works on the thread of the link, and lets no input back up.

    What comes is only put down when Syntalos hands it over, so that its queue is always empty. A
    node that has been behind for `CATCH_UP_S` gets the newest frames only.
    """

    def __init__(
        self,
        box: Box,
        node: type[Node],
        settings: Settings,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._box = box
        self._node = node(settings)
        self._now_s = now_s
        self._caught_up_s = math.inf
        self._waiting: deque[tuple[str, Item]] = deque()
        self._stopped = True

    def prepare(self) -> None:
        """Prepare the node."""
        self._stopped = False
        self._node.prepare(self._box)

    def start(self, zero_ns: int) -> None:
        """Start the node."""
        self._node.start(self._box)
        self._caught_up_s = self._now_s()

    def take(self, port: str, item: Item) -> None:
        """Put an item down; frames that are too old for a slow node go, and are counted."""
        waiting, dropped = self._waiting, self._box.dropped
        late = self._now_s() - self._caught_up_s > CATCH_UP_S
        if late and isinstance(item, Frame):
            fresh = [w for w in waiting if w[0] != port or not _behind(w[1], item)]
            dropped[port] += len(waiting) - len(fresh)
            self._waiting = waiting = deque(fresh)
        if len(waiting) >= WAITING_LIMIT:
            dropped[waiting.popleft()[0]] += 1
        waiting.append((port, item))
        self._box.taken[port] += 1

    def apply(self, settings: Settings) -> None:
        """Change live settings."""
        self._node.apply(self._box, settings)
        self._node.settings = settings

    def step(self) -> bool:
        """Work on one item; False if there was none."""
        if not self._waiting or not self._box.running:
            self._caught_up_s = self._now_s()
            return False
        port, item = self._waiting.popleft()
        try:
            self._node.on_data(self._box, port, item)
        except Exception as error:
            error.add_note(port)
            self._drop_waiting()
            raise
        return True

    def stop(self) -> None:
        """Work on what waits, for a short time, and stop the node."""
        if self._stopped:
            return
        self._stopped = True
        deadline_s = self._now_s() + DRAIN_S
        try:
            while self.step() and self._now_s() < deadline_s:
                pass
            self._drop_waiting()
        finally:
            self._node.stop(self._box)

    def _drop_waiting(self) -> None:
        for port, _ in self._waiting:
            self._box.dropped[port] += 1
        self._waiting.clear()


def _behind(item: Any, newest: Frame) -> bool:
    return isinstance(item, Frame) and newest.time_us - item.time_us > BEHIND_US
