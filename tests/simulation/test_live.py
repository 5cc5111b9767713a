"""The simulated scope at the pace of a clock."""

# A None where a picture or a stage was promised fails a test all the same.
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalOperand=false, reportArgumentType=false
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from small_scene import FULL, NOMINAL, knobs, play, spec

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.simulation import Extras, bleaching, drift
from syntalos_miniscope.simulation.extras import Faults, ZDrift
from syntalos_miniscope.simulation.live import SimulatedScope
from syntalos_miniscope.simulation.renderer import Renderer


class Jumping:
    """A clock that stands still unless told to move."""

    def __init__(self):
        self.now_ns = 0
        self.clock = RunClock(lambda: self.now_ns)

    def at_s(self, seconds: float) -> None:
        self.now_ns = round(seconds * 1e9)


@pytest.fixture
def jumping() -> Jumping:
    return Jumping()


def started(jumping: Jumping, settings=NOMINAL, **faults) -> SimulatedScope:
    scene = spec().model_copy(update={"extras": Extras(faults=Faults(**faults))})
    scope = SimulatedScope(scene, settings)
    jumping.clock.start()
    scope.start(jumping.clock)
    return scope


def exposures(scope: SimulatedScope, jumping: Jumping, n: int, rate_hz: float = 20.0):
    """What comes within n exposure times."""
    got = []
    for k in range(n):
        jumping.at_s((k + 1) / rate_hz)
        while (exposure := scope.read(0.0)) is not None:
            got.append(exposure)
    return got


def test_nothing_comes_before_it_is_due(jumping: Jumping):
    scope = started(jumping)
    jumping.at_s(0.0499)
    assert scope.read(0.0) is None
    jumping.at_s(0.05)
    assert scope.read(0.0).frame.time_us == 50_000


def test_frames_carry_their_due_time_and_number(jumping: Jumping):
    frames = [e.frame for e in exposures(started(jumping), jumping, 20)]
    assert [f.index for f in frames] == list(range(20))
    assert [f.time_us for f in frames] == [50_000 * (k + 1) for k in range(20)]


def test_live_frames_are_those_of_the_batch(jumping: Jumping):
    live = exposures(started(jumping), jumping, 5)
    batch = Renderer(spec())
    for exposure in live:
        assert (exposure.frame.mat == batch.advance().image).all()


def test_a_slow_reader_loses_frames_that_are_counted_and_leave_a_gap(jumping: Jumping):
    scope = started(jumping)
    exposures(scope, jumping, 3)
    jumping.at_s(1.0)
    late = scope.read(0.0)
    assert late.frame.index > 15
    assert scope.counters["late"] == late.frame.index - 3
    batch = Renderer(spec())
    batch.seek(late.frame.index)
    assert (late.frame.mat == batch.advance().image).all()


def test_lost_frames_leave_gaps_and_repeated_ones_show_the_frame_before(jumping: Jumping):
    scope = started(jumping, drop_share=0.2, repeat_share=0.2)
    got = exposures(scope, jumping, 100)
    indices = [e.frame.index for e in got]
    missing = set(range(scope.renderer.index)) - set(indices)
    assert len(missing) == scope.counters["dropped"] > 5
    repeated = [k for k, e in enumerate(got) if e.rendered.index != e.frame.index]
    assert len(repeated) == scope.counters["repeated"] > 5
    for k in repeated:
        assert (got[k].frame.mat == got[k - 1].frame.mat).all()
        assert got[k].rendered is got[k - 1].rendered


def test_scopes_of_one_seed_have_links_of_their_own():
    scene = spec().model_copy(update={"extras": Extras(faults=Faults(drop_share=0.5))})
    links = [SimulatedScope(scene, scope=scope)._link for scope in (0, 1)]
    first, second = ([link.fate(index) for index in range(60)] for link in links)
    assert first != second


def test_jitter_moves_time_stamps_and_never_turns_them_back(jumping: Jumping):
    got = exposures(started(jumping, jitter_us=20_000.0), jumping, 60)
    times = np.array([e.frame.time_us for e in got])
    assert (np.diff(times) > 0).all()
    assert np.std(times - 50_000 * (1 + np.arange(60))) > 5000


def test_a_cable_that_comes_out_is_an_error_with_a_sentence(jumping: Jumping):
    scope = started(jumping, disconnect_at_s=0.5)
    assert len(exposures(scope, jumping, 9)) == 9
    jumping.at_s(1.0)
    with pytest.raises(RuntimeError, match=r"unplugged after 0.50 s"):
        scope.read(0.0)


def test_the_rate_knob_changes_the_pace(jumping: Jumping):
    scope = started(jumping)
    exposures(scope, jumping, 4)
    scope.apply(knobs(frame_rate_hz=10.0))
    assert scope.frame_rate_hz == 10
    times = []
    for k in range(5, 20):
        jumping.at_s(k / 20)
        while (exposure := scope.read(0.0)) is not None:
            times.append(exposure.frame.time_us)
    # The exposure that was under way had begun at the old rate.
    assert times == [250_000, 350_000, 450_000, 550_000, 650_000, 750_000, 850_000, 950_000]


def test_a_turned_knob_shows_in_the_next_exposure(jumping: Jumping):
    scope = started(jumping)
    jumping.at_s(0.05)
    bright = scope.read(0.0).frame.mat.mean()
    scope.apply(knobs(led_percent=0.0))
    jumping.at_s(0.1)
    assert scope.read(0.0).frame.mat.mean() < 0.2 * bright


def test_an_exposure_has_the_knobs_that_stood_when_it_began(jumping: Jumping):
    scope = started(jumping)
    assert scope.read(0.0) is None
    scope.apply(knobs(led_percent=0.0))
    jumping.at_s(0.05)
    lit = scope.read(0.0)
    jumping.at_s(0.1)
    dark = scope.read(0.0)
    assert lit.rendered.settings.led_percent == 50
    assert dark.rendered.settings.led_percent == 0


def test_in_the_first_half_of_an_exposure_nothing_is_rendered(jumping: Jumping):
    scope = started(jumping)
    jumping.at_s(0.0249)
    assert scope.read(0.0) is None
    assert scope.renderer.index == 0
    jumping.at_s(0.025)
    assert scope.read(0.0) is None
    assert scope.renderer.index == 1


def test_a_new_focus_is_rendered_as_soon_as_its_exposure_begins(jumping: Jumping):
    scope = started(jumping)
    exposures(scope, jumping, 2)
    # The third exposure has begun already; this is of the fourth, which begins at 0.15 s.
    scope.apply(knobs(ewl=40))
    assert len(exposures(scope, jumping, 3)) == 1
    assert scope.renderer.index == 4
    jumping.at_s(0.2)
    assert scope.read(0.0).rendered.settings.ewl == 40
    # The one after it has its first half free again.
    jumping.at_s(0.2249)
    assert scope.read(0.0) is None
    assert scope.renderer.index == 4


def test_tissue_that_rises_is_blurred_anew_as_soon_as_its_exposure_begins(jumping: Jumping):
    rising = ZDrift(sd_um=3.0, tau_s=2.0)
    scene = spec().model_copy(update={"extras": Extras(z_drift=rising)})
    rises_um = [0.0, *(frame.extras["rise_um"] for frame in play(Renderer(scene), 20))]
    scope = SimulatedScope(scene, NOMINAL)
    jumping.clock.start()
    scope.start(jumping.clock)
    early = []
    for k in range(20):
        jumping.at_s(k / 20)
        scope.read(0.0)
        early.append(scope.renderer.index == k + 1)
        jumping.at_s((k + 1) / 20)
        assert scope.read(0.0).frame.index == k
    assert early == [before != now for before, now in pairwise(rises_um)]
    assert any(early) and not all(early)


def test_whatever_is_compiled_is_there_before_the_first_frame(monkeypatch):
    used: list[str] = []

    def spied(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: (used.append(name), function(*given))[1]

    for module, name in ((bleaching, "_fade"), (drift, "_wandered")):
        monkeypatch.setattr(module, name, spied(name, getattr(module, name)))
    scope = SimulatedScope(spec())
    assert set(used) == {"_fade", "_wandered"}
    assert scope.renderer.index == 0


def test_closing_twice_is_safe_and_nothing_comes_after(jumping: Jumping):
    scope = started(jumping)
    scope.close()
    scope.close()
    jumping.at_s(1.0)
    assert scope.read(0.0) is None


def test_before_its_start_a_scope_gives_nothing():
    assert SimulatedScope(spec()).read(0.0) is None


def test_without_a_sensor_intensity_is_clipped_at_the_white_it_is_given():
    dim = SimulatedScope(spec(*FULL[:-1]), vmax=10.0)
    bright = SimulatedScope(spec(*FULL[:-1]), vmax=0.1)
    shown = []
    for scope in (dim, bright):
        jumping = Jumping()
        jumping.clock.start()
        scope.start(jumping.clock)
        jumping.at_s(0.05)
        shown.append(scope.read(0.0).frame.mat)
    assert shown[0].dtype == np.uint8 and 0 < shown[0].max() < 60
    assert (shown[1] == 255).mean() > 0.5


def test_a_spec_without_a_picture_is_refused_in_one_line():
    with pytest.raises(ValueError, match="no step of the spec makes a picture"):
        SimulatedScope(spec(*FULL[:2]))


def test_in_real_time_a_read_waits_until_a_frame_is_due():
    scope = SimulatedScope(spec(), knobs(frame_rate_hz=60.0))
    clock = RunClock()
    clock.start()
    scope.start(clock)
    for _ in range(10):
        exposure = scope.read(1.0)
        assert clock.now_us() >= exposure.frame.time_us
    scope.close()
