"""The messages of USB/IP, version 1.1.1 (Linux kernel documentation, `usb/usbip_protocol`)."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

VERSION = 0x0111
REQ_DEVLIST, REP_DEVLIST, REQ_IMPORT, REP_IMPORT = 0x8005, 0x0005, 0x8003, 0x0003
CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
DIR_OUT, DIR_IN = 0, 1
PORT = 3240

EPIPE, ENOENT, ECONNRESET = -32, -2, -104
SPEED_HIGH, SPEED_SUPER = 3, 5
BUS_ID = b"1-1"

OPERATION = struct.Struct(">HHI")
DEVICE = struct.Struct(">256s32sIIIHHHBBBBBB")
HEADER_BYTES = 48
_SUBMIT = struct.Struct(">5I5I8s")
_RETURN = struct.Struct(">5IiIIII8x")
_UNLINK = struct.Struct(">5Ii24x")


class Submit(NamedTuple):
    """One request to do a transfer; `data` is what is written, `length` how much may be read."""

    seqnum: int
    direction: int
    endpoint: int
    length: int
    setup: bytes
    data: bytes = b""


class Unlink(NamedTuple):
    """One request to take a transfer back."""

    seqnum: int
    victim: int


class Return(NamedTuple):
    """How a transfer ended."""

    seqnum: int
    status: int
    data: bytes


def receive(link: socket.socket, length: int) -> bytes:
    """Read exactly so many bytes; ConnectionError if the other side is gone."""
    parts = bytearray()
    while len(parts) < length:
        part = link.recv(length - len(parts))
        if not part:
            raise ConnectionError("the other side of USB/IP has closed")
        parts += part
    return bytes(parts)


def read_request(link: socket.socket) -> Submit | Unlink:
    """Read what a host asks for."""
    header = receive(link, HEADER_BYTES)
    command, seqnum, _, direction, endpoint, _, length, _, _, _, setup = _SUBMIT.unpack(header)
    if command == CMD_UNLINK:
        return Unlink(seqnum, int.from_bytes(header[20:24], "big"))
    if command != CMD_SUBMIT:
        raise ConnectionError(f"{command} is no USB/IP request")
    data = receive(link, length) if direction == DIR_OUT and length else b""
    return Submit(seqnum, direction, endpoint, length, setup, data)


def submit_message(request: Submit, devid: int) -> bytes:
    """Give the bytes of a request."""
    header = _SUBMIT.pack(
        CMD_SUBMIT, request.seqnum, devid, request.direction, request.endpoint,
        0, request.length, 0, 0xFFFFFFFF, 0, request.setup,
    )  # fmt: skip
    return header + request.data


def unlink_message(request: Unlink, devid: int) -> bytes:
    """Give the bytes of a request to take a transfer back."""
    return _UNLINK.pack(CMD_UNLINK, request.seqnum, devid, 0, 0, request.victim)


def return_message(request: Submit, status: int, data: bytes = b"") -> bytes:
    """Give the bytes of how a transfer ended."""
    length = len(data) if request.direction == DIR_IN else len(request.data)
    header = _RETURN.pack(RET_SUBMIT, request.seqnum, 0, 0, 0, status, length, 0, 0, 0)
    return header + data


def unlinked_message(seqnum: int, status: int) -> bytes:
    """Give the bytes of the answer to an unlink."""
    return _UNLINK.pack(RET_UNLINK, seqnum, 0, 0, 0, status)


def read_return(link: socket.socket, reads: set[int]) -> Return:
    """Read how a transfer ended; `reads` are the sequence numbers whose data comes with it."""
    header = receive(link, HEADER_BYTES)
    command, seqnum = struct.unpack(">II", header[:8])
    status, length = struct.unpack(">iI", header[20:28])
    data = receive(link, length) if command == RET_SUBMIT and seqnum in reads and length else b""
    return Return(seqnum, status, data)


def device_record(speed: int, descriptor: bytes, interfaces: int) -> bytes:
    """Give the record that tells a host which device there is."""
    vendor, product, version = struct.unpack("<HHH", descriptor[8:14])
    return DEVICE.pack(
        b"/sys/devices/virtual/miniscope/1-1", BUS_ID, 1, 2, speed, vendor, product, version,
        *descriptor[4:7], 1, 1, interfaces,
    )  # fmt: skip
