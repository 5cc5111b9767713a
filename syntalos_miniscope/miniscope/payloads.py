"""Puts UVC payloads together into frames."""

from __future__ import annotations

import numpy as np

from syntalos_miniscope.miniscope.transport import RawFrame

_FRAME_ID, _END_OF_FRAME, _ERROR = 0x01, 0x02, 0x40


class FrameAssembler:
    """Takes the payloads of one stream and gives its whole frames.

    A payload is a header (its length, then flags) and data (UVC 1.1, §2.4.3.3). A frame ends with
    the end-of-frame flag, or where the frame-id flag changes; one with a wrong number of bytes or
    an error flag is thrown away and counted as torn.
    """

    def __init__(self, width: int, height: int) -> None:
        self._shape = (height, width, 2)
        self._size = width * height * 2
        self._buffer = bytearray(self._size)
        self.torn = 0
        self.reset()

    def reset(self) -> None:
        """Forget the frame that is under way."""
        self._filled = 0
        self._first_ns = 0
        self._frame_id = -1
        self._spoilt = False

    def take(self, payload: bytes | bytearray | memoryview, now_ns: int) -> RawFrame | None:
        """Take one payload that arrived at `now_ns`; gives the frame that it completes."""
        if len(payload) < 2 or payload[0] < 2 or payload[0] > len(payload):
            self._spoilt = True
            return None
        header, flags = payload[0], payload[1]
        if self._filled and flags & _FRAME_ID != self._frame_id:
            self._drop()
        if not self._filled:
            self._first_ns, self._frame_id = now_ns, flags & _FRAME_ID
        end = self._filled + len(payload) - header
        if flags & _ERROR or end > self._size:
            self._spoilt = True
        else:
            self._buffer[self._filled : end] = memoryview(payload)[header:]
        self._filled = max(end, 1)
        if not flags & _END_OF_FRAME:
            return None
        if self._spoilt or end != self._size:
            self._drop()
            return None
        return self._complete(now_ns)

    def _complete(self, now_ns: int) -> RawFrame:
        whole, first_ns, torn = self._buffer, self._first_ns, self.torn
        # To whoever was busy elsewhere libusb hands the payloads of several frames at once.
        self._buffer = bytearray(self._size)
        self.torn = 0
        self.reset()
        return RawFrame(np.frombuffer(whole, np.uint8).reshape(self._shape), first_ns, now_ns, torn)

    def _drop(self) -> None:
        self.torn += 1
        self.reset()
