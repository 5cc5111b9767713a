"""How much light a scope has given."""

from __future__ import annotations

from collections.abc import Callable


class Light:
    """Keeps account of the LED: what it is set to, and its dose.

    `on_change` is told when it goes on or off; `percent` is of full power.
    """

    def __init__(self, now_ns: Callable[[], int], on_change: Callable[[bool], None]) -> None:
        self.percent = 0.0
        self._now_ns, self._on_change = now_ns, on_change
        self._since_ns = now_ns()
        self._dose_percent_s = 0.0

    @property
    def lit(self) -> bool:
        """Whether the LED is on, as far as can be known."""
        return self.percent > 0

    @property
    def dose_percent_s(self) -> float:
        """Power times the time it was on, % s."""
        return self._dose_percent_s + self.percent * (self._now_ns() - self._since_ns) / 1e9

    def set(self, percent: float) -> None:
        """Take what the LED was told."""
        self._dose_percent_s, self._since_ns = self.dose_percent_s, self._now_ns()
        changed = (percent > 0) != self.lit
        self.percent = percent
        if changed:
            self._on_change(self.lit)
