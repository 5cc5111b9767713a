"""A DAQ, or any camera, as the kernel's uvcvideo and OpenCV show it; works with no set-up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from syntalos_miniscope.miniscope.transport import HostClock, RawFrame, Register

_PROPERTIES = {
    Register.BRIGHTNESS: cv2.CAP_PROP_BRIGHTNESS,
    Register.CONTRAST: cv2.CAP_PROP_CONTRAST,
    Register.GAIN: cv2.CAP_PROP_GAIN,
    Register.HUE: cv2.CAP_PROP_HUE,
    Register.SATURATION: cv2.CAP_PROP_SATURATION,
    Register.SHARPNESS: cv2.CAP_PROP_SHARPNESS,
    Register.GAMMA: cv2.CAP_PROP_GAMMA,
    Register.EXPOSURE: cv2.CAP_PROP_EXPOSURE,
}
_LONGEST_AGE_NS = 3600 * 1_000_000_000
"""A frame may wait in the kernel's buffers as long as nobody reads; no stamp is older than this."""


def open_capture(
    node: Path, *, width: int = 0, height: int = 0, rate_hz: float = 0, fourcc: str = ""
) -> Any:
    """Open a video node with OpenCV, asking for a size, rate and pixel format where given.

    OSError with a sentence if it cannot be opened.
    """
    capture = cv2.VideoCapture(str(node), cv2.CAP_V4L2)
    if not capture.isOpened():
        raise OSError(f"{node} cannot be opened: it is in use by another program, or no camera")
    if fourcc:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc))
    for key, value in (
        (cv2.CAP_PROP_FRAME_WIDTH, width),
        (cv2.CAP_PROP_FRAME_HEIGHT, height),
        (cv2.CAP_PROP_FPS, rate_hz),
    ):
        if value:
            capture.set(key, value)
    return capture


def first_arrival_ns(capture: Any, now_ns: int) -> int | None:
    """Give when the kernel saw the first bytes of the frame just read, on the monotonic clock.

    uvcvideo stamps buffers with the host's own clock, as the DAQ's stamps are all zero; None if
    the stamp is not of that clock.
    """
    stamp_ns = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
    return stamp_ns if now_ns - _LONGEST_AGE_NS < stamp_ns <= now_ns else None


class V4l2Transport:
    """A DAQ through a `cv2.VideoCapture`.

    The kernel may answer reads from a cache, which nothing here can tell: the driver watches
    whether the frame counter moves.
    """

    name = "v4l2"
    stale_frames = 1
    """The kernel stamps what its buffers keep, so that it does not look new."""

    def __init__(self, capture: Any, width: int, height: int, clock: HostClock) -> None:
        self._capture = capture
        self._shape = (height, width, 2)
        self._clock = clock
        self._fresh_from_ns = 0
        # Without it OpenCV gives BGR of limited range, which crushes the ends of the grey scale.
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)

    def start(self) -> None:
        """Forget frames that wait; the stream itself begins with the first read."""
        self._fresh_from_ns = self._clock.now_ns()

    def read_frame(self, timeout_s: float) -> RawFrame | None:
        """Wait for the next frame; the kernel alone decides how long."""
        got, image = self._capture.read()
        now_ns = self._clock.now_ns()
        if not got or image is None:
            raise ConnectionError("the camera gives no frames any more")
        if image.dtype != np.uint8 or image.size != np.prod(self._shape):
            raise ConnectionError(
                f"frames of {image.dtype} {image.shape} are not those of this scope"
            )
        stamp_ns = first_arrival_ns(self._capture, now_ns)
        first_ns = now_ns if stamp_ns is None else stamp_ns
        if first_ns < self._fresh_from_ns:
            return None
        stamped = stamp_ns is not None
        return RawFrame(image.reshape(self._shape), first_ns, now_ns, kernel_stamped=stamped)

    def put(self, register: Register, word: int) -> None:
        """Write a control."""
        if not self._capture.set(_PROPERTIES[register], word):
            raise ConnectionError(f"the camera does not take {register.name.lower()}")

    def get(self, register: Register) -> bytes | None:
        """Read a control, maybe from the kernel's cache."""
        if register is Register.PANTILT:
            # Two reads: the halves may be of different frames.
            halves = [self._get(key, 4) for key in (cv2.CAP_PROP_PAN, cv2.CAP_PROP_TILT)]
            return None if None in halves else b"".join(half for half in halves if half)
        return self._get(_PROPERTIES[register], register.value[2])

    def _get(self, key: int, length: int) -> bytes | None:
        value = int(self._capture.get(key))
        if value == -1 and not self._capture.isOpened():
            return None
        return (value & (1 << 8 * length) - 1).to_bytes(length, "little")

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()
