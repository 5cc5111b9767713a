"""Head orientation as the DAQ tells it, and whether it can be believed."""

from __future__ import annotations

import math
import struct

from syntalos_miniscope.scope import QUATERNION_TOLERANCE, Quaternion

_FULL_SCALE = 16384
ZEROS_UNTIL_SETUP = 30
"""Zeros in a row after which the sensor is taken to have forgotten its set-up."""


def decode(raw: bytes) -> Quaternion | None:
    """Give the quaternion (w, x, y, z) of eight bytes, int16 in 1/16384; None if it is not valid.

    It is given as it is, not made to have length 1.
    """
    w, x, y, z = struct.unpack("<4h", raw)
    quaternion = (w / _FULL_SCALE, x / _FULL_SCALE, y / _FULL_SCALE, z / _FULL_SCALE)
    if abs(math.hypot(*quaternion) - 1) >= QUATERNION_TOLERANCE:
        return None
    return quaternion


class Liveness:
    """Tells reads that move from reads that a kernel gives from its cache.

    uvcvideo since 6.11 keeps what a control once gave unless the firmware says that it changes by
    itself, which stock firmware does not. The frame counter is what must move.
    """

    STALE_FRAMES = 3
    FROZEN_NS = 1_000_000_000

    def __init__(self) -> None:
        self.frozen = False
        self._counter: int | None = None
        self._moved_ns: int | None = None
        self._since_move = 0
        self._ever_moved = False

    def take(self, counter: int | None, now_ns: int) -> bool:
        """Take what was read with a frame; whether reads are live now."""
        if counter is None or counter != self._counter:
            self._ever_moved = self._ever_moved or (
                self._counter is not None and counter is not None
            )
            self._counter, self._moved_ns, self._since_move = counter, now_ns, 0
            self.frozen = False
        else:
            self._since_move += 1
            long = now_ns - (self._moved_ns or now_ns) >= self.FROZEN_NS
            self.frozen = long and self._since_move >= self.STALE_FRAMES
        return self._ever_moved and counter is not None and self._since_move < self.STALE_FRAMES
