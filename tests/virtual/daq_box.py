"""A DAQ box on a stepped clock, and what a host does to it."""

from typing import Any

from virtual_miniscope.clock import VirtualClock
from virtual_miniscope.daq import Daq

CONTRAST, GAMMA, SHARPNESS, HUE, SATURATION = 3, 9, 8, 6, 7
SERDES = ("C0031F100000", "B00305200000")
ALIASES = ("C10820EEA050", "C11020EE5850")


class Kept:
    """A host that keeps every payload."""

    def __init__(self):
        self.payloads = []

    def take(self, data, due_ns):
        self.payloads.append(data)
        return True

    def frames(self):
        found, parts = [], []
        for data in self.payloads:
            parts.append(data[12:])
            if data[1] & 2:
                found.append(b"".join(parts))
                parts = []
        return found


def box(**kwargs) -> Any:
    daq = Daq(clock=VirtualClock(), **kwargs)
    daq.stream.host = Kept()
    daq.start_stream()
    return daq


def put(daq: Daq, selector: int, word: int) -> None:
    daq.control(0x21, 0x01, selector << 8, 0x0200, word.to_bytes(2, "little"))


def get(daq: Daq, selector: int, request: int = 0x81, unit: int = 2, length: int = 2) -> int:
    return int.from_bytes(daq.control(0xA1, request, selector << 8, unit << 8, length), "little")


def send(daq: Daq, *raw: str) -> None:
    """Send packets as the six bytes of the tables."""
    for packet in map(bytes.fromhex, raw):
        for selector, at in ((CONTRAST, 0), (GAMMA, 2), (SHARPNESS, 4)):
            put(daq, selector, packet[at] | packet[at + 1] << 8)
            daq.clock.sleep(0.0002)


def frames(daq: Daq, count: int = 1) -> None:
    """Let whole frames go by."""
    for _ in range(count):
        before = daq.frames
        while daq.frames == before:
            daq.clock.sleep(0.001)
            daq.advance()


def linked(**kwargs) -> Any:
    daq = box(**kwargs)
    send(daq, *SERDES)
    frames(daq)
    send(daq, *ALIASES)
    frames(daq)
    return daq
