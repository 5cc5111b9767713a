"""The descriptors of the DAQ, built from the UVC 1.1 specification and the firmware's values."""

from __future__ import annotations

import struct

from virtual_miniscope.firmware import CYPRESS_VID, Firmware

SIZES = (
    (608, 608), (2592, 1944), (1296, 972), (752, 480), (1024, 768),
    (800, 800), (1000, 1000), (1500, 1500), (1800, 1800),
)  # fmt: skip
"""Width and height by frame index, from 1."""
_CS_INTERFACE = 0x24
_YUY2 = bytes.fromhex("5955593200001000800000aa00389b71")
_INTERVAL = 333333


def device_descriptor(firmware: Firmware) -> bytes:
    """Give the 18 bytes of the device: no serial number, version 0."""
    usb, max_packet = (0x0300, 9) if firmware.super_speed else (0x0200, 64)
    return struct.pack(
        "<BBHBBBBHHHBBBB",
        18, 1, usb, 0xEF, 2, 1, max_packet, CYPRESS_VID, firmware.pid, 0, 1, 2, 0, 1,
    )  # fmt: skip


def bos_descriptor() -> bytes:
    """Give the binary object store that a SuperSpeed device must have."""
    usb2 = struct.pack("<BBBI", 7, 0x10, 2, 0x00000002)
    super_speed = struct.pack("<BBBBHBBH", 10, 0x10, 3, 0, 0x000E, 3, 0, 0)
    body = usb2 + super_speed
    return struct.pack("<BBHB", 5, 0x0F, 5 + len(body), 2) + body


def string_descriptor(firmware: Firmware, index: int) -> bytes | None:
    """Give a string, or None for an index that the device does not have."""
    if index == 0:
        return struct.pack("<BBH", 4, 3, 0x0409)
    strings = {1: "Cypress", 2: firmware.product}
    if index not in strings:
        return None
    raw = strings[index].encode("utf-16-le")
    return bytes((2 + len(raw), 3)) + raw


def control_extras(firmware: Firmware) -> list[bytes]:
    """Give the class-specific descriptors of the VideoControl interface."""
    units = [
        # Camera terminal: exposure, focus, iris, zoom, pan and tilt, roll.
        bytes((18, _CS_INTERFACE, 2, 1, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0xA8, 0x2A, 0x00)),
        bytes((13, _CS_INTERFACE, 5, 2, 1, 0, 0, 3, 0x3F, 0x02, 0x00, 0, 0)),
        _extension_unit(firmware),
        bytes((9, _CS_INTERFACE, 3, 4, 0x01, 0x01, 0, 3, 0)),
    ]
    total = 13 + sum(len(unit) for unit in units)
    header = struct.pack("<BBBHHIBB", 13, _CS_INTERFACE, 1, 0x0110, total, 48_000_000, 1, 1)
    return [header, *units]


def _extension_unit(firmware: Firmware) -> bytes:
    controls = 3 if firmware.chroma_metadata else 0
    mask = bytes((0x07, 0, 0)) if firmware.chroma_metadata else bytes(3)
    body = firmware.xu_guid + bytes((controls, 1, 2, 3)) + mask + b"\0"
    return bytes((4 + len(body), _CS_INTERFACE, 6, 3)) + body


def stream_extras(firmware: Firmware) -> list[bytes]:
    """Give the class-specific descriptors of the VideoStreaming interface."""
    sizes = SIZES if firmware.super_speed else ((640, 480),)
    interval = _INTERVAL if firmware.super_speed else 666666
    frames = [_frame(index, *size, interval) for index, size in enumerate(sizes, 1)]
    picture = struct.pack(
        "<BBBBB16sBBBBBB", 27, _CS_INTERFACE, 4, 1, len(sizes), _YUY2, 16, 1, 0, 0, 0, 0
    )
    colour = bytes((6, _CS_INTERFACE, 0x0D, 1, 1, 4))
    body = [picture, *frames, colour]
    total = 14 + sum(len(part) for part in body)
    header = struct.pack(
        "<BBBBHBBBBBBBB", 14, _CS_INTERFACE, 1, 1, total, 0x83, 0, 4, 0, 0, 0, 1, 0
    )
    return [header, *body]


def _frame(index: int, width: int, height: int, interval: int) -> bytes:
    size = width * height * 2
    bits = size * 8 * 10_000_000 // interval
    return struct.pack(
        "<BBBBBHHIIIIBI", 30, _CS_INTERFACE, 5, index, 0, width, height, bits & 0xFFFFFFFF,
        bits & 0xFFFFFFFF, size, interval, 1, interval,
    )  # fmt: skip


def configuration_descriptor(firmware: Firmware) -> bytes:
    """Give the whole configuration: two interfaces under one association, one bulk endpoint."""
    fast = firmware.super_speed
    parts = [
        bytes((8, 0x0B, 0, 2, 0x0E, 3, 0, 0)),
        bytes((9, 4, 0, 0, 1, 0x0E, 1, 0, 0)),
        *control_extras(firmware),
        struct.pack("<BBBBHB", 7, 5, 0x82, 3, 64, 8),
        struct.pack("<BBBBH", 6, 0x30, 0, 0, 64) if fast else b"",
        struct.pack("<BBBH", 5, 0x25, 3, 64),
        bytes((9, 4, 1, 0, 1, 0x0E, 2, 0, 0)),
        *stream_extras(firmware),
        struct.pack("<BBBBHB", 7, 5, 0x83, 2, 1024 if fast else 512, 0),
        struct.pack("<BBBBH", 6, 0x30, 15, 0, 0) if fast else b"",
    ]
    body = b"".join(parts)
    # Bus powered; the current is counted in units of 8 mA on SuperSpeed, 2 mA below.
    power = 100 if fast else 250
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2, 1, 0, 0x80, power) + body
