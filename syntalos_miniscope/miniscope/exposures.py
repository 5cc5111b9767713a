"""Makes exposures of raw frames: index, time, orientation, and whether any of it can be trusted."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.clock import ClockSynchronizer, RunClock
from syntalos_miniscope.miniscope.counter import FrameCounter
from syntalos_miniscope.miniscope.events import Event, Note, SyncPoint
from syntalos_miniscope.miniscope.orientation import ZEROS_UNTIL_SETUP, Liveness, decode
from syntalos_miniscope.miniscope.readback import ReadBack
from syntalos_miniscope.miniscope.transport import RawFrame
from syntalos_miniscope.scope import Exposure, Quaternion
from syntalos_miniscope.streams import Frame

FROZEN = (
    "Orientation and frame counter cannot be read: this kernel answers from a cache. Orientation "
    "is marked as not valid and lost frames are seen by their times only; patched DAQ firmware or "
    "the libusb transport puts that right."
)
JUMPED = (
    "The DAQ's frame counter jumped further than the time has room for: such jumps are counted as "
    "counter_jumps, not as lost frames."
)
RATE_FRAMES = 8
"""Frames until which a new frame rate has surely reached the sensor, and the kernel's buffers hold
none of the old one."""
RATE_TOLERANCE = 0.25
"""How much faster frames may come than is said: of most sensors only the nominal rate is known."""
READOUT_TOLERANCE = 0.4
"""How far the time from a frame's first bytes to its last may be from the usual, if it was read as
it came; a frame that waited in the kernel seems to come all at once."""


class Exposures:
    """Turns the raw frames of one uninterrupted stream into exposures.

    `count` goes on over several streams. What a person should know goes to `tell`.
    """

    def __init__(
        self,
        run: RunClock,
        count: FrameCounter,
        has_orientation: bool,
        tell: Callable[[Event], None],
    ) -> None:
        self.live = Liveness()
        self.orientation_forgot = False
        """Whether the orientation sensor has given nothing but zeros for long."""
        self._run, self._count, self._tell = run, count, tell
        self._has_orientation = has_orientation
        self._sync: ClockSynchronizer | None = None
        self._last_us = -1
        self._zeros = 0
        self._frozen_told = self._jump_told = False
        self._triggered = True
        self._last: RawFrame | None = None
        self._owed = 0.0
        self._suspected = 0
        self._readouts_ns: deque[int] = deque(maxlen=15)
        self._rates_hz: deque[float] = deque(maxlen=RATE_FRAMES)

    @property
    def last_first_ns(self) -> int | None:
        """When the last frame's first bytes came; None if there was none."""
        return self._last.first_ns if self._last else None

    def make(
        self, raw: RawFrame, back: ReadBack, rate_hz: float, *, wait_for_trigger: bool
    ) -> Exposure | None:
        """Make one exposure; None before t = 0 and while a trigger is waited for."""
        alive = self.live.take(back.counter, raw.end_ns)
        if self.live.frozen and not self._frozen_told:
            self._frozen_told = True
            self._tell(Note(FROZEN))
        first_us = self._run.at_us(raw.first_ns)
        if first_us < 0 or not self._open(back, wait_for_trigger):
            return None
        index = self._index(raw, back, rate_hz)
        time_us = self._time_us(first_us, back.device_us, rate_hz)
        end_us = self._run.at_us(raw.end_ns)
        self._tell(SyncPoint(index, time_us, first_us, end_us, back.device_us))
        luma: NDArray[np.uint8] = cv2.extractChannel(raw.yuyv, 0).astype(np.uint8, copy=False)
        trusted = alive or back.device_us is not None
        return Exposure(Frame(index, time_us, luma), self._orientation(back, trusted))

    def _open(self, back: ReadBack, wait_for_trigger: bool) -> bool:
        triggered = back.trigger or not wait_for_trigger
        if triggered and not self._triggered:
            # What went by while nobody recorded is not lost.
            self._count.rebase()
            self._last, self._owed = None, 0.0
        self._triggered = triggered
        return triggered

    def _index(self, raw: RawFrame, back: ReadBack, rate_hz: float) -> int:
        count = self._count
        lost, jumps = count.lost, count.jumps
        counter = None if self.live.frozen else back.counter
        self._rates_hz.append(rate_hz)
        room = self._room(back)
        missing, hint = self._missing(raw)
        index = count.take(counter, missing, hint, torn=raw.torn, room=room)
        self._owed = max(self._owed - (count.lost - lost), 0.0)
        if count.jumps > jumps and not self._jump_told:
            self._jump_told = True
            self._tell(Note(JUMPED))
        return index

    def _room(self, back: ReadBack) -> int:
        """Give how far the counter can have gone on from one reading to the next.

        The last one was made after its frame was whole. A count inside the frame is not read now:
        whether it is plausible was looked at by the device's own time.
        """
        if self._last is None or back.device_us is not None:
            return 0x7FFF
        elapsed_us = self._run.now_us() - self._run.at_us(self._last.end_ns)
        # Either reading may fall just before or just after the end of a frame.
        most_hz = max(self._rates_hz) * (1 + RATE_TOLERANCE)
        return int(elapsed_us * most_hz / 1e6) + 2

    def _missing(self, raw: RawFrame) -> tuple[int, int]:
        """Give how many frames there has been room for: for certain, and as it seems now.

        A program that was busy stamps late and then several frames at once: what is still owed
        when two frames on end were read as they came is a hole. The kernel's stamps are certain.
        """
        last, self._last = self._last, raw
        if last is None:
            return 0, 0
        rate_hz = min(self._rates_hz)
        if raw.kernel_stamped:
            periods = (raw.first_ns - last.first_ns) * rate_hz / 1e9
            return max(round(periods) - 1, 0), 0
        self._owed += (raw.end_ns - last.end_ns) * rate_hz / 1e9 - 1
        if not self._read_as_it_came(raw):
            return 0, 0
        hint = max(round(self._owed), 0)
        if hint == 0:
            self._owed = 0.0
        missing, self._suspected = min(hint, self._suspected), hint
        return missing, hint

    def _read_as_it_came(self, raw: RawFrame) -> bool:
        self._readouts_ns.append(raw.end_ns - raw.first_ns)
        usual_ns = statistics.median(self._readouts_ns)
        return abs(self._readouts_ns[-1] - usual_ns) <= READOUT_TOLERANCE * usual_ns

    def _time_us(self, first_us: int, device_us: int | None, rate_hz: float) -> int:
        time_us = first_us
        if device_us is not None:
            if self._sync is None or self._sync.tolerance_us != 5e5 / rate_hz:
                self._sync = ClockSynchronizer(rate_hz)
            time_us = self._sync.correct(first_us, device_us)
        self._last_us = max(time_us, self._last_us + 1)
        return self._last_us

    def _orientation(self, back: ReadBack, trusted: bool) -> Quaternion | None:
        if not self._has_orientation or back.bno is None:
            return None
        self._zeros = 0 if any(back.bno) else self._zeros + 1
        self.orientation_forgot = self._zeros >= ZEROS_UNTIL_SETUP
        return decode(back.bno) if trusted else None
