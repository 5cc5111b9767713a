"""Endpoint 0 of the DAQ: UVC class requests, their units and selectors, and the packets in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from virtual_miniscope.clock import Clock
from virtual_miniscope.firmware import Firmware

SET_CUR, GET_CUR, GET_MIN, GET_MAX, GET_RES, GET_LEN, GET_INFO, GET_DEF = (
    0x01, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
)  # fmt: skip
TO_DEVICE, TO_HOST = 0x21, 0xA1
"""The only request types that the firmware accepts beside the standard ones."""

CAMERA, PROCESSING, EXTENSION = 1, 2, 3
BRIGHTNESS, CONTRAST, GAIN, HUE, SATURATION, SHARPNESS, GAMMA = 2, 3, 4, 6, 7, 8, 9
EXPOSURE, FOCUS, IRIS, ZOOM, PANTILT = 0x04, 0x06, 0x09, 0x0B, 0x0D
PROBE, COMMIT = 1, 2
_SIGNED = (BRIGHTNESS, HUE)
_LENGTHS = {
    **{(PROCESSING, selector): 2 for selector in (2, 3, 4, 6, 7, 8, 9)},
    (CAMERA, EXPOSURE): 4,
    (CAMERA, FOCUS): 2,
    (CAMERA, IRIS): 2,
    (CAMERA, ZOOM): 2,
    (CAMERA, PANTILT): 8,
}
_XU_LENGTHS = {1: 3, 2: 25, 3: 2}
_SETTLE_NS = 100_000


class StallError(Exception):
    """The device answers a request with a stall."""


class Box(Protocol):
    """What lies behind endpoint 0."""

    clock: Clock
    firmware: Firmware
    strict_timing: bool
    counter: int
    bno: bytes
    trigger_high: bool
    recording: bool

    def push(self, packet: bytes) -> None:
        """Keep a packet until the next end of frame."""
        ...

    def start_stream(self) -> None:
        """Begin with a whole frame."""
        ...


class Controls:
    """What the box does with a request."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._words: dict[int, int] = {}
        self._have_contrast = False
        self._abi_asked = False
        self._last_write: tuple[int, int] | None = None
        self._frozen_until_ns = 0
        self._frozen: dict[tuple[int, int], bytes] = {}
        self.writes: list[tuple[int, int, int]] = []
        """Each SET_CUR to the processing unit: time in ns, selector, value."""
        self.probe = probe_block(1)

    def freeze(self, seconds: float, now_ns: int) -> None:
        """Answer reads with what was answered before; for ever if `seconds` is 0."""
        self._frozen_until_ns = now_ns + round((seconds or 1e6) * 1e9)
        self._frozen.clear()

    def request(
        self, request_type: int, request: int, value: int, index: int, data: bytes | int
    ) -> bytes:
        """Answer one request; empty for a write."""
        if request_type not in (TO_DEVICE, TO_HOST):
            raise StallError
        selector, unit, interface = value >> 8, index >> 8, index & 0xFF
        if interface == 1 and unit == 0:
            return self._stream_request(request, selector, data)
        if unit == EXTENSION and self._box.firmware.chroma_metadata:
            return self._extension_request(request, selector, data)
        length = _LENGTHS.get((unit, selector))
        if interface != 0 or length is None:
            raise StallError
        if request == SET_CUR:
            if not isinstance(data, bytes) or len(data) != length:
                raise StallError
            if unit == PROCESSING:
                self._write(selector, int.from_bytes(data, "little"))
            return b""
        return self._read(request, unit, selector, length)

    # Reads

    def _read(self, request: int, unit: int, selector: int, length: int) -> bytes:
        if request == GET_CUR:
            return self._read_frozen((unit, selector), lambda: self._current(unit, selector))
        signed = unit == PROCESSING and selector in _SIGNED
        answers = {
            GET_MIN: 0x8000 if signed else 0,
            GET_MAX: 0x7FFF if signed else (1 << 8 * length) - 1,
            GET_RES: 1,
            GET_DEF: 0,
        }
        if request == GET_LEN:
            return length.to_bytes(2, "little")
        if request == GET_INFO:
            # The published repair sets the bit for the camera terminal only.
            changes = self._box.firmware.autoupdate and unit == CAMERA
            return bytes((0x0B if changes else 0x03,))
        if request not in answers:
            raise StallError
        return answers[request].to_bytes(length, "little")

    def _read_frozen(self, key: tuple[int, int], read: Callable[[], bytes]) -> bytes:
        if self._box.clock.now_ns() >= self._frozen_until_ns:
            return read()
        return self._frozen.setdefault(key, read())

    def _current(self, unit: int, selector: int) -> bytes:
        box, bno = self._box, self._box.bno
        if unit == CAMERA:
            if selector == EXPOSURE:
                return box.counter.to_bytes(4, "little")
            return bno if selector == PANTILT else bytes(2)
        if selector == HUE and self._abi_asked:
            self._abi_asked = False
            if box.firmware.abi:
                return box.firmware.abi.to_bytes(2, "little")
        halves = {SATURATION: bno[0:2], HUE: bno[2:4], GAIN: bno[4:6], BRIGHTNESS: bno[6:8]}
        if selector == CONTRAST:
            return box.counter.to_bytes(2, "little")
        if selector == GAMMA:
            return int(box.trigger_high).to_bytes(2, "little")
        return halves.get(selector, bytes(2))

    # Writes

    def _write(self, selector: int, value: int) -> None:
        now = self._box.clock.now_ns()
        self.writes.append((now, selector, value))
        if self._box.strict_timing and self._last_write and now - self._last_write[0] < _SETTLE_NS:
            # The firmware handles a request later, from variables that the next one overwrites.
            self._words[self._last_write[1]] = value
        self._last_write = (now, selector)
        if selector == SATURATION:
            self._box.recording = bool(value & 1)
            self._abi_asked = value == 2
        elif selector == CONTRAST:
            self._words = {CONTRAST: value}
        elif selector in (GAMMA, SHARPNESS) and CONTRAST in self._words:
            self._words[selector] = value
            self._complete()

    def _complete(self) -> None:
        if not {CONTRAST, GAMMA, SHARPNESS} <= self._words.keys():
            return
        raw = b"".join(
            self._words[key].to_bytes(2, "little") for key in (CONTRAST, GAMMA, SHARPNESS)
        )
        self._words = {}
        self._box.push(decode_packet(raw))

    def _extension_request(self, request: int, selector: int, data: bytes | int) -> bytes:
        """Answer the Open Ephys firmware's version, I2C and flags selectors."""
        length = _XU_LENGTHS.get(selector)
        if length is None:
            raise StallError
        if request == GET_LEN:
            return length.to_bytes(2, "little")
        if request == GET_INFO:
            return bytes((0x03,))
        if request == SET_CUR and isinstance(data, bytes) and len(data) == length:
            if selector == 2:
                for number in range(min(data[0], 4)):
                    self._box.push(decode_packet(data[1 + 6 * number : 7 + 6 * number]))
            elif selector == 3:
                self._box.recording = bool(data[0] & 1)
            return b""
        if request == GET_CUR and selector == 1:
            return bytes((1, 1, 4))
        raise StallError

    # The stream

    def _stream_request(self, request: int, selector: int, data: bytes | int) -> bytes:
        if selector not in (PROBE, COMMIT):
            raise StallError
        if request == SET_CUR:
            if not isinstance(data, bytes) or len(data) < 26 or data[2] != 1:
                raise StallError
            frame_index = data[3]
            self.probe = probe_block(frame_index)
            if selector == COMMIT:
                if not self._box.firmware.super_speed or frame_index != 1:
                    # Only the 608 x 608 of a V4 has a sensor behind it here.
                    raise StallError
                self._box.start_stream()
            return b""
        if request == GET_LEN:
            return (34).to_bytes(2, "little")
        if request == GET_INFO:
            return bytes((0x03,))
        if request in (GET_CUR, GET_MIN, GET_MAX, GET_DEF):
            return self.probe
        raise StallError


def probe_block(frame_index: int) -> bytes:
    """Give the 34-byte answer to a probe: what the stream will be."""
    return b"".join(
        (
            (0).to_bytes(2, "little"),
            bytes((1, frame_index)),
            (333333).to_bytes(4, "little"),
            bytes(10),
            (0x0099C600).to_bytes(4, "little"),
            (0x4000).to_bytes(4, "little"),
            (0x16E36000).to_bytes(4, "little"),
            bytes(4),
        )
    )


def decode_packet(raw: bytes) -> bytes:
    """Give the I2C write in six bytes: an odd first byte means no counting byte follows."""
    if raw[0] != 0xFE and raw[0] & 1:
        return bytes((raw[0] & 0xFE, *raw[1:6]))
    return bytes((raw[0], *raw[2 : 1 + max(raw[1], 1)]))
