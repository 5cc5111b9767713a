"""Frames on their way out: YUYV bytes, metadata inside them, and UVC payloads.

Sources: the DAQ firmware's `uvc.c` for the payloads; UclaMiniscopeV4 of bonsai-miniscope for the
chroma metadata; the SjulsonLab fork for the stamp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAYLOAD_BYTES = 16368
"""Data of a full payload, behind its header."""
HEADER_BYTES = 12
_END_OF_HEADER, _END_OF_FRAME, _FRAME_ID = 0x8C, 0x02, 0x01
_CHROMA_NEUTRAL = 0x80


@dataclass(slots=True)
class FrameOut:
    """One frame of the sensor, from its first line to its last."""

    start_ns: int
    end_ns: int
    frame_id: int
    yuyv: bytes | None = None
    """Rendered when the first payload leaves; None for a frame nobody gets."""
    lost: bool = False
    torn: bool = False


@dataclass(frozen=True, slots=True)
class Stamp:
    """What some firmwares write into the pixels."""

    counter: int
    time_ms: int
    inputs: int
    bno: bytes


def yuyv_frame(
    counts: NDArray[np.uint8], *, chroma: Stamp | None = None, ttl_high: bool | None = None
) -> bytes:
    """Give the bytes of a frame: luma at the even ones, nothing or metadata at the odd ones."""
    height, width = counts.shape
    frame = np.empty((height, width, 2), np.uint8)
    frame[..., 0] = counts
    frame[..., 1] = _CHROMA_NEUTRAL
    if ttl_high is not None:
        frame[:3, :3, 0] = 0xFF if ttl_high else 0x00
    if chroma is not None:
        words = (chroma.counter, chroma.time_ms, chroma.inputs)
        raw = b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words) + chroma.bno
        frame.reshape(-1, 2)[: len(raw), 1] = np.frombuffer(raw, np.uint8)
    return frame.tobytes()


def payload_count(frame_bytes: int) -> int:
    """Give how many payloads a frame is cut into; 46 for 608 x 608."""
    return -(-frame_bytes // PAYLOAD_BYTES)


def payload(frame: FrameOut, number: int, count: int) -> bytes:
    """Give one payload: a 12-byte header whose times are always zero, and the data."""
    last = number == count - 1
    flags = _END_OF_HEADER | frame.frame_id | (_END_OF_FRAME if last else 0)
    header = bytes((HEADER_BYTES, flags)) + bytes(10)
    if frame.yuyv is None:
        return header
    return header + frame.yuyv[number * PAYLOAD_BYTES : (number + 1) * PAYLOAD_BYTES]
