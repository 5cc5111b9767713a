"""A virtual Miniscope on a USB/IP server, opened without any kernel, as `libusb1` would show it.

It is how a driver in one process, and a second process that cleans up after it, share one virtual
Miniscope.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import usb1 as _usb1

from virtual_miniscope import usbip_wire as wire
from virtual_miniscope.usb_handle import VirtualSetting, VirtualTransfer

# ruff: noqa: N802 - the names are libusb1's

usb1: Any = _usb1
_TIMEOUT_S = 5.0


def plug_in(options: str = "") -> Callable[[], Any]:
    """Give what opens the device of a server, `HOST:PORT`, again and again.

    OSError if it cannot be had; ValueError if `options` are none.
    """
    host, _, port = (options or "127.0.0.1").partition(":")
    if port and not port.isdecimal():
        raise ValueError(f"'{options}' should be a host and a port, such as 127.0.0.1:3240")
    address = (host, int(port or wire.PORT))

    def open_remote() -> tuple[RemoteContext, RemoteHandle]:
        handle = RemoteHandle(address)
        return RemoteContext(handle), handle

    return open_remote


class RemoteHandle:
    """An imported device, as `usb1.USBDeviceHandle`."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Import it."""
        try:
            self._link = socket.create_connection(address, _TIMEOUT_S)
        except OSError as error:
            raise OSError(f"no USB/IP server at {address[0]}:{address[1]}: {error}") from error
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.sendall(wire.OPERATION.pack(wire.VERSION, wire.REQ_IMPORT, 0))
        self._link.sendall(wire.BUS_ID.ljust(32, b"\0"))
        _, _, status = wire.OPERATION.unpack(wire.receive(self._link, wire.OPERATION.size))
        if status:
            self._link.close()
            raise OSError("the USB/IP server has no Miniscope to give: unplugged or in use")
        record = wire.DEVICE.unpack(wire.receive(self._link, wire.DEVICE.size))
        self._speed, self._product_id = record[4], record[6]
        self._number = 0
        self._reads: set[int] = set()
        self._transfers: dict[int, VirtualTransfer] = {}
        self._returned: dict[int, wire.Return] = {}

    def setAutoDetachKernelDriver(self, enable: bool) -> None:
        """Accept it: no kernel driver is bound here."""

    def claimInterface(self, interface: int) -> None:
        """Accept it: the whole device is imported."""

    def releaseInterface(self, interface: int) -> None:
        """Accept it."""

    def controlRead(
        self, request_type: int, request: int, value: int, index: int, length: int, timeout: int = 0
    ) -> bytes:
        """Read on endpoint 0."""
        setup = struct.pack("<BBHHH", request_type, request, value, index, length)
        return self._exchange(wire.Submit(0, wire.DIR_IN, 0, length, setup))

    def controlWrite(
        self, request_type: int, request: int, value: int, index: int, data: bytes, timeout: int = 0
    ) -> int:
        """Write on endpoint 0."""
        setup = struct.pack("<BBHHH", request_type, request, value, index, len(data))
        self._exchange(wire.Submit(0, wire.DIR_OUT, 0, len(data), setup, bytes(data)))
        return len(data)

    def clearHalt(self, endpoint: int) -> None:
        """Clear a stall, which this firmware takes for the end of the stream."""
        self._exchange(wire.Submit(0, wire.DIR_OUT, 0, 0, bytes((2, 1, 0, 0, endpoint, 0, 0, 0))))

    def getTransfer(self, iso_packets: int = 0) -> VirtualTransfer:
        """Give a new transfer."""
        return VirtualTransfer(self)

    def getDevice(self) -> RemoteHandle:
        """Give the device, which is this."""
        return self

    def getProductID(self) -> int:
        """Give the product."""
        return self._product_id

    def getDeviceSpeed(self) -> int:
        """Give the speed."""
        return usb1.SPEED_SUPER if self._speed >= wire.SPEED_SUPER else usb1.SPEED_HIGH

    def iterSettings(self) -> Iterator[VirtualSetting]:
        """Give the interfaces, of which nothing is known here."""
        yield VirtualSetting([])

    def close(self) -> None:
        """Let go."""
        self._link.close()

    def queue(self, transfer: VirtualTransfer) -> None:
        """Take a submitted transfer."""
        seqnum = self._submit(wire.Submit(0, wire.DIR_IN, 3, 16384, bytes(8)))
        self._transfers[seqnum] = transfer

    def unqueue(self, transfer: VirtualTransfer) -> None:
        """Let a transfer end as cancelled."""
        for seqnum, waiting in list(self._transfers.items()):
            if waiting is transfer:
                self._number += 1
                self._send(wire.unlink_message(wire.Unlink(self._number, seqnum), 2))
                del self._transfers[seqnum]
                transfer.complete(usb1.TRANSFER_CANCELLED)

    def happen(self, timeout_s: float) -> None:
        """Wait for one message and everything behind it."""
        while select.select([self._link], [], [], timeout_s)[0]:
            timeout_s = 0
            try:
                done = wire.read_return(self._link, self._reads)
            except OSError:
                self._fail_all()
                return
            transfer = self._transfers.pop(done.seqnum, None)
            if transfer is None:
                self._returned[done.seqnum] = done
            else:
                self._reads.discard(done.seqnum)
                stalled = done.status == wire.EPIPE
                status = usb1.TRANSFER_STALL if stalled else usb1.TRANSFER_COMPLETED
                transfer.complete(status, done.data)

    def _fail_all(self) -> None:
        waiting = list(self._transfers.values())
        self._transfers.clear()
        for transfer in waiting:
            transfer.complete(usb1.TRANSFER_NO_DEVICE)
        if not waiting:
            raise usb1.USBErrorNoDevice

    def _submit(self, request: wire.Submit) -> int:
        self._number += 1
        if request.direction == wire.DIR_IN:
            self._reads.add(self._number)
        self._send(wire.submit_message(request._replace(seqnum=self._number), 2))
        return self._number

    def _send(self, message: bytes) -> None:
        try:
            self._link.sendall(message)
        except OSError as error:
            raise usb1.USBErrorNoDevice from error

    def _exchange(self, request: wire.Submit) -> bytes:
        seqnum = self._submit(request)
        deadline = time.monotonic() + _TIMEOUT_S
        while seqnum not in self._returned:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise usb1.USBErrorTimeout
            self.happen(left_s)
        done = self._returned.pop(seqnum)
        self._reads.discard(seqnum)
        if done.status == wire.EPIPE:
            raise usb1.USBErrorPipe
        return done.data


class RemoteContext:
    """The event loop of one imported device, as `usb1.USBContext`."""

    def __init__(self, handle: RemoteHandle) -> None:
        self._handle = handle

    def handleEventsTimeout(self, tv: float = 0) -> None:
        """Wait for transfers to end, at most `tv` seconds, and call their callbacks."""
        self._handle.happen(tv)

    def close(self) -> None:
        """End the loop."""
