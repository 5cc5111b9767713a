"""What the virtual Miniscope looks at."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.scope import Quaternion, ScopeSettings

SIZE = 608


class View(NamedTuple):
    """One exposure: what the sensor digitises, uint8 (608, 608), and how the head stands."""

    counts: NDArray[np.uint8]
    quaternion: Quaternion


class Tissue(Protocol):
    """A world that moves on by one exposure each time it is looked at."""

    def advance(self, settings: ScopeSettings) -> View:
        """Expose once with these knobs."""
        ...


class TestPattern:
    """A ramp of every grey value, cheap enough for four scopes at once.

    With the LED at 50 % and gain low the ramp is exactly 0..255; the LED and the gain scale it,
    and the focus blurs it. The head turns slowly about the vertical.
    """

    __test__ = False

    def __init__(self) -> None:
        self._ramp = (np.arange(SIZE * SIZE, dtype=np.uint32) % 256).astype(np.uint8)
        self._ramp = self._ramp.reshape(SIZE, SIZE)
        self._seen: tuple[ScopeSettings, NDArray[np.uint8]] | None = None
        self._exposures = 0

    def advance(self, settings: ScopeSettings) -> View:
        """Expose once with these knobs."""
        if self._seen is None or self._seen[0] != settings:
            self._seen = (settings, self._expose(settings))
        self._exposures += 1
        half = self._exposures * 0.002
        return View(self._seen[1], (float(np.cos(half)), 0.0, 0.0, float(np.sin(half))))

    def _expose(self, settings: ScopeSettings) -> NDArray[np.uint8]:
        factor = settings.led_percent / 50 * {"low": 1.0, "medium": 2.0, "high": 3.5}[settings.gain]
        blur = abs(settings.ewl) // 16
        ramp = self._ramp.astype(np.float32)
        for _ in range(blur):
            ramp = (ramp + np.roll(ramp, 1, axis=1) + np.roll(ramp, -1, axis=1)) / 3
        return np.clip(ramp * factor, 0, 255).astype(np.uint8)
