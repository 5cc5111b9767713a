"""Makes exposures of raw frames: index, time, orientation, and whether any of it can be trusted."""

from __future__ import annotations

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
GAP_PERIODS = 1.5
ON_TIME_PERIODS = 0.75


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
        self.gaps = 0
        self.last_first_ns: int | None = None
        self.orientation_forgot = False
        """Whether the orientation sensor has given nothing but zeros for long."""
        self._run, self._count, self._tell = run, count, tell
        self._has_orientation = has_orientation
        self._sync: ClockSynchronizer | None = None
        self._last_us = -1
        self._zeros = 0
        self._frozen_told = False
        self._triggered = True
        self._gap_may_be = False

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
        periods = self._periods(raw.first_ns, rate_hz)
        counter = None if self.live.frozen else back.counter
        lost = self._count.lost
        index = self._count.take(counter, periods, torn=raw.torn)
        if counter is None and raw.torn == 0 and periods >= GAP_PERIODS:
            # Without a counter the times are all there is.
            self._count.rebase(round(periods) - 1)
            index += round(periods) - 1
        # A frame that was merely late is followed by a short interval.
        self.gaps += self._gap_may_be and periods >= ON_TIME_PERIODS
        self._gap_may_be = periods >= GAP_PERIODS and self._count.lost == lost
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
            self.last_first_ns = None
        self._triggered = triggered
        return triggered

    def _periods(self, first_ns: int, rate_hz: float) -> float:
        last, self.last_first_ns = self.last_first_ns, first_ns
        return 1.0 if last is None else (first_ns - last) / 1e9 * rate_hz

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
