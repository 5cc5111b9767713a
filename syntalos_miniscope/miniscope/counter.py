"""What the DAQ's frame counter says about lost frames."""

from __future__ import annotations

from collections import deque

_WINDOW = 8
"""Frames over which a difference must persist: the kernel's four buffers and some lateness."""


class FrameCounter:
    """Gives each received frame its index: frames received plus frames known to be lost before.

    The counter has 16 bits and is read by a separate request after its frame, so it may be ahead
    by as many frames as wait in between; only lasting differences are losses. One that the times
    of arrival bear out counts at once; others after eight frames.
    """

    def __init__(self) -> None:
        self.lost = 0
        self._received = 0
        self._last: int | None = None
        self._ahead = 0
        self._recent: deque[int] = deque(maxlen=_WINDOW)

    def rebase(self, lost: int = 0) -> None:
        """Start anew after a connection or a trigger; `lost` frames are known to be missing."""
        self.lost += lost
        self._last = None
        self._ahead = 0
        self._recent.clear()

    def take(self, counter: int | None, periods: float, *, torn: int = 0) -> int:
        """Give the index of a frame.

        `counter` is what was read with it, None if reads cannot be trusted; `periods` is the time
        since the frame before, in frame periods; `torn` frames were seen to arrive incomplete.
        """
        if counter is None:
            self.rebase(torn)
        else:
            self._compare(counter, periods)
        index = self._received + self.lost
        self._received += 1
        return index

    def _compare(self, counter: int, periods: float) -> None:
        if self._last is None:
            self._last = counter
            return
        step = (counter - self._last) & 0xFFFF
        self._last = counter
        if step > 0x8000:
            # Backwards: the DAQ was restarted.
            self.rebase()
            self._last = counter
            return
        self._ahead += step - 1
        self._recent.append(self._ahead)
        if step > 1 and self._ahead > 0 and round(periods) >= step:
            self._lose(self._ahead)
        elif len(self._recent) == _WINDOW and min(self._recent) > 0:
            self._lose(min(self._recent))
        elif len(self._recent) == _WINDOW and max(self._recent) < 0:
            # It stood still for a frame and never caught up.
            self._shift(-max(self._recent))

    def _lose(self, frames: int) -> None:
        self.lost += frames
        self._shift(-frames)

    def _shift(self, frames: int) -> None:
        self._ahead += frames
        for at, value in enumerate(self._recent):
            self._recent[at] = value + frames
