"""The DAQ box: control requests in, payloads out, and what happens at each end of frame.

Written from the facts of Miniscope-DAQ-Cypress-firmware (`uvc.c`, `miniscope.c`). It moves on
lazily: whoever touches it first lets everything happen that is due by its clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import RLock

from syntalos_miniscope.scope import Quaternion, ScopeSettings
from virtual_miniscope.clock import Clock, RealClock
from virtual_miniscope.controls import Controls
from virtual_miniscope.faults import FAULTS, Fault
from virtual_miniscope.firmware import FIRMWARES, Firmware
from virtual_miniscope.frames import FrameOut, Stamp, yuyv_frame
from virtual_miniscope.scope_side import ScopeSide
from virtual_miniscope.stream import Stream
from virtual_miniscope.tissue import TestPattern, Tissue

RING = 64
"""Packets that the firmware can keep until the next end of frame; it does not check."""


class UnpluggedError(Exception):
    """The device is not on the bus."""


class RingOverflowError(AssertionError):
    """More packets than the firmware's ring holds were sent within one frame."""


@dataclass
class Daq:
    """One DAQ box with a scope at its cable.

    Everything that a test asserts on can be read here: `scope`, `ttl_log`, `counter`, `packets`.
    """

    tissue: Tissue = field(default_factory=TestPattern)
    clock: Clock = field(default_factory=RealClock)
    firmware: Firmware = FIRMWARES["stock"]
    faults: Sequence[Fault] = ()
    strict_timing: bool = False
    """Whether control writes that follow each other within 100 µs spoil the first."""
    device_number: int = 1
    patient: bool = False
    """Whether the stream waits for a slow host, where the real DAQ would drop the frame."""

    def __post_init__(self) -> None:
        """Plug it in."""
        self.lock = RLock()
        self.stream = Stream(
            self.clock, self._period_ns, self._expose, self._end_of_frame, patient=self.patient
        )
        self.replugged: list[Callable[[], None]] = []
        self._due = deque(sorted(self.faults, key=lambda fault: fault.at_s))
        self._made_ns = self.clock.now_ns()
        self._gone_until_ns: int | None = None
        self._slow_ns = 0
        self.trigger_high = False
        self._power_up()

    def _power_up(self) -> None:
        self.scope = ScopeSide()
        self.controls = Controls(self)
        self.counter = 0
        self.frames = 0
        self.bno = bytes(8)
        self.bno_enabled = False
        self.recording = False
        self.ttl_log: list[tuple[int, bool]] = []
        self.packets: list[bytes] = []
        """Every packet that reached the bus, in order."""
        self._ring: deque[bytes] = deque()
        self.stream.reset()
        self._to_repeat = 0
        self._bno_long_until_ns = 0
        self._quaternion: Quaternion = (1.0, 0.0, 0.0, 0.0)

    # What a person or a test does to the box

    def inject(self, name: str, value: float | None = None) -> None:
        """Let one fault happen now."""
        with self.lock:
            self.advance()
            self._happen(Fault(name, FAULTS[name][0] if value is None else value))

    def unplug(self, seconds: float = float("inf")) -> None:
        """Pull the cable; it goes back in by itself after some seconds."""
        now = self.clock.now_ns()
        self._gone_until_ns = now + round(min(seconds, 1e6) * 1e9)
        self.stream.stop()

    def replug(self) -> None:
        """Put the cable back: a new device number, and every register as after power-up."""
        self._gone_until_ns = None
        self.device_number += 1
        self._power_up()
        for told in self.replugged:
            told()

    @property
    def present(self) -> bool:
        """Whether the device is on the bus now."""
        with self.lock:
            self.advance()
            return self._gone_until_ns is None

    @property
    def led_lit(self) -> bool:
        """Whether light leaves the scope."""
        return self.scope.led_percent > 0

    # What the host does

    def control(
        self, request_type: int, request: int, value: int, index: int, data: bytes | int
    ) -> bytes:
        """Answer one request on endpoint 0; `data` is what is written or how much is read.

        Raises UnpluggedError, or `controls.StallError`.
        """
        with self.lock:
            self._wait_if_slow()
            self.require_present()
            return self.controls.request(request_type, request, value, index, data)

    def require_present(self) -> None:
        """Raise UnpluggedError if the device is not on the bus."""
        if not self.present:
            raise UnpluggedError

    def start_stream(self) -> None:
        """Begin with a whole frame, as SET_CUR(COMMIT) does."""
        with self.lock:
            self.stream.start()

    def stop_stream(self) -> None:
        """End, as CLEAR_FEATURE(ENDPOINT_HALT) and SET_INTERFACE do. The LED stays as it is."""
        with self.lock:
            self.advance()
            self.stream.stop()

    def push(self, packet: bytes) -> None:
        """Keep a packet until the next end of frame."""
        if len(self._ring) >= RING:
            raise RingOverflowError(f"more than {RING} packets within one frame")
        self._ring.append(packet)

    def next_due_ns(self) -> int:
        """Give when something happens next by itself."""
        if (due_ns := self.stream.next_due_ns()) is not None:
            return due_ns
        soon = self.clock.now_ns() + 10_000_000
        return min(soon, self._gone_until_ns) if self._gone_until_ns else soon

    def advance(self) -> None:
        """Let everything happen that is due."""
        with self.lock:
            now = self.clock.now_ns()
            while self._due and self._made_ns + self._due[0].at_s * 1e9 <= now:
                self._happen(self._due.popleft())
            if self._gone_until_ns is not None and self._gone_until_ns <= now:
                self.replug()
            self.stream.advance()

    # What the stream asks of the box

    def _period_ns(self) -> int:
        return self.scope.frame_period_ns

    def _expose(self, frame: FrameOut) -> bytes:
        scope = self.scope
        seen = self.tissue.advance(
            ScopeSettings(
                led_percent=scope.led_percent,
                ewl=scope.focus_steps,
                gain=scope.gain,
                frame_rate_hz=1e9 / scope.frame_period_ns,
            )
        )
        self._quaternion = seen.quaternion
        stamp = None
        if self.firmware.chroma_metadata:
            time_ms = (frame.end_ns - self._made_ns) // 1_000_000
            stamp = Stamp(self.frames + 1, time_ms, int(self.trigger_high), self.bno)
        ttl = self.trigger_high if self.firmware.ttl_stamp else None
        return yuyv_frame(seen.counts, chroma=stamp, ttl_high=ttl)

    def _end_of_frame(self, frame: FrameOut) -> None:
        """Count, flush the packets to the bus, read the orientation, toggle FRAME_OUT."""
        if self._to_repeat:
            self._to_repeat -= 1
        else:
            self.counter = (self.counter + 1) & 0xFFFF
            self.frames += 1
        while self._ring:
            self._execute(self._ring.popleft(), frame.end_ns)
            if not self.stream.running:
                return
        if self.bno_enabled:
            self.bno = self.scope.bno_bytes(self._head(frame.end_ns)) or self.bno
        if self.recording:
            level = not self.ttl_log[-1][1] if self.ttl_log else True
            self.ttl_log.append((frame.end_ns, level))

    def _execute(self, packet: bytes, now_ns: int) -> None:
        self.packets.append(packet)
        if packet[0] != 0xFE:
            self.scope.write(packet, now_ns)
        elif packet[1] == 0x00:
            self.bno_enabled = True
        elif packet[1] == 0x01:
            self.unplug(1.0)

    def _head(self, now_ns: int) -> Quaternion:
        w, x, y, z = self._quaternion
        factor = 1.2 if now_ns < self._bno_long_until_ns else 1.0
        return (w * factor, x * factor, y * factor, z * factor)

    def _wait_if_slow(self) -> None:
        slow, self._slow_ns = self._slow_ns, 0
        if slow:
            self.clock.sleep(slow / 1e9)

    def _happen(self, fault: Fault) -> None:
        """Let a fault happen now."""
        now, value = self.clock.now_ns(), fault.value
        match fault.name:
            case "drop":
                self.stream.to_lose += int(value)
            case "torn":
                self.stream.to_tear += int(value)
            case "duplicate":
                self._to_repeat += int(value)
            case "stall":
                self.stream.stalled = True
            case "unplug":
                self.unplug(value)
            case "freeze":
                self.controls.freeze(value, now)
            case "bno-zero":
                self.scope.bno_lost = True
            case "bno-norm":
                self._bno_long_until_ns = now + round(value * 1e9)
            case "counter":
                self.counter = int(value) & 0xFFFF
            case "latency":
                self._slow_ns = round(value * 1e6)
            case "trigger":
                self.trigger_high = value != 0
            case _:
                self.stream.fall_silent(round(value * 1e9))
