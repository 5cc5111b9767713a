"""Any camera that the kernel shows: which there are, and what they can do.

The numbers of video nodes change from start to start; what names a camera here is the link that
udev makes by its serial number or, without one, by its port.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_DEV = Path("/dev")
_SYS = Path("/sys")

# linux/videodev2.h
_CAPABILITY = struct.Struct("=16s32s32s3I12x")
_FORMAT = struct.Struct("=3I32sI16x")
_SIZE = struct.Struct("=3I6I8x")
_INTERVAL = struct.Struct("=5I6I8x")
_QUERY_CAPABILITY = 0x80685600
_ENUM_FORMAT = 0xC0405602
_ENUM_SIZE = 0xC02C564A
_ENUM_INTERVAL = 0xC034564B
_VIDEO_CAPTURE = 1
_HAS_DEVICE_CAPABILITIES = 0x80000000
_DISCRETE = 1

Ioctl = Callable[[int, int, bytearray], object]


@dataclass(frozen=True, slots=True)
class CameraMode:
    """One picture format of a camera and the rates it has there; none listed means any."""

    fourcc: str
    width: int
    height: int
    rates_hz: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera."""

    identity: str
    """What to call it in a project: survives a restart."""
    name: str
    node: str
    modes: tuple[CameraMode, ...]


def list_cameras(
    dev: Path = _DEV, sys_path: Path = _SYS, ioctl: Ioctl = fcntl.ioctl
) -> list[Camera]:
    """Give the cameras that this user may open, by identity; a Miniscope's DAQ is one too."""
    cameras: list[Camera] = []
    for node in sorted(dev.glob("video*")):
        try:
            handle = os.open(node, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            if _captures(handle, ioctl):
                name_file = sys_path / "class/video4linux" / node.name / "name"
                name = name_file.read_text().strip() if name_file.exists() else node.name
                modes = tuple(_modes(handle, ioctl))
                cameras.append(Camera(_identity(node, dev), name, str(node), modes))
        except OSError:
            continue
        finally:
            os.close(handle)
    return sorted(cameras, key=lambda camera: camera.identity)


def camera_node(device: str, cameras: list[Camera]) -> Path:
    """Give the video node of a camera by its identity, node, or `auto`.

    OSError that lists the cameras if it is none of them, or `auto` if there is not exactly one.
    """
    chosen = [c for c in cameras if device in ("auto", c.identity, c.node)]
    if len(chosen) == 1:
        return Path(chosen[0].node)
    there = ", ".join(camera.identity for camera in cameras) or "none"
    wanted = "the device must be named" if device == "auto" else f"no camera '{device}'"
    raise OSError(f"{wanted}; cameras here: {there}")


def _identity(node: Path, dev: Path) -> str:
    for folder in ("by-id", "by-path"):
        for link in sorted((dev / "v4l" / folder).glob("*")):
            if link.resolve() == node.resolve():
                return f"{folder}/{link.name}"
    return str(node)


def _captures(handle: int, ioctl: Ioctl) -> bool:
    buffer = bytearray(_CAPABILITY.size)
    ioctl(handle, _QUERY_CAPABILITY, buffer)
    *_, whole, own = _CAPABILITY.unpack(buffer)
    return bool((own if whole & _HAS_DEVICE_CAPABILITIES else whole) & 1)


def _modes(handle: int, ioctl: Ioctl) -> Iterator[CameraMode]:
    for pixel in _listed(handle, ioctl, _ENUM_FORMAT, _FORMAT, (_VIDEO_CAPTURE, 0)):
        fourcc = pixel[4]
        for size in _listed(handle, ioctl, _ENUM_SIZE, _SIZE, (fourcc,)):
            if size[2] != _DISCRETE:
                continue
            width, height = size[3], size[4]
            wish = (fourcc, width, height)
            intervals = _listed(handle, ioctl, _ENUM_INTERVAL, _INTERVAL, wish)
            rates = tuple(step[6] / step[5] for step in intervals if step[4] == _DISCRETE)
            yield CameraMode(fourcc.to_bytes(4, "little").decode("latin-1"), width, height, rates)


def _listed(
    handle: int, ioctl: Ioctl, request: int, layout: struct.Struct, wish: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    """Ask for entry 0, 1, 2 … until the driver says that there are no more."""
    for index in range(256):
        buffer = bytearray(layout.size)
        if request == _ENUM_FORMAT:
            struct.pack_into("=2I", buffer, 0, index, wish[0])
        else:
            struct.pack_into(f"={1 + len(wish)}I", buffer, 0, index, *wish)
        try:
            ioctl(handle, request, buffer)
        except OSError:
            return
        yield layout.unpack(buffer)
