"""The DAQ box: control requests in, payloads out, and what happens at each end of frame.

Written from the facts of Miniscope-DAQ-Cypress-firmware (`uvc.c`, `miniscope.c`). It moves on
lazily: whoever touches it first lets everything happen that is due by its clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Protocol

from syntalos_miniscope.scope import Quaternion, ScopeSettings
from virtual_miniscope.clock import Clock, RealClock
from virtual_miniscope.controls import Controls
from virtual_miniscope.faults import FAULTS, Fault, happen
from virtual_miniscope.firmware import FIRMWARES, Firmware
from virtual_miniscope.frames import FrameOut, Stamp, payload, payload_count, yuyv_frame
from virtual_miniscope.scope_side import ScopeSide
from virtual_miniscope.tissue import SIZE, TestPattern, Tissue

RING = 64
"""Packets that the firmware can keep until the next end of frame; it does not check."""
SLACK_PAYLOADS = 8
"""4 buffers on each of 2 sockets of 16 KiB."""
OVERRUN_LIMIT = 30
"""Stream restarts in a row after which the firmware gives up."""
READOUT_NS = 22_300_000
"""608 x 608 pixels at 16.6 MHz."""


class UnpluggedError(Exception):
    """The device is not on the bus."""


class RingOverflowError(AssertionError):
    """More packets than the firmware's ring holds were sent within one frame."""


class Host(Protocol):
    """Who takes payloads: the kernel's driver, or queued transfers of a program."""

    def take(self, data: bytes, due_ns: int) -> bool:
        """Take one payload; False if there is no place for it."""
        ...


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
        self.host: Host | None = None
        self.replugged: list[Callable[[], None]] = []
        self._due = deque(sorted(self.faults, key=lambda fault: fault.at_s))
        self._made_ns = self.clock.now_ns()
        self._gone_until_ns: int | None = None
        self.slow_ns = 0
        self.trigger_high = False
        self.overruns = 0
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
        self.streaming = False
        self.stalled = False
        self.frame: FrameOut | None = None
        self._number = 0
        self._overruns_in_a_row = 0
        self.to_lose = self.to_tear = self.to_repeat = 0
        self.bno_long_until_ns = 0
        self._quaternion: Quaternion = (1.0, 0.0, 0.0, 0.0)

    # What a person or a test does to the box

    def inject(self, name: str, value: float | None = None) -> None:
        """Let one fault happen now."""
        with self.lock:
            self.advance()
            happen(self, Fault(name, FAULTS[name][0] if value is None else value))

    def unplug(self, seconds: float = float("inf")) -> None:
        """Pull the cable; it goes back in by itself after some seconds."""
        now = self.clock.now_ns()
        self._gone_until_ns = now + round(min(seconds, 1e6) * 1e9)
        self.streaming = False

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
            self.streaming = True
            self.stalled = False
            self._overruns_in_a_row = 0
            self.begin_frame(self.clock.now_ns(), 0)

    def stop_stream(self) -> None:
        """End, as CLEAR_FEATURE(ENDPOINT_HALT) and SET_INTERFACE do. The LED stays as it is."""
        with self.lock:
            self.advance()
            self.streaming = False
            self.stalled = False

    def push(self, packet: bytes) -> None:
        """Keep a packet until the next end of frame."""
        if len(self._ring) >= RING:
            raise RingOverflowError(f"more than {RING} packets within one frame")
        self._ring.append(packet)

    def next_due_ns(self) -> int:
        """Give when something happens next by itself."""
        if not self.streaming or self.stalled or self.frame is None:
            soon = self.clock.now_ns() + 10_000_000
            return min(soon, self._gone_until_ns) if self._gone_until_ns else soon
        return self._due_ns(self.frame, self._number)

    def advance(self) -> None:
        """Let everything happen that is due."""
        with self.lock:
            now = self.clock.now_ns()
            while self._due and self._made_ns + self._due[0].at_s * 1e9 <= now:
                happen(self, self._due.popleft())
            if self._gone_until_ns is not None and self._gone_until_ns <= now:
                self.replug()
            while self.streaming and not self.stalled and self.frame is not None:
                if self._due_ns(self.frame, self._number) > now:
                    return
                if not self._step(self.frame):
                    return

    # The stream

    def begin_frame(self, start_ns: int, frame_id: int) -> None:
        """Begin a frame that is lost or torn if a fault says so."""
        period = self.scope.frame_period_ns
        self.frame = FrameOut(start_ns, start_ns + period, frame_id)
        self._number = 0
        self.frame.lost, self.to_lose = self.to_lose > 0, max(self.to_lose - 1, 0)
        if not self.frame.lost:
            self.frame.torn, self.to_tear = self.to_tear > 0, max(self.to_tear - 1, 0)

    def _due_ns(self, frame: FrameOut, number: int) -> int:
        count = payload_count(SIZE * SIZE * 2)
        readout = min(READOUT_NS, frame.end_ns - frame.start_ns)
        return frame.end_ns - readout * (count - 1 - number) // count

    def _step(self, frame: FrameOut) -> bool:
        """Let one payload leave, and the frame end after its last; False if it has to wait."""
        count = payload_count(SIZE * SIZE * 2)
        due = self._due_ns(frame, self._number)
        wanted = not frame.lost and self.host is not None
        skipped = frame.torn and count // 2 <= self._number < count - 1
        if wanted and not skipped and self.host is not None:
            if self._number == 0 and frame.yuyv is None:
                frame.yuyv = self._expose(frame)
            if not self.host.take(payload(frame, self._number, count), due):
                if not self.patient:
                    self._overrun(frame)
                return not self.patient
        self._number += 1
        if self._number == count:
            self._overruns_in_a_row = 0
            self._end_of_frame(frame)
        return True

    def _overrun(self, frame: FrameOut) -> None:
        """Drop the partial frame and restart: the counter does not see it."""
        self.overruns += 1
        self._overruns_in_a_row += 1
        if self._overruns_in_a_row >= OVERRUN_LIMIT:
            self.streaming = False
            return
        self.begin_frame(frame.end_ns, 0)

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
        if self.to_repeat:
            self.to_repeat -= 1
        else:
            self.counter = (self.counter + 1) & 0xFFFF
            self.frames += 1
        while self._ring:
            self._execute(self._ring.popleft(), frame.end_ns)
            if not self.streaming:
                return
        if self.bno_enabled:
            self.bno = self.scope.bno_bytes(self._head(frame.end_ns)) or self.bno
        if self.recording:
            level = not self.ttl_log[-1][1] if self.ttl_log else True
            self.ttl_log.append((frame.end_ns, level))
        late = self.patient and self.clock.now_ns() - frame.end_ns > READOUT_NS
        start_ns = self.clock.now_ns() if late else frame.end_ns
        self.begin_frame(start_ns, frame.frame_id ^ 1)

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
        factor = 1.2 if now_ns < self.bno_long_until_ns else 1.0
        return (w * factor, x * factor, y * factor, z * factor)

    def _wait_if_slow(self) -> None:
        slow, self.slow_ns = self.slow_ns, 0
        if slow:
            self.clock.sleep(slow / 1e9)
