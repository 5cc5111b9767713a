"""Which scopes are on USB, what is wrong with them and what to do about it.

A DAQ has no serial number, so the path of its port is its identity: it survives plugging into
the same port again and a restart of the computer, which a video node's number does not.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import usb.core
import usb.util

from syntalos_miniscope.miniscope.transport import Wire
from syntalos_miniscope.toml import parse_toml

VENDOR = 0x04B4
SUPER_SPEED, HIGH_SPEED, BOOTLOADER = 0x00F9, 0x00F8, 0x00F3
OPEN_EPHYS_XU = bytes.fromhex("c00539b30055ee4f90582c3efd330bb9")
"""GUID of the extension unit in Open Ephys's firmware, as it stands in a descriptor."""
UDEV_RULE = (
    'SUBSYSTEM=="usb", ATTRS{idVendor}=="04b4", ATTRS{idProduct}=="00f[89]", '
    'MODE="0660", TAG+="uaccess"'
)
_SPEEDS = {1: "low", 2: "full", 3: "high (USB 2)", 4: "super (USB 3)", 5: "super+ (USB 3)"}
_SYS = Path("/sys")


@dataclass(frozen=True, slots=True)
class FoundScope:
    """One DAQ on USB."""

    port: str
    """Bus and port path, such as `2-1.4`."""
    alias: str
    product: str
    speed: str
    firmware: str
    """`UCLA`, `Open Ephys` or `none` (bootloader)."""
    video_node: str
    """Such as `/dev/video0`; empty if the kernel shows none."""
    libusb: bool
    """Whether it can be opened with libusb."""
    problem: str
    """What is wrong and what to do; empty if it can stream in one way at least."""


def devices(find: Callable[..., Any] = usb.core.find, sys_path: Path = _SYS) -> list[FoundScope]:
    """Give the scopes on USB, by port."""
    found = _daqs(find)
    names = {port: alias for alias, port in aliases().items()}
    scopes = [_describe(device, names, sys_path) for device in found]
    return sorted(scopes, key=lambda scope: scope.port)


def _daqs(find: Callable[..., Any]) -> list[Any]:
    """Give the DAQs among the devices of their vendor, who makes chips for many others too."""
    try:
        present: list[Any] = list(find(find_all=True, idVendor=VENDOR) or ())
    except usb.core.NoBackendError as error:
        raise OSError("libusb is missing: install it (Debian: libusb-1.0-0)") from error
    return [
        device for device in present if device.idProduct in (SUPER_SPEED, HIGH_SPEED, BOOTLOADER)
    ]


def firmware_family(extras: Iterable[bytes]) -> str:
    """Give whose firmware a DAQ has by the class descriptors of its control interface.

    Readable without opening the device; there is no version number anywhere.
    """
    return "Open Ephys" if any(OPEN_EPHYS_XU in bytes(extra) for extra in extras) else "UCLA"


def aliases(path: Path | None = None) -> Mapping[str, str]:
    """Give the user's names of ports, from `scopes.toml` in the user's configuration folder.

    The file holds lines such as `left = "2-1.4"`. ValueError names it if it cannot be read.
    """
    path = path or platformdirs.user_config_path("syntalos-miniscope") / "scopes.toml"
    try:
        table = parse_toml(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f'{path}: should hold lines such as left = "2-1.4": {error}') from error
    return {str(alias): str(port) for alias, port in table.items()}


def open_scope(device: str, transport: str) -> Wire:
    """Open the scope at a port, or the only one for `auto`; OSError says what is in the way."""
    present = devices()
    chosen = [scope for scope in present if device in ("auto", scope.port)]
    if not chosen:
        where = "" if device == "auto" else f" at port {device}"
        there = ", ".join(scope.port for scope in present)
        raise OSError(f"no Miniscope{where}" + (f"; there are some at {there}" if there else ""))
    if len(chosen) > 1:
        ports = ", ".join(scope.port for scope in chosen)
        raise OSError(f"several Miniscopes at {ports}: set the device to one of these ports")
    scope = chosen[0]
    if scope.problem:
        raise OSError(scope.problem)
    if transport == "libusb" or (transport == "auto" and scope.libusb):
        from syntalos_miniscope.miniscope.usb import open_handle

        return open_handle(scope.port)
    if not scope.video_node:
        raise OSError(f"the kernel shows no camera for the scope at {scope.port}")
    from syntalos_miniscope.miniscope.v4l2 import open_capture

    return open_capture(Path(scope.video_node))


def hard_reset(device: str) -> None:
    """Reset the USB port of a scope, for one that answers nothing any more."""
    for found in _daqs(usb.core.find):
        if device in ("auto", port_path(found)):
            try:
                found.reset()
            except usb.core.USBError as error:
                raise OSError(
                    f"the scope at {port_path(found)} cannot be reset: {error}"
                ) from error
            return
    raise OSError(f"no Miniscope at {device}")


def port_path(device: Any) -> str:
    """Give the port path of a pyusb device."""
    return f"{device.bus}-{'.'.join(str(port) for port in device.port_numbers or ())}"


def _describe(device: Any, names: Mapping[str, str], sys_path: Path) -> FoundScope:
    port = port_path(device)
    node = video_node(port, sys_path)
    product, refusal = _product(device)
    return FoundScope(
        port=port,
        alias=names.get(port, ""),
        product=product,
        speed=_SPEEDS.get(device.speed, "unknown"),
        firmware="none" if device.idProduct == BOOTLOADER else firmware_family(_extras(device)),
        video_node=node,
        libusb=not refusal,
        problem=_problem(device, node, refusal),
    )


def _problem(device: Any, node: str, refusal: str) -> str:
    if device.idProduct == BOOTLOADER:
        return (
            "The DAQ has started its bootloader only: its firmware is missing. "
            "Write the Miniscope firmware to it again, then plug it in anew."
        )
    if device.idProduct == HIGH_SPEED or device.speed < 4:
        return (
            "This scope is on a USB 2 port and cannot stream: use a USB 3 port and a USB 3 cable."
        )
    if node:
        return ""
    if refusal.startswith("There is no permission"):
        return (
            f"{refusal} Put this line into /etc/udev/rules.d/99-miniscope.rules and plug the "
            f"scope in anew: {UDEV_RULE}"
        )
    return refusal


def _product(device: Any) -> tuple[str, str]:
    """Give the product string, and why the device cannot be opened, if it cannot."""
    try:
        return str(usb.util.get_string(device, device.iProduct) or ""), ""
    except (usb.core.USBError, ValueError, NotImplementedError) as error:
        reasons = {
            errno.EBUSY: "It is in use by another program: end that one.",
            errno.ENODEV: "It has just left the bus.",
        }
        number = getattr(error, "errno", None) or 0
        return "", reasons.get(number, "There is no permission to open it.")
    finally:
        # Asking for a string opens the device, which others may want.
        usb.util.dispose_resources(device)


def _extras(device: Any) -> list[bytes]:
    try:
        interfaces = [interface for config in device for interface in config]
    except usb.core.USBError:
        return []
    return [bytes(interface.extra_descriptors) for interface in interfaces]


def video_node(port: str, sys_path: Path = _SYS) -> str:
    """Give the capture node that the kernel made for a port; empty if there is none.

    A second node beside it carries metadata only, and has a higher index.
    """
    found = sorted(
        (int((node / "index").read_text()), node.name)
        for node in sys_path.glob(f"bus/usb/devices/{port}/{port}:*/video4linux/video*")
        if (node / "index").exists()
    )
    return f"/dev/{found[0][1]}" if found and found[0][0] == 0 else ""
