"""I2C packets, and the three 16-bit words in which a DAQ takes them.

The DAQ (Miniscope-DAQ-Cypress-firmware, `miniscope.c` and `uvc.c`) has no channel for commands of
its own. A packet travels as the values of three UVC controls, written in this order: contrast,
gamma, sharpness. It is complete when all three have come since the last contrast.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_BYTES = 6
"""A packet is the 8-bit write address, a register and up to four data bytes."""


class Words(NamedTuple):
    """One packet as control values, each 0..65535, in the order in which they are written."""

    contrast: int
    gamma: int
    sharpness: int


def pack(packet: bytes) -> Words:
    """Give the control values of a packet `[address, register, data...]`.

    Up to five bytes travel behind a byte that counts them, the address included; six fill the
    words, which the lowest bit of the address says. ValueError for other lengths and for an odd
    address, whose lowest bit is taken.
    """
    if not 1 <= len(packet) <= MAX_BYTES:
        raise ValueError(f"a packet has 1 to {MAX_BYTES} bytes, not {len(packet)}")
    if packet[0] & 1:
        raise ValueError(f"0x{packet[0]:02X} is no 8-bit write address: those are even")
    if len(packet) < MAX_BYTES:
        raw = bytes((packet[0], len(packet), *packet[1:])).ljust(MAX_BYTES, b"\0")
    else:
        raw = bytes((packet[0] | 1, *packet[1:]))
    return Words(*(raw[at] | raw[at + 1] << 8 for at in (0, 2, 4)))


def unpack(words: Words) -> bytes:
    """Give the packet of three control values: the inverse of `pack`.

    ValueError if the counting byte is impossible.
    """
    raw = b"".join(word.to_bytes(2, "little") for word in words)
    if raw[0] & 1:
        return bytes((raw[0] & 0xFE, *raw[1:]))
    if not 1 <= raw[1] < MAX_BYTES:
        raise ValueError(f"a packet cannot have {raw[1]} bytes")
    return bytes((raw[0], *raw[2 : 1 + raw[1]]))


def serdes_mode(pixel_clock_mhz: float) -> tuple[bytes, bytes]:
    """Give the two packets that set both ends of the coaxial link, sent before anything else.

    12-bit low-frequency mode up to a pixel clock of 50 MHz, high-frequency mode above it.
    """
    low = pixel_clock_mhz <= 50
    return bytes((0xC0, 0x1F, 0x10 if low else 0x11)), bytes((0xB0, 0x05, 0x20 if low else 0x21))


BNO_CONFIG = bytes.fromhex("50 3D 00")
"""Puts the orientation sensor into the only mode in which its axes can be remapped."""
BNO_FUSION = bytes.fromhex("50 3D 0C")
"""Puts it back into NDOF, where it gives quaternions."""
DAQ_READ_BNO = bytes.fromhex("FE 00")
"""Makes the DAQ itself read the orientation sensor at each end of frame, until it is reset."""
