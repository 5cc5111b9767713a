"""Face (b): the virtual Miniscope as a context and a handle of `libusb1` (`usb1`).

Transfers are queued as in the kernel: what was submitted before an event loop runs is filled when
its payload is due, and what nobody queued a transfer for overruns the DAQ's own buffers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import usb1 as _usb1

from virtual_miniscope.controls import StallError
from virtual_miniscope.daq import Daq, UnpluggedError
from virtual_miniscope.descriptors import control_extras, stream_extras
from virtual_miniscope.firmware import CYPRESS_VID
from virtual_miniscope.stream import SLACK_PAYLOADS

usb1: Any = _usb1
"""The library makes its names when it is imported, where a type checker cannot see them."""

# ruff: noqa: N802 - the names are libusb1's


class Queue(Protocol):
    """Where transfers wait."""

    def queue(self, transfer: VirtualTransfer) -> None:
        """Take a submitted transfer."""
        ...

    def unqueue(self, transfer: VirtualTransfer) -> None:
        """Let a transfer end as cancelled."""
        ...


class VirtualTransfer:
    """One transfer, as `usb1.USBTransfer`."""

    def __init__(self, handle: Queue) -> None:
        self._handle = handle
        self._callback: Callable[[VirtualTransfer], Any] | None = None
        self._data = b""
        self._status = usb1.TRANSFER_COMPLETED
        self._submitted = False

    def setBulk(
        self,
        endpoint: int,
        buffer_or_len: int,
        callback: Callable[[VirtualTransfer], Any] | None = None,
        user_data: Any = None,
        timeout: int = 0,
    ) -> None:
        """Say what to read."""
        self._callback = callback
        self._length = buffer_or_len

    def submit(self) -> None:
        """Queue it."""
        self._handle.queue(self)
        self._submitted = True

    def cancel(self) -> None:
        """Take it back; the callback still comes."""
        if not self._submitted:
            raise usb1.USBErrorNotFound
        self._handle.unqueue(self)

    def isSubmitted(self) -> bool:
        """Whether it is queued."""
        return self._submitted

    def getStatus(self) -> int:
        """Give how it ended."""
        return self._status

    def getActualLength(self) -> int:
        """Give how many bytes came."""
        return len(self._data)

    def getBuffer(self) -> bytes:
        """Give the bytes."""
        return self._data

    def close(self) -> None:
        """Forget it."""
        self._callback = None

    def complete(self, status: int, data: bytes = b"") -> None:
        """End it and tell whoever submitted it."""
        self._status, self._data, self._submitted = status, data, False
        if self._callback is not None:
            self._callback(self)


class VirtualHandle:
    """An open device, as `usb1.USBDeviceHandle`."""

    def __init__(self, daq: Daq) -> None:
        """Open it; raises USBErrorNoDevice if it is not plugged in."""
        if not daq.present:
            raise usb1.USBErrorNoDevice
        self.daq = daq
        self._device_number = daq.device_number
        self._queued: deque[VirtualTransfer] = deque()
        self._buffered: deque[bytes] = deque()
        self._done: deque[tuple[VirtualTransfer, int, bytes]] = deque()
        self.claimed: set[int] = set()
        daq.stream.host = self

    # usb1.USBDeviceHandle

    def setAutoDetachKernelDriver(self, enable: bool) -> None:
        """Accept it: no kernel driver is bound here."""

    def claimInterface(self, interface: int) -> None:
        """Claim an interface."""
        self._require_alive()
        self.claimed.add(interface)

    def releaseInterface(self, interface: int) -> None:
        """Give it back."""
        self._require_alive()
        self.claimed.discard(interface)

    def controlRead(
        self, request_type: int, request: int, value: int, index: int, length: int, timeout: int = 0
    ) -> bytes:
        """Read on endpoint 0."""
        return self._control(request_type, request, value, index, length)[:length]

    def controlWrite(
        self, request_type: int, request: int, value: int, index: int, data: bytes, timeout: int = 0
    ) -> int:
        """Write on endpoint 0."""
        self._control(request_type, request, value, index, bytes(data))
        return len(data)

    def clearHalt(self, endpoint: int) -> None:
        """Clear a stall, which this firmware takes for the end of the stream."""
        self._require_alive()
        self.daq.stop_stream()
        self._buffered.clear()

    def resetDevice(self) -> None:
        """Reset the port: the DAQ loses everything."""
        self._require_alive()
        self.daq.replug()
        raise usb1.USBErrorNotFound

    def getTransfer(self, iso_packets: int = 0) -> VirtualTransfer:
        """Give a new transfer."""
        return VirtualTransfer(self)

    def getDevice(self) -> VirtualDevice:
        """Give the device."""
        return VirtualDevice(self.daq)

    def close(self) -> None:
        """Close; the stream ends, the LED stays as it is."""
        self._queued.clear()
        if self.daq.stream.host is self:
            self.daq.stop_stream()
            self.daq.stream.host = None

    # The kernel

    def take(self, data: bytes, due_ns: int) -> bool:
        """Fill the next queued transfer, or the DAQ's few buffers."""
        if self._queued:
            self._done.append((self._queued.popleft(), usb1.TRANSFER_COMPLETED, data))
        elif len(self._buffered) < SLACK_PAYLOADS:
            self._buffered.append(data)
        else:
            self._buffered.clear()
            return False
        return True

    def queue(self, transfer: VirtualTransfer) -> None:
        """Take a submitted transfer."""
        self._require_alive()
        with self.daq.lock:
            if self._buffered:
                data = self._buffered.popleft()
                self._done.append((transfer, usb1.TRANSFER_COMPLETED, data))
            else:
                self._queued.append(transfer)

    def unqueue(self, transfer: VirtualTransfer) -> None:
        """Let a transfer end as cancelled."""
        if transfer in self._queued:
            self._queued.remove(transfer)
            self._done.append((transfer, usb1.TRANSFER_CANCELLED, b""))

    def settle(self) -> list[tuple[VirtualTransfer, int, bytes]]:
        """Give the transfers that have ended by now."""
        with self.daq.lock:
            alive = self._alive()
            if not alive or self.daq.stream.stalled:
                status = usb1.TRANSFER_STALL if alive else usb1.TRANSFER_NO_DEVICE
                self._done.extend((transfer, status, b"") for transfer in self._queued)
                self._queued.clear()
            done = list(self._done)
            self._done.clear()
            return done

    def _control(
        self, request_type: int, request: int, value: int, index: int, data: bytes | int
    ) -> bytes:
        self._require_alive()
        try:
            return self.daq.control(request_type, request, value, index, data)
        except StallError as error:
            raise usb1.USBErrorPipe from error
        except UnpluggedError as error:
            raise usb1.USBErrorNoDevice from error

    def _alive(self) -> bool:
        return self.daq.present and self.daq.device_number == self._device_number

    def _require_alive(self) -> None:
        if not self._alive():
            raise usb1.USBErrorNoDevice


class VirtualContext:
    """The event loop of one handle, as `usb1.USBContext`."""

    def __init__(self, handle: VirtualHandle) -> None:
        self._handle = handle

    def handleEventsTimeout(self, tv: float = 0) -> None:
        """Wait for transfers to end, at most `tv` seconds, and call their callbacks."""
        daq = self._handle.daq
        deadline = daq.clock.now_ns() + round(tv * 1e9)
        while True:
            daq.advance()
            done = self._handle.settle()
            now = daq.clock.now_ns()
            if done or now >= deadline:
                break
            daq.clock.sleep((min(max(daq.next_due_ns(), now), deadline) - now) / 1e9)
        for transfer, status, data in done:
            transfer.complete(status, data)

    def close(self) -> None:
        """End the loop."""


class VirtualSetting:
    """One interface, as `usb1.USBInterfaceSetting`."""

    def __init__(self, extras: list[bytes]) -> None:
        self._extras = extras

    def getExtra(self) -> list[bytes]:
        """Give the class-specific descriptors."""
        return self._extras


class VirtualDevice:
    """The device on its port, as `usb1.USBDevice`."""

    def __init__(self, daq: Daq) -> None:
        self._daq = daq

    def getVendorID(self) -> int:
        """Give the vendor."""
        return CYPRESS_VID

    def getProductID(self) -> int:
        """Give the product, which tells the speed."""
        return self._daq.firmware.pid

    def getDeviceSpeed(self) -> int:
        """Give the negotiated speed."""
        return usb1.SPEED_SUPER if self._daq.firmware.super_speed else usb1.SPEED_HIGH

    def getProduct(self) -> str:
        """Give the product string."""
        return self._daq.firmware.product

    def iterSettings(self) -> Iterator[VirtualSetting]:
        """Give the interfaces."""
        yield VirtualSetting(control_extras(self._daq.firmware))
        yield VirtualSetting(stream_extras(self._daq.firmware))
