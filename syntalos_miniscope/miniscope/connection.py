"""Finds a device by its name and opens it, below every transport."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Literal

from syntalos_miniscope.miniscope.device_types import DeviceType
from syntalos_miniscope.miniscope.transport import Connect, HostClock, Transport, Wire

GROUP = "syntalos_miniscope.devices"
"""Entry points of this group add devices by name. Each is a function that takes what stands
behind a colon in the device's name and gives a `Connect`."""

TransportName = Literal["auto", "v4l2", "libusb"]
_PORT_PATH = re.compile(r"\d+-\d+(\.\d+)*")


def connect(device: str, transport: TransportName = "auto") -> Connect:
    """Give what opens a device, again and again.

    `device` is `auto` (the only scope there is), a port path such as `2-1.4`, an alias of one, or
    the name of an added device, maybe with options, as in `virtual:firmware=patched`. ValueError
    for a name that is none; opening raises OSError with a sentence.
    """
    name, _, options = device.partition(":")
    if device != "auto" and not _PORT_PATH.fullmatch(device):
        from syntalos_miniscope.miniscope.discovery import aliases

        known = aliases()
        if device in known:
            device = known[device]
        else:
            added = {entry.name: entry for entry in entry_points(group=GROUP)}
            if name not in added:
                names = ", ".join(["auto", "a port path such as 2-1.4", *known, *sorted(added)])
                raise ValueError(f"no device '{device}'; there are {names}")
            return added[name].load()(options)

    def open_scope() -> Wire:
        from syntalos_miniscope.miniscope.discovery import open_scope

        return open_scope(device, transport)

    return open_scope


def transport_over(wire: Wire, kind: DeviceType, clock: HostClock) -> Transport:
    """Give the transport for what was opened: a `cv2` capture, or a `usb1` context and handle."""
    if isinstance(wire, tuple):
        from syntalos_miniscope.miniscope.usb import UsbTransport

        context, handle = wire
        return UsbTransport(context, handle, kind.width, kind.height, clock)
    from syntalos_miniscope.miniscope.v4l2 import V4l2Transport

    return V4l2Transport(wire, kind.width, kind.height, clock)
