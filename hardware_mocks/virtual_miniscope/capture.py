"""Face (a): the virtual Miniscope as a `cv2.VideoCapture` on Linux.

Between the wire and this object lies the kernel's uvcvideo, with its habits: it keeps four
buffers, throws incomplete frames away, clamps values, and may answer reads from a cache.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from virtual_miniscope import controls
from virtual_miniscope.controls import CAMERA, GET_CUR, GET_INFO, PROCESSING, SET_CUR
from virtual_miniscope.daq import Daq, UnpluggedError
from virtual_miniscope.frames import HEADER_BYTES
from virtual_miniscope.tissue import SIZE

Kernel = Literal["new", "old", "live"]
"""Which reads come from a cache: all that the device does not call changing (6.11 and later);
those of the older kernels' own table; none, as with DirectShow."""

BUFFERS = 4
_FRAME_BYTES = SIZE * SIZE * 2
_TIMEOUT_S = 10.0
_END_OF_FRAME = 0x02

_PROPERTIES: dict[int, tuple[int, int, int]] = {
    cv2.CAP_PROP_BRIGHTNESS: (PROCESSING, controls.BRIGHTNESS, 2),
    cv2.CAP_PROP_CONTRAST: (PROCESSING, controls.CONTRAST, 2),
    cv2.CAP_PROP_SATURATION: (PROCESSING, controls.SATURATION, 2),
    cv2.CAP_PROP_HUE: (PROCESSING, controls.HUE, 2),
    cv2.CAP_PROP_GAIN: (PROCESSING, controls.GAIN, 2),
    cv2.CAP_PROP_SHARPNESS: (PROCESSING, controls.SHARPNESS, 2),
    cv2.CAP_PROP_GAMMA: (PROCESSING, controls.GAMMA, 2),
    cv2.CAP_PROP_EXPOSURE: (CAMERA, controls.EXPOSURE, 4),
    cv2.CAP_PROP_PAN: (CAMERA, controls.PANTILT, 8),
    cv2.CAP_PROP_TILT: (CAMERA, controls.PANTILT, 8),
}
_SIGNED = (cv2.CAP_PROP_BRIGHTNESS, cv2.CAP_PROP_HUE)
_OLD_KERNEL_LIVE = (
    (PROCESSING, controls.HUE),
    (CAMERA, controls.EXPOSURE),
    (CAMERA, controls.PANTILT),
)


class _Buffer(NamedTuple):
    first_ns: int
    data: bytes


class VirtualCapture:
    """A capture on the virtual Miniscope, open as long as `cv2` would call it open."""

    def __init__(self, daq: Daq, kernel: Kernel = "new") -> None:
        """Open it, which starts the stream; OSError if it is not plugged in."""
        if not daq.present:
            raise OSError("no video device: the virtual Miniscope is unplugged")
        self._daq = daq
        self._kernel = kernel
        self._device_number = daq.device_number
        self._open = True
        self._convert = True
        self._filled: deque[_Buffer] = deque()
        self._partial: list[bytes] = []
        self._first_ns = 0
        self._grabbed: _Buffer | None = None
        self._cache: dict[tuple[int, int], bytes] = {}
        self._streaming = False

    # cv2.VideoCapture

    def isOpened(self) -> bool:  # noqa: N802 - as in cv2
        """Whether it was opened; stays true when the cable is pulled, as with cv2."""
        return self._open

    def getBackendName(self) -> str:  # noqa: N802 - as in cv2
        """Give the name of the back end."""
        return "V4L2"

    def grab(self) -> bool:
        """Wait for a frame; False when the device is gone, or after ten seconds without one."""
        daq = self._daq
        if not self._alive():
            return False
        if not self._streaming and daq.firmware.super_speed:
            self._streaming = True
            daq.stream.host = self
            daq.start_stream()
        deadline = daq.clock.now_ns() + round(_TIMEOUT_S * 1e9)
        while self._alive() and daq.clock.now_ns() < deadline:
            if self._filled:
                with daq.lock:
                    self._grabbed = self._filled.popleft()
                return True
            daq.clock.sleep((min(daq.next_due_ns(), deadline) - daq.clock.now_ns()) / 1e9)
        return False

    def retrieve(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Give the grabbed frame: raw YUYV (608, 608, 2), or BGR if it is to be converted."""
        if self._grabbed is None:
            return False, None
        yuyv = np.frombuffer(self._grabbed.data, np.uint8).reshape(SIZE, SIZE, 2)
        if not self._convert:
            return True, yuyv
        return True, cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV).astype(np.uint8)

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        """Grab and retrieve."""
        return self.retrieve() if self.grab() else (False, None)

    def set(self, prop: int, value: float) -> bool:
        """Write a control, clamped to its range."""
        if prop == cv2.CAP_PROP_CONVERT_RGB:
            self._convert = bool(value)
            return True
        if prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT):
            return int(value) == SIZE
        if prop not in _PROPERTIES or not self._alive():
            return False
        unit, selector, length = _PROPERTIES[prop]
        low, high = (-0x8000, 0x7FFF) if prop in _SIGNED else (0, 0xFFFF)
        word = min(max(int(value), low), high) & 0xFFFF
        self._cache[unit, selector] = word.to_bytes(length, "little")
        return (
            self._request(0x21, SET_CUR, unit, selector, word.to_bytes(length, "little"))
            is not None
        )

    def get(self, prop: int) -> float:
        """Read a property; -1 when the device is gone or has no such control."""
        fixed = {
            cv2.CAP_PROP_FRAME_WIDTH: SIZE,
            cv2.CAP_PROP_FRAME_HEIGHT: SIZE,
            cv2.CAP_PROP_CONVERT_RGB: self._convert,
        }
        if prop == cv2.CAP_PROP_POS_MSEC:
            return self._grabbed.first_ns / 1e6 if self._grabbed else 0.0
        if prop in fixed:
            return float(fixed[prop])
        if prop not in _PROPERTIES or not self._alive():
            return -1.0
        unit, selector, length = _PROPERTIES[prop]
        raw = self._cached_read(unit, selector, length)
        if raw is None:
            return -1.0
        if selector == controls.PANTILT and unit == CAMERA:
            half = raw[:4] if prop == cv2.CAP_PROP_PAN else raw[4:]
            return float(int.from_bytes(half, "little", signed=True))
        return float(int.from_bytes(raw, "little", signed=prop in _SIGNED))

    def release(self) -> None:
        """Close; the LED stays as it is."""
        if self._open and self._streaming and self._alive():
            self._daq.stop_stream()
            self._daq.stream.host = None
        self._open = False

    # The kernel

    def take(self, data: bytes, due_ns: int) -> bool:
        """Take one payload into a buffer; an incomplete frame is thrown away."""
        if not self._partial:
            self._first_ns = due_ns
        self._partial.append(data[HEADER_BYTES:])
        if data[1] & _END_OF_FRAME:
            whole = b"".join(self._partial)
            self._partial = []
            if len(whole) == _FRAME_BYTES and len(self._filled) < BUFFERS:
                self._filled.append(_Buffer(self._first_ns, whole))
        return True

    def _alive(self) -> bool:
        return self._open and self._daq.present and self._daq.device_number == self._device_number

    def _cached_read(self, unit: int, selector: int, length: int) -> bytes | None:
        if self._is_cached(unit, selector) and (unit, selector) in self._cache:
            return self._cache[unit, selector]
        raw = self._request(0xA1, GET_CUR, unit, selector, length)
        if raw is not None:
            self._cache[unit, selector] = raw
        return raw

    def _is_cached(self, unit: int, selector: int) -> bool:
        if self._kernel == "live":
            return False
        if self._kernel == "old":
            return (unit, selector) not in _OLD_KERNEL_LIVE
        info = self._request(0xA1, GET_INFO, unit, selector, 1)
        return not (info and info[0] & 0x08)

    def _request(
        self, request_type: int, request: int, unit: int, selector: int, data: Any
    ) -> bytes | None:
        try:
            return self._daq.control(request_type, request, selector << 8, unit << 8, data)
        except (UnpluggedError, controls.StallError):
            return None
