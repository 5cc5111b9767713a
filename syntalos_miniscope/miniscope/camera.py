"""Reads a camera on a thread of its own into a ring, so that the graph never slows it."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.miniscope.cameras import camera_node, list_cameras
from syntalos_miniscope.miniscope.v4l2 import first_arrival_ns, open_capture
from syntalos_miniscope.scope import Ring
from syntalos_miniscope.streams import Frame

_FAILURES = 5
"""Reads without a frame, each of which OpenCV waits for by itself, after which a camera is gone."""


def open_camera(device: str, *, width: int, height: int, rate_hz: float, fourcc: str) -> Any:
    """Open a camera by its identity; OSError with a sentence if that fails."""
    if fourcc and len(fourcc) != 4:
        raise ValueError(f"pixel_format is four letters such as MJPG, not '{fourcc}'")
    node = camera_node(device, list_cameras())
    return open_capture(node, width=width, height=height, rate_hz=rate_hz, fourcc=fourcc)


class CameraReader:
    """Frames of a `cv2.VideoCapture` with index and run time.

    A webcam has no counter, and may slow down in the dark: where frames are two periods or more
    apart, that is counted in `gaps`, and the index goes on. OSError if no first frame comes.
    """

    def __init__(self, capture: Any, *, colour: bool) -> None:
        self._capture, self._colour = capture, colour
        got, image = capture.read()
        if not got or image is None:
            capture.release()
            raise OSError("the camera gives no frames: is it in use, or its USB port overloaded?")
        self.size: tuple[int, int] = image.shape[:2]
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self.frame_rate_hz = rate if 0 < rate < 10_000 else 30.0
        self.gaps = 0
        self._index = 0
        self._last_us = -1
        self._ring: Ring[Frame] = Ring()
        self._closing = False
        self._thread = Thread(target=self._run, name="camera", daemon=True)

    @property
    def overflowed(self) -> int:
        """Frames for which the ring had no room."""
        return self._ring.overflowed

    def start(self, clock: RunClock) -> None:
        """Begin; frames carry the time of this clock."""
        self._clock = clock
        self._thread.start()

    def read(self, timeout_s: float) -> Frame | None:
        """Give the oldest frame of the ring, waiting; RuntimeError if the camera is gone."""
        return self._ring.take(timeout_s)

    def close(self) -> None:
        """End the thread and let go of the camera."""
        self._closing = True
        if self._thread.is_alive():
            self._thread.join()
        self._capture.release()

    def _run(self) -> None:
        try:
            self._keep_frames()
        except Exception as error:  # noqa: BLE001 - handed on to the reader
            self._ring.fail(error)

    def _keep_frames(self) -> None:
        failures = 0
        while not self._closing:
            got, image = self._capture.read()
            now_ns = time.monotonic_ns()
            if not got or image is None:
                failures += 1
                time.sleep(0.01)
                if failures >= _FAILURES:
                    raise RuntimeError("the camera gives no frames any more")
                continue
            failures = 0
            time_us = self._clock.at_us(first_arrival_ns(self._capture, now_ns) or now_ns)
            if time_us >= 0:
                self._keep(time_us, image)

    def _keep(self, time_us: int, image: NDArray[Any]) -> None:
        periods = round((time_us - self._last_us) * self.frame_rate_hz / 1e6)
        self.gaps += self._last_us >= 0 and periods > 1
        time_us = max(time_us, self._last_us + 1)
        self._last_us = time_us
        index, self._index = self._index, self._index + 1
        self._ring.put(Frame(index, time_us, self._converted(image)))

    def _converted(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        if image.ndim == 3 and not self._colour:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        elif image.ndim == 2 and self._colour:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return np.ascontiguousarray(image, np.uint8)
