"""A node on the thread of the link: works on the newest data, and lets no input back up."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from syntalos_miniscope.node import Node, Settings
from syntalos_miniscope.streams import Frame, Item
from syntalos_miniscope.syntalos.box import Box

DRAIN_S = 1.0
BEHIND_US = 100_000
"""A frame further behind the newest of its stream is not worth the work of a live node."""
WAITING_LIMIT = 4096


class InlineRun:
    """Works on the newest data, on the thread of the link, and lets no input back up.

    What comes is only put down when Syntalos hands it over, so that its queue is always empty.
    """

    def __init__(self, box: Box, node: type[Node], settings: Settings) -> None:
        self._box = box
        self._node = node(settings)
        self._waiting: deque[tuple[str, Item]] = deque()
        self._stopped = True

    def prepare(self) -> None:
        """Prepare the node."""
        self._stopped = False
        self._node.prepare(self._box)

    def start(self, zero_ns: int) -> None:
        """Start the node."""
        self._node.start(self._box)

    def take(self, port: str, item: Item) -> None:
        """Put an item down; frames that have become too old for it go, and are counted."""
        waiting, dropped = self._waiting, self._box.dropped
        if isinstance(item, Frame):
            fresh = [w for w in waiting if w[0] != port or not _behind(w[1], item)]
            dropped[port] += len(waiting) - len(fresh)
            self._waiting = waiting = deque(fresh)
        elif len(waiting) >= WAITING_LIMIT:
            dropped[waiting.popleft()[0]] += 1
        waiting.append((port, item))
        self._box.taken[port] += 1

    def apply(self, settings: Settings) -> None:
        """Change live settings."""
        self._node.apply(self._box, settings)
        self._node.settings = settings

    def step(self) -> bool:
        """Work on one item; False if none is left."""
        if self._waiting and self._box.running:
            port, item = self._waiting.popleft()
            try:
                self._node.on_data(self._box, port, item)
            except Exception as error:
                error.add_note(port)
                self._drop_waiting()
                raise
        return bool(self._waiting)

    def stop(self) -> None:
        """Work on what waits, for a short time, and stop the node."""
        if self._stopped:
            return
        self._stopped = True
        deadline = time.monotonic() + DRAIN_S
        try:
            while self.step() and time.monotonic() < deadline:
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
