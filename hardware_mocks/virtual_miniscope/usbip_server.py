"""Face (c): the virtual Miniscope as a USB/IP server, which the Linux kernel can attach.

After `usbip attach` the kernel's own uvcvideo shows a camera, and every program sees a Miniscope.
One host at a time. What USB asks of every device is answered here; the rest is the DAQ's.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Event, Thread

from virtual_miniscope import usbip_wire as wire
from virtual_miniscope.controls import StallError
from virtual_miniscope.daq import Daq, RingOverflowError, UnpluggedError
from virtual_miniscope.descriptors import (
    bos_descriptor,
    configuration_descriptor,
    device_descriptor,
    string_descriptor,
)
from virtual_miniscope.stream import SLACK_PAYLOADS

_BULK_IN = 3
_LONGEST_WAIT_S = 0.02


class UsbIpServer:
    """Serves one virtual Miniscope; port 0 takes a free one.

    `say` is told in a sentence what happens.
    """

    def __init__(
        self,
        daq: Daq,
        host: str = "127.0.0.1",
        port: int = wire.PORT,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.daq = daq
        self._say = say
        self._ended = Event()
        self._attached: Attached | None = None
        self._socket = socket.create_server((host, port))
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        # A host may be slow, a virtual machine above all; the wire must wait, not lose.
        daq.stream.patient = True
        self._thread = Thread(target=self._serve, name="usbip", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Pull the cable and end."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if self._attached:
            self._attached.end()
        self._thread.join()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            Thread(target=self._greet, args=(link,), daemon=True).start()

    def _greet(self, link: socket.socket) -> None:
        """Answer who asks what there is, or wants it."""
        with link, contextlib.suppress(OSError):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, code, _ = wire.OPERATION.unpack(wire.receive(link, wire.OPERATION.size))
            firmware = self.daq.firmware
            speed = wire.SPEED_SUPER if firmware.super_speed else wire.SPEED_HIGH
            record = wire.device_record(speed, device_descriptor(firmware), 2)
            if code == wire.REQ_DEVLIST:
                there = self.daq.present
                link.sendall(wire.OPERATION.pack(wire.VERSION, wire.REP_DEVLIST, 0))
                link.sendall(struct.pack(">I", int(there)))
                if there:
                    link.sendall(record + bytes((0x0E, 1, 0, 0, 0x0E, 2, 0, 0)))
            elif code == wire.REQ_IMPORT:
                wire.receive(link, 32)
                attached = self._attach(link)
                reply = wire.OPERATION.pack(wire.VERSION, wire.REP_IMPORT, 0 if attached else 1)
                if attached is None:
                    link.sendall(reply)
                    return
                self._say("A host has attached the Miniscope.")
                attached.run(reply + record)
                self._say("The host has let go of the Miniscope.")

    def _attach(self, link: socket.socket) -> Attached | None:
        """Give the device to who asks, before they are told; None if somebody has it."""
        with self.daq.lock:
            if not self.daq.present or (self._attached is not None and not self._attached.over):
                return None
            self._attached = Attached(self.daq, link)
            return self._attached


class Attached:
    """One host that holds the device."""

    def __init__(self, daq: Daq, link: socket.socket) -> None:
        self._daq, self._link = daq, link
        self._device_number = daq.device_number
        self._queued: OrderedDict[int, wire.Submit] = OrderedDict()
        self._idle: dict[int, wire.Submit] = {}
        """Reads of the interrupt endpoint, on which nothing ever comes."""
        self._buffered: deque[bytes] = deque()
        self.over = False
        daq.stream.host = self

    def run(self, greeting: bytes) -> None:
        """Say that the host has it, and answer until the host or the device goes."""
        pump = Thread(target=self._pump, name="usbip stream", daemon=True)
        pump.start()
        try:
            self._link.sendall(greeting)
            while True:
                request = wire.read_request(self._link)
                if isinstance(request, wire.Unlink):
                    self._unlink(request)
                elif request.endpoint == 0:
                    self._control(request)
                else:
                    self._queue(request)
        except OSError:
            pass
        finally:
            self.end()
            pump.join()

    def end(self) -> None:
        """Pull the cable."""
        with self._daq.lock:
            if self.over:
                return
            self.over = True
            if self._daq.stream.host is self:
                self._daq.stop_stream()
                self._daq.stream.host = None
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)

    def take(self, data: bytes, due_ns: int) -> bool:
        """Answer the next waiting read of the bulk endpoint; called by the DAQ, under its lock."""
        if self._queued:
            # Answered at once: an unlink that comes between taking and answering would confuse
            # the kernel so much that it drops the device.
            _, request = self._queued.popitem(last=False)
            self._answer(request, 0, data[: request.length])
        elif len(self._buffered) < SLACK_PAYLOADS:
            self._buffered.append(data)
        else:
            return False
        return True

    def _pump(self) -> None:
        clock = self._daq.clock
        while not self.over:
            if not self._daq.present or self._daq.device_number != self._device_number:
                self.end()
                return
            wait_s = (self._daq.next_due_ns() - clock.now_ns()) / 1e9
            clock.sleep(min(max(wait_s, 0.001), _LONGEST_WAIT_S))

    def _queue(self, request: wire.Submit) -> None:
        with self._daq.lock:
            if request.endpoint != _BULK_IN:
                self._idle[request.seqnum] = request
            elif self._daq.stream.stalled:
                self._answer(request, wire.EPIPE)
            elif self._buffered:
                self._answer(request, 0, self._buffered.popleft()[: request.length])
            else:
                self._queued[request.seqnum] = request

    def _unlink(self, request: wire.Unlink) -> None:
        with self._daq.lock:
            waiting = self._queued.pop(request.victim, None) or self._idle.pop(request.victim, None)
            status = wire.ECONNRESET if waiting else 0
            self._send(wire.unlinked_message(request.seqnum, status))

    def _control(self, request: wire.Submit) -> None:
        kind, code, value, index, length = struct.unpack("<BBHHH", request.setup)
        try:
            if kind & 0x60:
                data = length if request.direction == wire.DIR_IN else request.data
                reply = self._daq.control(kind, code, value, index, data)
            else:
                reply = self._standard(kind, code, value, index)
        except StallError:
            self._answer(request, wire.EPIPE)
        except (UnpluggedError, RingOverflowError):
            # The firmware does not check its ring: a box whose memory was overwritten is gone.
            self.end()
        else:
            self._answer(request, 0, reply[:length])

    def _standard(self, kind: int, code: int, value: int, index: int) -> bytes:
        """Answer chapter 9 of USB; everything that sets something is simply accepted."""
        firmware = self._daq.firmware
        if code == 0x06:
            table = {
                1: device_descriptor(firmware),
                2: configuration_descriptor(firmware),
                3: string_descriptor(firmware, value & 0xFF),
                0x0F: bos_descriptor() if firmware.super_speed else None,
            }
            found = table.get(value >> 8)
            if found is None:
                raise StallError
            return found
        clears_halt = kind == 0x02 and code == 0x01 and index == 0x83
        sets_interface = kind == 0x01 and code == 0x0B and index == 1
        if clears_halt or sets_interface:
            self._daq.stop_stream()
            self._buffered.clear()
        return {0x00: b"\0\0", 0x08: b"\1", 0x0A: b"\0"}.get(code, b"") if kind & 0x80 else b""

    def _answer(self, request: wire.Submit, status: int, data: bytes = b"") -> None:
        data = data if request.direction == wire.DIR_IN else b""
        self._send(wire.return_message(request, status, data))

    def _send(self, message: bytes) -> None:
        with self._daq.lock, contextlib.suppress(OSError):
            self._link.sendall(message)
