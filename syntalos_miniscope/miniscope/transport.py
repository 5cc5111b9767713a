"""The way to a DAQ: frames in, control values out and in, whatever lies beneath."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class HostClock(Protocol):
    """What the driver tells the time and waits with."""

    def now_ns(self) -> int:
        """Give the monotonic time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The host's own."""

    def now_ns(self) -> int:
        """Give the monotonic time."""
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Register(Enum):
    """A UVC control of the DAQ as (unit, selector, bytes); what it means is the firmware's own."""

    BRIGHTNESS = (2, 2, 2)
    CONTRAST = (2, 3, 2)
    GAIN = (2, 4, 2)
    HUE = (2, 6, 2)
    SATURATION = (2, 7, 2)
    SHARPNESS = (2, 8, 2)
    GAMMA = (2, 9, 2)
    EXPOSURE = (1, 0x04, 4)
    PANTILT = (1, 0x0D, 8)


@dataclass(frozen=True, slots=True, eq=False)
class RawFrame:
    """One frame as it came: YUYV pairs (height, width, 2).

    `first_ns` is when its first bytes were there, `end_ns` when it was whole, on the host's
    monotonic clock; `kernel_stamped` says that the kernel took the first, not a program that may
    have been late. `torn` counts incomplete frames that were thrown away just before it.
    """

    yuyv: NDArray[np.uint8]
    first_ns: int
    end_ns: int
    torn: int = 0
    kernel_stamped: bool = False


class Transport(Protocol):
    """One open DAQ. Everything raises ConnectionError when it is gone."""

    name: str
    stale_frames: int
    """How many frames from before may still come and look new."""

    def start(self) -> None:
        """Begin the stream, or begin it anew, and forget frames that wait."""
        ...

    def read_frame(self, timeout_s: float) -> RawFrame | None:
        """Wait for the next whole frame; None if none came in time."""
        ...

    def put(self, register: Register, word: int) -> None:
        """Write a control, 0..65535."""
        ...

    def get(self, register: Register) -> bytes | None:
        """Read a control as the device holds it; None if it does not answer."""
        ...

    def close(self) -> None:
        """End the stream and let go of the device; the LED stays as it is."""
        ...


Wire = Any
"""What a device is opened as: a `cv2.VideoCapture`, or a pair of `usb1` context and handle.

It is not typed more closely because both libraries are not.
"""
Connect = Callable[[], Wire]
"""Opens a device, again and again; OSError with a sentence for a person if that fails."""
