"""A driver on a virtual Miniscope, both on one stepped clock."""

from collections.abc import Callable
from typing import Any

import pytest

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.miniscope.device_types import device_type
from syntalos_miniscope.miniscope.driver import Miniscope
from syntalos_miniscope.miniscope.events import Note
from syntalos_miniscope.scope import Exposure, ScopeSettings
from virtual_miniscope import usb_pair
from virtual_miniscope.capture import VirtualCapture
from virtual_miniscope.clock import VirtualClock
from virtual_miniscope.daq import Daq


class Rig:
    """The driver, what it drives, and what came of it."""

    def __init__(
        self, face: str = "libusb", kernel: Any = "live", kind: str = "Miniscope_V4_BNO", **daq
    ):
        self.daq = Daq(clock=VirtualClock(), **daq)
        self.lights: list[bool] = []
        self.events: list[Any] = []
        self.scope = Miniscope(
            (lambda: usb_pair(self.daq))
            if face == "libusb"
            else (lambda: VirtualCapture(self.daq, kernel)),
            device_type(kind),
            clock=self.daq.clock,
            on_light=self.lights.append,
            attend=False,
        )

    def start(self, led_percent: float = 50, rate_hz: float = 30, **knobs: Any) -> "Rig":
        self.scope.apply(ScopeSettings(led_percent=led_percent, frame_rate_hz=rate_hz, **knobs))
        return self.start_stream()

    def start_stream(self) -> "Rig":
        clock = RunClock(self.daq.clock.now_ns)
        clock.start()
        self.scope.start(clock)
        return self

    def read(self, count: int, patience_s: float = 60) -> list[Exposure]:
        found: list[Exposure] = []
        until_ns = self.daq.clock.now_ns() + patience_s * 1e9
        while len(found) < count and self.daq.clock.now_ns() < until_ns:
            exposure = self.scope.read(0.1)
            if exposure is not None:
                found.append(exposure)
        self.events += self.scope.take_events()
        return found

    def read_for(self, seconds: float) -> list[Exposure]:
        return self.read(1_000_000, seconds)

    def close(self) -> None:
        self.scope.close()
        self.events += self.scope.take_events()

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]


@pytest.fixture
def rig() -> Callable[..., Rig]:
    return Rig
