"""What a DAQ tells beside its pixels: counter, orientation, trigger, and maybe its own time."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.miniscope.transport import Register, Transport

_CHROMA_BYTES = 40
_MOST_FRAMES, _SHORTEST_FRAME_MS, _LONGEST_FRAME_MS = 1000, 10, 600


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What was read with one frame."""

    counter: int | None
    """Low 16 bits of the frame counter."""
    bno: bytes | None
    trigger: bool = False
    device_us: int | None = None


def read_back(transport: Transport, with_trigger: bool) -> ReadBack:
    """Ask the DAQ, by two requests, three if the trigger is wanted.

    The camera terminal's exposure and pan-tilt are the counter and the whole quaternion; the
    firmware copies the eight bytes at once.
    """
    counter = transport.get(Register.EXPOSURE)
    bno = transport.get(Register.PANTILT)
    trigger = transport.get(Register.GAMMA) if with_trigger else None
    return ReadBack(
        None if counter is None else int.from_bytes(counter, "little") & 0xFFFF,
        bno,
        bool(trigger and any(trigger)),
    )


class ChromaMetadata:
    """Reads the metadata that Open Ephys's firmware writes into the pixels.

    The odd bytes of the first 20 pixels are five words: frame count, time in ms, inputs, and the
    quaternion. What other firmware leaves there is not specified, so it is believed only if count
    and time have gone on plausibly since the frame before.
    """

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None

    def read(self, yuyv: NDArray[np.uint8]) -> ReadBack | None:
        """Read what a frame says; None if it says nothing."""
        raw = yuyv.reshape(-1, 2)[: _CHROMA_BYTES // 2, 1].tobytes()
        counter, time_ms, inputs = struct.unpack("<3I", raw[:12])
        last, self._last = self._last, (counter, time_ms)
        if last is None:
            return None
        frames, elapsed_ms = counter - last[0], time_ms - last[1]
        shortest_ms, longest_ms = frames * _SHORTEST_FRAME_MS, frames * _LONGEST_FRAME_MS
        if not (0 < frames <= _MOST_FRAMES and shortest_ms <= elapsed_ms <= longest_ms):
            return None
        return ReadBack(counter & 0xFFFF, raw[12:20], bool(inputs & 1), time_ms * 1000)
