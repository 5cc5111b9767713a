"""The line on a scope's box: its rate and drops, and figures to set LED and focus by."""

from __future__ import annotations

from collections import deque
from typing import Any

import cv2
from numpy.typing import NDArray

from syntalos_miniscope.miniscope.link import State
from syntalos_miniscope.node import Context
from syntalos_miniscope.streams import Frame
from syntalos_miniscope.zstack import saturated_share, sharpness

INTERVAL_US = 500_000


class StatusLine:
    """Shows, twice a second, what comes; the rate is that of the last second."""

    def __init__(self) -> None:
        self._times: deque[int] = deque()
        self._shown_us = -INTERVAL_US
        self._state: State | None = None

    def show(self, ctx: Context, frame: Frame, picture: NDArray[Any], dropped: int) -> None:
        """Take a frame and the picture that is shown of it."""
        times = self._times
        times.append(frame.time_us)
        while times[0] < frame.time_us - 1_000_000:
            times.popleft()
        if frame.time_us - self._shown_us < INTERVAL_US:
            return
        self._shown_us, self._state = frame.time_us, None
        spread_us = times[-1] - times[0]
        rate = (len(times) - 1) * 1e6 / spread_us if spread_us else 0.0
        grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        low, high, _, _ = cv2.minMaxLoc(grey)
        ctx.status(
            f"FPS: {rate:.0f} Dropped: {dropped} · fluorescence {low:.0f}-{high:.0f} · "
            f"saturated {100 * saturated_share(frame.mat):.1f} % · "
            f"sharpness {100 * sharpness(frame.mat):.2f}"
        )

    def waiting(self, ctx: Context, state: State) -> None:
        """Say that no frames come, once."""
        if state is State.LOST and self._state is not state:
            ctx.status("The scope is gone; trying to reconnect", trouble=True)
            self._state = state
