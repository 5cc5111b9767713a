"""A Miniscope DAQ box and scope, faked at the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virtual_miniscope.capture import VirtualCapture
from virtual_miniscope.daq import Daq
from virtual_miniscope.faults import parse_fault
from virtual_miniscope.firmware import FIRMWARES
from virtual_miniscope.tissue_by_name import tissue_named
from virtual_miniscope.usb_handle import VirtualContext, VirtualHandle

OPTIONS = "face=usb|capture, firmware=…, tissue=pattern|…, seed=…, kernel=new|old|live, fault=…"


def plug_in(options: str = "") -> Callable[[], Any]:
    """Plug in a virtual Miniscope and give what opens it, again and again.

    `options` is a comma-separated list, such as `face=capture,fault=drop=3@5`; see `OPTIONS`.
    Opening gives a pair of `usb1`-like context and handle, or a `cv2.VideoCapture`-like object;
    OSError while it is unplugged. ValueError for options that are none.
    """
    chosen = {"face": "usb", "firmware": "stock", "tissue": "tissue", "kernel": "new", "seed": ""}
    faults: list[str] = []
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        if name == "fault":
            faults.append(value)
        elif name in chosen:
            chosen[name] = value
        else:
            raise ValueError(f"no option '{option}' of a virtual Miniscope; there are: {OPTIONS}")
    if chosen["firmware"] not in FIRMWARES:
        raise ValueError(f"no firmware '{chosen['firmware']}'; there are {', '.join(FIRMWARES)}")
    if chosen["face"] not in ("usb", "capture"):
        raise ValueError(f"no face '{chosen['face']}'; there are usb, capture")
    if chosen["kernel"] not in ("new", "old", "live"):
        raise ValueError(f"no kernel '{chosen['kernel']}'; there are new, old, live")
    daq = Daq(
        tissue=tissue_named(chosen["tissue"], int(chosen["seed"]) if chosen["seed"] else None),
        firmware=FIRMWARES[chosen["firmware"]],
        faults=[parse_fault(fault) for fault in faults],
    )
    if chosen["face"] == "capture":
        return lambda: VirtualCapture(daq, chosen["kernel"])  # pyright: ignore[reportArgumentType]
    return lambda: usb_pair(daq)


def usb_pair(daq: Daq) -> tuple[VirtualContext, VirtualHandle]:
    """Open a virtual Miniscope as `libusb1` would: its event loop and its handle.

    OSError if it is not plugged in.
    """
    if not daq.present:
        raise OSError("no scope: the virtual Miniscope is unplugged")
    handle = VirtualHandle(daq)
    return VirtualContext(handle), handle
