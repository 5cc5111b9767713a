"""The DAQ's video stream: frames of the sensor, in payloads that leave when they are due.

Times and limits are those of Miniscope-DAQ-Cypress-firmware (`uvc.c`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from virtual_miniscope.clock import Clock
from virtual_miniscope.frames import FrameOut, payload, payload_count
from virtual_miniscope.tissue import SIZE

SLACK_PAYLOADS = 8
"""4 buffers on each of 2 sockets of 16 KiB."""
OVERRUN_LIMIT = 30
"""Stream restarts in a row after which the firmware gives up."""
READOUT_NS = 22_300_000
"""608 x 608 pixels at 16.6 MHz."""
WATCHDOG_NS = 400_000_000
"""Without data for so long, the DAQ resets its stream; the partial frame is lost."""

_COUNT = payload_count(SIZE * SIZE * 2)


class Host(Protocol):
    """Who takes payloads: the kernel's driver, or queued transfers of a program."""

    def take(self, data: bytes, due_ns: int) -> bool:
        """Take one payload; False if there is no place for it."""
        ...


class Stream:
    """What the sensor gives while the host wants it; the host may stop, stall or come too late.

    `period_ns` tells how long the next frame takes, `expose` gives the bytes of one that somebody
    takes, and `end_of_frame` is told of each that ends, whether anybody took it or not. With
    `patient` the stream waits for a slow host, where the real DAQ would drop the frame.
    """

    def __init__(
        self,
        clock: Clock,
        period_ns: Callable[[], int],
        expose: Callable[[FrameOut], bytes],
        end_of_frame: Callable[[FrameOut], None],
        *,
        patient: bool,
    ) -> None:
        self.host: Host | None = None
        self.patient = patient
        self.overruns = 0
        self._clock = clock
        self._period_ns, self._expose, self._end_of_frame = period_ns, expose, end_of_frame
        self.reset()

    def reset(self) -> None:
        """Stand still, as after power-up."""
        self.running = self.stalled = False
        self.to_lose = self.to_tear = 0
        self._frame: FrameOut | None = None
        self._number = 0
        self._overruns_in_a_row = 0

    def start(self) -> None:
        """Begin with a whole frame."""
        self.running, self.stalled = True, False
        self._overruns_in_a_row = 0
        self._begin_frame(self._clock.now_ns(), 0)

    def stop(self) -> None:
        """End in the middle of whatever is under way."""
        self.running = self.stalled = False

    def fall_silent(self, length_ns: int) -> None:
        """Let the sensor give nothing for a while; the frame that is under way comes late."""
        if self._frame is None:
            return
        if length_ns >= WATCHDOG_NS:
            self._begin_frame(self._clock.now_ns() + length_ns, 0)
        else:
            self._frame.end_ns += length_ns

    def next_due_ns(self) -> int | None:
        """Give when the next payload leaves; None while nothing does."""
        if not self.running or self.stalled or self._frame is None:
            return None
        return self._due_ns(self._frame)

    def advance(self) -> None:
        """Let everything leave that is due."""
        now_ns = self._clock.now_ns()
        while (due_ns := self.next_due_ns()) is not None and due_ns <= now_ns:
            assert self._frame is not None
            if not self._step(self._frame, due_ns):
                return

    def _begin_frame(self, start_ns: int, frame_id: int) -> None:
        """Begin a frame that is lost or torn if a fault says so."""
        self._frame = FrameOut(start_ns, start_ns + self._period_ns(), frame_id)
        self._number = 0
        self._frame.lost, self.to_lose = self.to_lose > 0, max(self.to_lose - 1, 0)
        if not self._frame.lost:
            self._frame.torn, self.to_tear = self.to_tear > 0, max(self.to_tear - 1, 0)

    def _due_ns(self, frame: FrameOut) -> int:
        readout = min(READOUT_NS, frame.end_ns - frame.start_ns)
        return frame.end_ns - readout * (_COUNT - 1 - self._number) // _COUNT

    def _step(self, frame: FrameOut, due_ns: int) -> bool:
        """Let one payload leave, and the frame end after its last; False if it has to wait."""
        skipped = frame.torn and _COUNT // 2 <= self._number < _COUNT - 1
        if self.host is not None and not frame.lost and not skipped:
            if self._number == 0 and frame.yuyv is None:
                frame.yuyv = self._expose(frame)
            if not self.host.take(payload(frame, self._number, _COUNT), due_ns):
                if not self.patient:
                    self._overrun(frame)
                return not self.patient
        self._number += 1
        if self._number == _COUNT:
            self._overruns_in_a_row = 0
            self._end(frame)
        return True

    def _overrun(self, frame: FrameOut) -> None:
        """Drop the partial frame and restart: the counter does not see it."""
        self.overruns += 1
        self._overruns_in_a_row += 1
        if self._overruns_in_a_row >= OVERRUN_LIMIT:
            self.running = False
            return
        self._begin_frame(frame.end_ns, 0)

    def _end(self, frame: FrameOut) -> None:
        self._end_of_frame(frame)
        if not self.running:
            return
        late = self.patient and self._clock.now_ns() - frame.end_ns > READOUT_NS
        start_ns = self._clock.now_ns() if late else frame.end_ns
        self._begin_frame(start_ns, frame.frame_id ^ 1)
