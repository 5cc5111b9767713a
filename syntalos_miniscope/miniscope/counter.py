"""What the DAQ's frame counter says about lost frames."""

from __future__ import annotations

from collections import deque

_WINDOW = 8
"""Frames over which a difference must persist: the kernel's four buffers and some lateness."""


class FrameCounter:
    """Gives each received frame its index: frames received plus frames known to be lost before.

    The counter has 16 bits and is read by a separate request after its frame, so it may be ahead
    by as many frames as wait in between; what it alone says counts when it lasts for eight frames.
    A hole in time counts at once, as the sensor runs freely: frames that were lost inside the DAQ
    never reach its counter. A step that the time has no room for, forwards or backwards, loses no
    frame: the DAQ was restarted, or the reading is wrong.
    """

    def __init__(self) -> None:
        self.lost = 0
        self.holes = 0
        """Holes in time that the counter knew nothing of, or not all of."""
        self.jumps = 0
        """Steps of the counter that the time had no room for."""
        self._received = 0
        self._last: int | None = None
        self._ahead = 0
        self._recent: deque[int] = deque(maxlen=_WINDOW)

    def rebase(self, lost: int = 0) -> None:
        """Start anew, as after a connection or a trigger; `lost` frames are known to be missing."""
        self.lost += lost
        self._last = None
        self._ahead = 0
        self._recent.clear()

    def take(
        self,
        counter: int | None,
        missing: int = 0,
        hint: int = 0,
        *,
        torn: int = 0,
        room: int = 0x7FFF,
    ) -> int:
        """Give the index of a frame.

        `counter` is what was read with it, None if reads cannot be trusted; `missing` is how many
        frames the time since the one before has room for; `hint` is the same where it may only
        seem so, and counts if the counter agrees; `torn` came incomplete. `room` is the most that
        the counter can have gone on since it was read last.
        """
        step = 0 if counter is None or self._last is None else (counter - self._last) & 0xFFFF
        if counter is None:
            self.holes += missing > torn
            self.rebase(max(torn, missing))
        elif step > room:
            self.jumps += 1
            self.rebase(missing)
        elif self._last is None:
            self.lost += missing
        else:
            self._compare(step, max(missing, step - 1 if step - 1 == hint else 0))
        self._last = counter
        index = self._received + self.lost
        self._received += 1
        return index

    def _compare(self, step: int, missing: int) -> None:
        self.lost += missing
        unexplained = step - 1 - missing
        self.holes += missing > 0 and unexplained < 0
        if not missing or self._ahead + unexplained >= -1:
            # One less may be a reading of an earlier moment, which the next one makes good.
            self._ahead += unexplained
        else:
            self._ahead = 0
        self._recent.append(self._ahead)
        if len(self._recent) < _WINDOW:
            return
        if min(self._recent) > 0:
            self.lost += min(self._recent)
            self._shift(-min(self._recent))
        elif max(self._recent) < 0:
            # It stood still for a frame and never caught up.
            self._shift(-max(self._recent))

    def _shift(self, frames: int) -> None:
        self._ahead += frames
        for at, value in enumerate(self._recent):
            self._recent[at] = value + frames
