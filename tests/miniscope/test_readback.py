"""What is read beside the pixels, and what of it is believed."""

import math
import struct
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from syntalos_miniscope.miniscope.orientation import decode
from syntalos_miniscope.miniscope.readback import ChromaMetadata, ReadBack
from syntalos_miniscope.miniscope.transport import SystemClock
from syntalos_miniscope.miniscope.v4l2 import V4l2Transport, first_arrival_ns
from virtual_miniscope.frames import Stamp, yuyv_frame

HOUR_NS = 3600 * 10**9


def stamped(counter: int, time_ms: int, inputs: int) -> np.ndarray:
    bno = bytes(range(100, 108))
    raw = yuyv_frame(np.zeros((8, 8), np.uint8), chroma=Stamp(counter, time_ms, inputs, bno))
    return np.frombuffer(raw, np.uint8).reshape(8, 8, 2)


def test_metadata_in_the_pixels_are_counter_time_trigger_and_quaternion():
    chroma = ChromaMetadata()
    assert chroma.read(stamped(0x1_0007, 1000, 0)) is None
    bno = bytes(range(100, 108))
    assert chroma.read(stamped(0x1_0008, 1033, 2)) == ReadBack(8, bno, False, 1_033_000)
    assert chroma.read(stamped(0x1_0009, 1066, 3)) == ReadBack(9, bno, True, 1_066_000)


@pytest.mark.parametrize(
    ("length", "valid"), [(0.94, False), (0.96, True), (1.04, True), (1.06, False)]
)
def test_a_quaternion_is_as_it_came_and_valid_within_a_twentieth_of_length_one(length, valid):
    w, z = round(0.6 * length * 16384), -round(0.8 * length * 16384)
    given = decode(struct.pack("<4h", w, 0, 0, z))
    assert given == ((w / 16384, 0.0, 0.0, z / 16384) if valid else None)
    assert given is None or math.hypot(*given) == pytest.approx(length, abs=1e-4)


@pytest.mark.parametrize(
    ("stamp_ns", "believed"),
    [(5 * HOUR_NS, True), (5 * HOUR_NS + 1_000_000, False), (4 * HOUR_NS, False), (0, False)],
)
def test_a_stamp_is_believed_if_it_is_of_the_last_hour(stamp_ns, believed):
    capture = SimpleNamespace(get=lambda prop: stamp_ns / 1e6)
    assert first_arrival_ns(capture, 5 * HOUR_NS) == (stamp_ns if believed else None)


def test_frames_that_waited_in_the_kernel_since_before_a_start_are_forgotten():
    clock = SystemClock()
    stamps_ns = [clock.now_ns()]
    capture: Any = SimpleNamespace(
        set=lambda prop, value: True,
        read=lambda: (True, np.zeros((8, 8, 2), np.uint8)),
        get=lambda prop: stamps_ns[0] / 1e6 if prop == cv2.CAP_PROP_POS_MSEC else 0.0,
    )
    transport = V4l2Transport(capture, 8, 8, clock)
    stamps_ns[0] -= 1_000_000
    transport.start()
    assert transport.read_frame(1.0) is None
    stamps_ns[0] = clock.now_ns()
    frame = transport.read_frame(1.0)
    assert frame is not None and frame.kernel_stamped
