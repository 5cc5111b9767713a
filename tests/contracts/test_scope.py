"""What every scope does, of glass or of numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.miniscope.connection import connect
from syntalos_miniscope.miniscope.driver import Miniscope
from syntalos_miniscope.scope import Exposure, Scope, ScopeSettings
from syntalos_miniscope.simulation.live import SimulatedScope
from syntalos_miniscope.simulation.presets import studio_spec
from syntalos_miniscope.zstack import sharpness
from virtual_miniscope import usb_pair
from virtual_miniscope.capture import VirtualCapture
from virtual_miniscope.clock import VirtualClock
from virtual_miniscope.daq import Daq


@dataclass
class Bench:
    """A scope with its clock; `lit` tells whether light leaves it, where that can be known."""

    scope: Scope
    clock: RunClock
    lit: Callable[[], bool | None] = lambda: None

    def start(self, **knobs: Any) -> None:
        self.scope.apply(ScopeSettings.model_validate({"frame_rate_hz": 20, **knobs}))
        self.clock.start()
        self.scope.start(self.clock)

    def read(self, count: int) -> list[Exposure]:
        found = []
        for _ in range(100 + 10 * count):
            exposure = self.scope.read(timeout_s=0.1)
            if exposure is not None:
                found.append(exposure)
            if len(found) == count:
                return found
        raise AssertionError(f"only {len(found)} of {count} exposures came")

    def settled(self, **knobs: Any) -> np.ndarray:
        """Give a mean picture some frames after knobs were turned."""
        self.scope.apply(ScopeSettings.model_validate({"frame_rate_hz": 20, **knobs}))
        return np.mean([exposure.frame.mat for exposure in self.read(8)[-3:]], axis=0)


def simulated() -> Bench:
    return Bench(SimulatedScope(studio_spec("Miniscope V4 - CA1", "Moderate")), RunClock())


def virtual(face: str) -> Bench:
    daq = Daq(clock=VirtualClock())
    opened = {"usb": lambda: usb_pair(daq), "capture": lambda: VirtualCapture(daq, "live")}[face]
    scope = Miniscope(opened, clock=daq.clock, attend=False)
    return Bench(scope, RunClock(daq.clock.now_ns), lambda: daq.led_lit)


def real() -> Bench:
    return Bench(Miniscope(connect("auto")), RunClock())


@pytest.fixture(
    params=[
        pytest.param(simulated, id="simulated"),
        pytest.param(lambda: virtual("usb"), id="driver-usb"),
        pytest.param(lambda: virtual("capture"), id="driver-capture"),
        pytest.param(real, id="hardware", marks=pytest.mark.hardware),
    ]
)
def bench(request) -> Iterator[Bench]:
    made = request.param()
    yield made
    made.scope.close()


def test_it_is_made_dark_and_stays_so_until_it_is_told(bench):
    assert not bench.lit()


def test_frames_are_of_the_size_it_says_and_locked(bench):
    bench.start()
    for exposure in bench.read(3):
        assert exposure.frame.mat.shape == bench.scope.size
        assert not exposure.frame.mat.flags.writeable


def test_index_and_time_only_go_forward_at_the_rate_it_says(bench):
    bench.start()
    exposures = bench.read(20)[4:]
    index = np.array([exposure.frame.index for exposure in exposures])
    times = np.array([exposure.frame.time_us for exposure in exposures])
    assert times[0] >= 0
    assert (np.diff(index) >= 1).all()
    assert (np.diff(times) > 0).all()
    period_us = (times[-1] - times[0]) / (index[-1] - index[0])
    assert period_us == pytest.approx(1e6 / bench.scope.frame_rate_hz, rel=0.02)


def test_a_read_that_nothing_comes_to_returns_none(bench):
    assert bench.scope.read(timeout_s=0.0) is None


def test_no_light_no_picture_and_more_light_more_picture(bench):
    bench.start(led_percent=0)
    dark = bench.settled(led_percent=0).mean()
    dim = bench.settled(led_percent=10).mean()
    bright = bench.settled(led_percent=30).mean()
    assert dark < dim < bright


def test_gain_brightens(bench):
    bench.start(led_percent=10)
    assert bench.settled(led_percent=10).mean() < bench.settled(led_percent=10, gain="high").mean()


def test_the_focus_changes_the_picture(bench):
    bench.start()
    sharp, blurred = bench.settled(), bench.settled(ewl=120)
    assert sharpness(blurred) < 0.9 * sharpness(sharp)


def test_the_rate_can_be_changed(bench):
    bench.start(frame_rate_hz=20)
    bench.read(3)
    bench.scope.apply(ScopeSettings(frame_rate_hz=30))
    bench.read(4)
    assert bench.scope.frame_rate_hz == pytest.approx(30, rel=0.01)
    times = [exposure.frame.time_us for exposure in bench.read(6)]
    assert np.median(np.diff(times)) == pytest.approx(33_300, rel=0.05)


def test_orientation_is_a_unit_quaternion_or_none(bench):
    bench.start()
    for exposure in bench.read(8):
        if exposure.quaternion is not None:
            assert np.linalg.norm(exposure.quaternion) == pytest.approx(1, abs=0.05)


def test_it_counts_what_is_dropped(bench):
    bench.start()
    bench.read(5)
    assert bench.scope.counters["dropped"] == 0


def test_closing_ends_dark_at_any_time_and_twice(bench):
    bench.start()
    bench.read(4)
    bench.scope.close()
    bench.scope.close()
    assert not bench.lit()


def test_closing_one_that_was_never_started_does_no_harm(bench):
    bench.scope.close()
    assert not bench.lit()
