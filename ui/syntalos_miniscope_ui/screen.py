"""Whether there is a screen; asked before Qt is, which would end the program without one."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path


def missing_screen() -> str | None:
    """Say in a line why no window can be opened; None if one can.

    A platform other than X and Wayland that somebody chose by `QT_QPA_PLATFORM` is taken as it is.
    """
    if sys.platform != "linux":
        return None
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    platforms = [name.partition(":")[0] for name in chosen.split(";") if name]
    if not platforms:
        known = {"WAYLAND_DISPLAY": "wayland", "DISPLAY": "xcb"}
        platforms = [name for variable, name in known.items() if os.environ.get(variable)]
    if not platforms:
        return "there is no display to open a window on"
    reasons = [_reason(name) for name in platforms]
    return None if None in reasons else "; ".join(filter(None, reasons))


def _reason(platform: str) -> str | None:
    if platform == "xcb":
        return _x_reason()
    return _wayland_reason() if platform.startswith("wayland") else None


def _x_reason() -> str | None:
    where = f"DISPLAY={os.environ.get('DISPLAY', '')}"
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
        # Qt's plugin cannot be loaded without this one, which many systems lack.
        ctypes.CDLL("libxcb-cursor.so.0")
    except OSError as error:
        library = str(error).partition(":")[0]
        return f"{where}: {library} is missing, which windows need (Debian: libxcb-cursor0)"
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return f"{where}: no X server lets us in there" if failed else None


def _wayland_reason() -> str | None:
    if os.environ.get("WAYLAND_SOCKET"):
        return None
    name = os.environ.get("WAYLAND_DISPLAY", "wayland-0")
    place = Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere"), name)
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(place))
    except OSError:
        return f"WAYLAND_DISPLAY={name}: no compositor answers at {place}"
    return None
