"""A DAQ through libusb: every read is live, and each payload is stamped when it arrives.

Needs the right to open the device (a udev rule) and takes it from uvcvideo while it is open.
Constants are those of UVC 1.1 and of the DAQ's descriptors.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import usb1 as _usb1

from syntalos_miniscope.miniscope.payloads import FrameAssembler
from syntalos_miniscope.miniscope.transport import HostClock, RawFrame, Register

usb1: Any = _usb1
"""The library makes its names when it is imported, where a type checker cannot see them."""

TRANSFERS = 192
"""Reads that wait in the kernel: four frames, for a host that is busy elsewhere. Four scopes stay
within the 16 MB that Linux allows for all of USB together."""
_TRANSFER_BYTES = 16384
"""Longer than any payload, each of which ends with a short packet: one transfer is one payload."""
_BULK_IN = 0x83
_SET_CUR, _GET_CUR = 0x01, 0x81
_TO_DEVICE, _TO_HOST = 0x21, 0xA1
_PROBE, _COMMIT, _STREAM_INTERFACE = 0x0100, 0x0200, 0x0001
_PROBE_BYTES = 34
_FRAME_INDEX = {
    (608, 608): 1, (2592, 1944): 2, (1296, 972): 3, (752, 480): 4, (1024, 768): 5,
    (800, 800): 6, (1000, 1000): 7, (1500, 1500): 8, (1800, 1800): 9,
}  # fmt: skip
_TIMEOUT_MS = 1000


class UsbTransport:
    """A DAQ through a `usb1` context and handle.

    There is no thread: whoever reads frames lets libusb's events happen.
    """

    name = "libusb"

    def __init__(
        self, context: Any, handle: Any, width: int, height: int, clock: HostClock
    ) -> None:
        """Take the device; OSError with a sentence if that fails."""
        self._context, self._handle, self._clock = context, handle, clock
        device = handle.getDevice()
        if device.getDeviceSpeed() < usb1.SPEED_SUPER:
            handle.close()
            raise OSError(
                "this scope is on a USB 2 port and cannot stream: use a USB 3 port and cable"
            )
        if (width, height) not in _FRAME_INDEX:
            raise OSError(f"the DAQ has no frames of {width} x {height}")
        self._frame_index = _FRAME_INDEX[width, height]
        self._assembler = FrameAssembler(width, height)
        # What waits in the kernel is stamped when it is taken.
        self.stale_frames = TRANSFERS * _TRANSFER_BYTES // (width * height * 2) + 1
        self._arrived: deque[RawFrame] = deque()
        self._lost: str | None = None
        self._closing = False
        self._transfers: list[Any] = []
        handle.setAutoDetachKernelDriver(True)
        try:
            for interface in (0, 1):
                handle.claimInterface(interface)
        except usb1.USBError as error:
            handle.close()
            raise OSError(f"the scope cannot be claimed: {_words(error)}") from error

    def start(self) -> None:
        """Begin the stream anew with a whole frame."""
        try:
            self._handle.clearHalt(_BULK_IN)
            wish = bytes((0, 0, 1, self._frame_index, 0x15, 0x16, 0x05, 0)).ljust(
                _PROBE_BYTES, b"\0"
            )
            self._write(_PROBE, wish)
            offer = self._handle.controlRead(
                _TO_HOST, _GET_CUR, _PROBE, _STREAM_INTERFACE, _PROBE_BYTES, _TIMEOUT_MS
            )
            self._empty()
            self._write(_COMMIT, bytes(offer))
            if not self._transfers:
                self._submit()
        except usb1.USBError as error:
            raise ConnectionError(f"the stream cannot be started: {_words(error)}") from error

    def _write(self, value: int, data: bytes) -> None:
        self._handle.controlWrite(_TO_DEVICE, _SET_CUR, value, _STREAM_INTERFACE, data, _TIMEOUT_MS)

    def _empty(self) -> None:
        """Throw away what arrived of an earlier stream."""
        for _ in range(TRANSFERS):
            before = len(self._arrived), self._assembler.torn
            self._context.handleEventsTimeout(0)
            if before == (len(self._arrived), self._assembler.torn):
                break
        self._arrived.clear()
        self._assembler.reset()
        self._assembler.torn = 0

    def _submit(self) -> None:
        for _ in range(TRANSFERS):
            transfer = self._handle.getTransfer()
            transfer.setBulk(_BULK_IN, _TRANSFER_BYTES, callback=self._on_transfer)
            transfer.submit()
            self._transfers.append(transfer)

    def _on_transfer(self, transfer: Any) -> None:
        now_ns = self._clock.now_ns()
        status = transfer.getStatus()
        if status == usb1.TRANSFER_COMPLETED:
            payload = memoryview(transfer.getBuffer())[: transfer.getActualLength()]
            frame = self._assembler.take(payload, now_ns)
            if frame is not None:
                self._arrived.append(frame)
        elif status != usb1.TRANSFER_CANCELLED:
            stalled = status == usb1.TRANSFER_STALL
            self._lost = "its stream has stalled" if stalled else "it has left the bus"
            return
        if not self._closing:
            with contextlib.suppress(usb1.USBError):
                transfer.submit()

    def read_frame(self, timeout_s: float) -> RawFrame | None:
        """Wait for the next whole frame, letting libusb's events happen."""
        deadline_ns = self._clock.now_ns() + round(timeout_s * 1e9)
        while not self._arrived:
            if self._lost is not None:
                raise ConnectionError(self._lost)
            left_ns = deadline_ns - self._clock.now_ns()
            if left_ns <= 0:
                return None
            try:
                self._context.handleEventsTimeout(left_ns / 1e9)
            except usb1.USBError as error:
                raise ConnectionError(_words(error)) from error
        return self._arrived.popleft()

    def put(self, register: Register, word: int) -> None:
        """Write a control."""
        unit, selector, length = register.value
        data = word.to_bytes(length, "little")
        try:
            self._handle.controlWrite(
                _TO_DEVICE, _SET_CUR, selector << 8, unit << 8, data, _TIMEOUT_MS
            )
        except usb1.USBError as error:
            raise ConnectionError(_words(error)) from error

    def get(self, register: Register) -> bytes | None:
        """Read a control from the device itself; None if it stalls."""
        unit, selector, length = register.value
        try:
            return bytes(
                self._handle.controlRead(
                    _TO_HOST, _GET_CUR, selector << 8, unit << 8, length, _TIMEOUT_MS
                )
            )
        except usb1.USBErrorPipe:
            return None
        except usb1.USBError as error:
            raise ConnectionError(_words(error)) from error

    def close(self) -> None:
        """End the stream and give the device back to uvcvideo."""
        self._closing = True
        for transfer in self._transfers:
            with contextlib.suppress(usb1.USBError):
                transfer.cancel()
        # libusb hands cancelled transfers back by events; their memory must stay until then.
        deadline_ns = self._clock.now_ns() + 1_000_000_000
        with contextlib.suppress(usb1.USBError):
            while any(transfer.isSubmitted() for transfer in self._transfers):
                if self._clock.now_ns() > deadline_ns:
                    break
                self._context.handleEventsTimeout(0.05)
        with contextlib.suppress(usb1.USBError):
            self._handle.clearHalt(_BULK_IN)
            for interface in (1, 0):
                self._handle.releaseInterface(interface)
        self._handle.close()
        self._context.close()


def _words(error: Any) -> str:
    known = {
        usb1.USBErrorNoDevice: "it has left the bus",
        usb1.USBErrorAccess: "there is no permission to open it",
        usb1.USBErrorBusy: "it is in use by another program",
        usb1.USBErrorPipe: "it refused the request",
        usb1.USBErrorTimeout: "it did not answer in time",
        usb1.USBErrorIO: "the connection is disturbed",
    }
    return known.get(type(error), str(error))


def open_handle(port: str) -> tuple[Any, Any]:
    """Open the scope at a port path with libusb; OSError with a sentence if that fails."""
    context = usb1.USBContext()
    context.open()
    for device in context.getDeviceIterator(skip_on_error=True):
        path = ".".join(str(number) for number in device.getPortNumberList())
        if f"{device.getBusNumber()}-{path}" == port:
            try:
                return context, device.open()
            except usb1.USBError as error:
                context.close()
                raise OSError(f"the scope at {port} cannot be opened: {_words(error)}") from error
    context.close()
    raise OSError(f"no Miniscope at {port}")


def watch_plugs(on_change: Callable[[bool], None]) -> Callable[[], None]:
    """Call back when a DAQ comes (True) or goes; gives what ends the watch.

    The callback comes on a thread of its own. OSError where libusb cannot do it.
    """
    context = usb1.USBContext()
    context.open()
    if not context.hasCapability(usb1.CAP_HAS_HOTPLUG):
        context.close()
        raise OSError("libusb has no hot-plug on this system")

    def told(_context: Any, _device: Any, event: int) -> bool:
        on_change(event == usb1.HOTPLUG_EVENT_DEVICE_ARRIVED)
        return False

    context.hotplugRegisterCallback(told, vendor_id=0x04B4)
    ended = Event()

    def run() -> None:
        while not ended.is_set():
            context.handleEventsTimeout(0.2)
        context.close()

    thread = Thread(target=run, name="usb plugs", daemon=True)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    return end
