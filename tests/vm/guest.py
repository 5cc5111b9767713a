"""Runs inside the virtual machine: the real driver on the real uvcvideo, on a virtual Miniscope.

Prints one line of JSON for each scene, behind the word SCENE.
"""

from __future__ import annotations

import json
import socket
import time
import traceback
from pathlib import Path
from typing import Any

import usb.backend.libusb1

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.miniscope.camera import CameraReader, open_camera
from syntalos_miniscope.miniscope.cameras import list_cameras
from syntalos_miniscope.miniscope.connection import connect
from syntalos_miniscope.miniscope.discovery import devices
from syntalos_miniscope.miniscope.driver import Miniscope
from syntalos_miniscope.miniscope.events import Note
from syntalos_miniscope.scope import Exposure, ScopeSettings
from virtual_miniscope import usbip_wire as wire
from virtual_miniscope.daq import Daq
from virtual_miniscope.usbip_server import UsbIpServer

VHCI = Path("/sys/devices/platform/vhci_hcd.0")
PATIENCE_S = 40


class Machine:
    """The guest's kernel, and the Miniscope that is plugged into it."""

    def __init__(self) -> None:
        self.daq = Daq()
        self.server = UsbIpServer(self.daq, port=0)
        self.links: list[socket.socket] = []

    def plug_in(self) -> None:
        """Do what `usbip attach` does: import the device and give the kernel the socket."""
        link = socket.create_connection(self.server.address)
        link.sendall(wire.OPERATION.pack(wire.VERSION, wire.REQ_IMPORT, 0))
        link.sendall(wire.BUS_ID.ljust(32, b"\0"))
        _, _, status = wire.OPERATION.unpack(wire.receive(link, wire.OPERATION.size))
        assert status == 0, "the server gave nothing"
        speed = wire.DEVICE.unpack(wire.receive(link, wire.DEVICE.size))[4]
        hub = "ss" if speed == wire.SPEED_SUPER else "hs"
        free = [row.split() for row in (VHCI / "status").read_text().splitlines()]
        port = next(row[1] for row in free if row[0] == hub and row[2] == "004")
        (VHCI / "attach").write_text(f"{int(port)} {link.fileno()} 65538 {speed}")
        # The kernel holds the connection now; ours must stay open only until it does.
        self.links.append(link)
        wait_until(has_camera)


def has_camera() -> bool:
    # There is no udev here, which would tell libusb of devices that come.
    usb.backend.libusb1._lib_object = None  # pyright: ignore[reportPrivateUsage]
    return any(scope.video_node for scope in devices())


def wait_until(what: Any, seconds: float = PATIENCE_S) -> bool:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def read(scope: Miniscope, count: int, seconds: float = PATIENCE_S) -> list[Exposure]:
    found: list[Exposure] = []
    deadline = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < deadline:
        exposure = scope.read(0.5)
        if exposure is not None:
            found.append(exposure)
    return found


def start(scope: Miniscope) -> None:
    clock = RunClock()
    # Slow, as the machine is.
    scope.apply(ScopeSettings(led_percent=50, frame_rate_hz=5, ewl=20, gain="low"))
    clock.start()
    scope.start(clock)


def notes(scope: Miniscope) -> list[str]:
    return [event.text for event in scope.take_events() if isinstance(event, Note)]


def discovery(machine: Machine) -> dict[str, Any]:
    """What the driver finds once the kernel has a Miniscope."""
    machine.plug_in()
    (scope,) = devices()
    cameras = [camera for camera in list_cameras() if camera.node == scope.video_node]
    return {
        "port": scope.port,
        "node": scope.video_node,
        "product": scope.product,
        "speed": scope.speed,
        "firmware": scope.firmware,
        "problem": scope.problem,
        "modes": [[mode.fourcc, mode.width, mode.height] for mode in cameras[0].modes],
    }


def v4l2(machine: Machine) -> dict[str, Any]:
    """Set-up, controls, frames and the frozen read-back through uvcvideo and OpenCV."""
    scope = Miniscope(connect("auto", "v4l2"))
    packets = [packet.hex() for packet in machine.daq.packets]
    start(scope)
    exposures = read(scope, 16)
    last = exposures[-1].frame.mat
    result = {
        "packets": packets,
        "led": machine.daq.scope.led_registers,
        "focus": machine.daq.scope.focus_steps,
        "period_ms": machine.daq.scope.frame_period_ns / 1e6,
        "frames": len(exposures),
        "ramp": last.ravel()[:256].tolist(),
        "times_us": [exposure.frame.time_us for exposure in exposures],
        "orientations": sum(exposure.quaternion is not None for exposure in exposures),
        "notes": notes(scope),
    }
    machine.daq.unplug(3.0)
    away = read(scope, 1, 6.0)
    result["lit_after_replug"] = machine.daq.led_lit if machine.daq.present else None
    machine.plug_in()
    back = read(scope, 12)
    result |= {
        "frames_while_away": len(away),
        "frames_after": len(back),
        "led_after": machine.daq.scope.led_registers,
        "focus_after": machine.daq.scope.focus_steps,
        "notes_after": notes(scope),
        "reconnects": scope.counters["reconnects"],
    }
    scope.close()
    return result | {"led_closed": machine.daq.scope.led_registers}


def camera(machine: Machine) -> dict[str, Any]:
    """The scope as any camera would be read."""
    found = list_cameras()[0]
    capture = open_camera(found.identity, width=608, height=608, rate_hz=0, fourcc="YUYV")
    reader = CameraReader(capture, colour=True)
    clock = RunClock()
    clock.start()
    reader.start(clock)
    deadline = time.monotonic() + PATIENCE_S
    shapes: list[tuple[int, ...]] = []
    while len(shapes) < 3 and time.monotonic() < deadline:
        frame = reader.read(0.5)
        if frame is not None:
            shapes.append(frame.mat.shape)
    reader.close()
    return {
        "shapes": shapes,
        "rate_hz": reader.frame_rate_hz,
        "ioctl_rates": found.modes[0].rates_hz,
    }


def libusb(machine: Machine) -> dict[str, Any]:
    """The same scope with uvcvideo detached: every read is live."""
    node = devices()[0].video_node
    scope = Miniscope(connect("auto", "libusb"))
    gone = not Path(node).exists()
    start(scope)
    exposures = read(scope, 16)
    result = {
        "uvcvideo_detached": gone,
        "frames": len(exposures),
        "ramp": exposures[-1].frame.mat.ravel()[:256].tolist(),
        "orientations": [e.quaternion[3] for e in exposures if e.quaternion is not None],
        "led": machine.daq.scope.led_registers,
        "dropped": scope.counters["dropped"],
        "notes": notes(scope),
    }
    scope.close()
    returned = wait_until(has_camera, 10)
    return result | {"led_closed": machine.daq.scope.led_registers, "uvcvideo_returned": returned}


def main() -> None:
    machine = Machine()
    for scene in (discovery, v4l2, camera, libusb):
        begun = time.monotonic()
        try:
            result: dict[str, Any] = scene(machine)
        except Exception:  # noqa: BLE001 - told to the test outside
            result = {"error": traceback.format_exc()}
        result["took_s"] = round(time.monotonic() - begun, 1)
        print(f"\nSCENE {scene.__name__} {json.dumps(result)}", flush=True)


if __name__ == "__main__":
    main()
