"""A view's tap on an input in another process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syntalos_miniscope.engine.ezmsg.wire_format import Parcel, decode, encode
from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.streams import Item


def pack_tap(tap: Tap) -> tuple[dict[str, Any], bytes]:
    """Give what a tap has heard: its counts, the sizes of what follows, and the bytes."""
    parcels = [encode(Parcel(item, 0)) for item in tap.take()]
    sizes = [[len(buffer) for buffer in parcel] for parcel in parcels]
    blob = b"".join(buffer for parcel in parcels for buffer in parcel)
    return {"seen": tap.seen, "dropped": tap.dropped, "sizes": sizes}, blob


class RemoteTap(Tap):
    """A view's ear at an input elsewhere: each `take` asks for the newest items there.

    Nothing is sent that nobody takes, so a view that looks seldom costs no network.
    """

    def __init__(self, depth: int) -> None:
        super().__init__(depth)
        self.depth = depth
        self.ask: Callable[[], tuple[dict[str, Any], bytes] | None] = lambda: None
        """Asks the process of the box; gives None where there is none."""

    def take(self) -> list[Item]:
        """Give what has come since the last call, oldest first, no more than the depth."""
        if (answer := self.ask()) is None:
            return []
        told, blob = answer
        self.seen, self.dropped = told["seen"], told["dropped"]
        rest, items = memoryview(blob), list[Item]()
        for sizes in told["sizes"]:
            buffers: list[memoryview] = []
            for size in sizes:
                buffers.append(rest[:size])
                rest = rest[size:]
            item = decode(buffers).item
            assert item is not None
            items.append(item)
        return items
