"""A scope of numbers: renders a Spec at the pace of a clock, and answers the knobs of a scope."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.scope import Exposure, ScopeSettings
from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.cost import ensure_affordable
from syntalos_miniscope.simulation.extras import Extras, Faults
from syntalos_miniscope.simulation.faults import Fate, FaultyLink
from syntalos_miniscope.simulation.renderer import Rendered, Renderer
from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.simulation.steps import Sensor
from syntalos_miniscope.streams import Frame


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedExposure(Exposure):
    """An exposure and the truth about what its frame shows.

    `rendered.index` differs from the frame's own index if the link repeated a frame.
    """

    rendered: Rendered


class SimulatedScope:
    """A `Scope` that renders.

    Each exposure is due when its time is over, carries that time, and is handed out then. It has
    the settings that stood when it began. When the computer cannot keep up, exposures more than
    one interval late are lived through unseen and counted, as by any scope; what the others show
    does not depend on it. `vmax` is the intensity shown as white if the Spec has no sensor.
    ValueError if the Spec makes no picture, TooLargeError if this computer cannot hold it.
    """

    def __init__(
        self,
        spec: Spec,
        settings: ScopeSettings | None = None,
        *,
        scope: int = 0,
        vmax: float = 1.0,
    ) -> None:
        # A live stream keeps no movie: what counts is a moment of it.
        acquisition = spec.acquisition.model_copy(update={"duration_s": 1 / spec.acquisition.fps})
        ensure_affordable(spec.model_copy(update={"acquisition": acquisition}))
        self.renderer = Renderer(spec, scope=scope)
        self._settings = settings or ScopeSettings(frame_rate_hz=spec.acquisition.fps)
        self._vmax = vmax
        faults = (spec.extras or Extras()).faults or Faults()
        self._link = FaultyLink(faults, noise.stream(spec.seed, scope, "link"))
        self._clock: RunClock | None = None
        self._closed = Event()
        self._due_us = self._render_us = 0.0
        self._took_us = 0.0
        self._exposing: ScopeSettings | None = None
        """The settings of the exposure that is under way."""
        self._made = False
        self._waiting: SimulatedExposure | None = None
        self._last: Rendered | None = None
        self._counters = {"dropped": 0, "late": 0, "repeated": 0}
        # All kernels are compiled, or loaded, before the first frame is due; some wait for frame 1.
        self._link.warm_up()
        self.renderer.skip()
        if self.renderer.advance(self._settings).image is None:
            raise ValueError("no step of the spec makes a picture; add composite at least")
        self.renderer.seek(0)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame, pixels."""
        return self.renderer.spec.acquisition.shape

    @property
    def frame_rate_hz(self) -> float:
        """The rate at which frames come; no more than one per bin of the activity (300 Hz)."""
        return self.renderer.rate_hz(self._settings)

    @property
    def deep(self) -> bool:
        """Whether frames are uint16, of more than 8 bits."""
        spec = self.renderer.spec
        return spec.step(Sensor) is not None and spec.acquisition.image_sensor.bit_depth > 8

    @property
    def counters(self) -> Mapping[str, int]:
        """Frames `dropped` by the link, `late` by a slow computer, `repeated` by the link."""
        return self._counters

    def start(self, clock: RunClock) -> None:
        """Begin to stream: the first exposure begins now."""
        self._due_us = clock.now_us()
        self._clock = clock

    def apply(self, settings: ScopeSettings) -> None:
        """Turn the knobs; the next exposure that begins has them."""
        self._settings = settings

    def read(self, timeout_s: float) -> SimulatedExposure | None:
        """Wait for the next exposure; None if none is due in time.

        Raises RuntimeError when the faults of the spec pull the cable.
        """
        deadline = time.monotonic() + timeout_s
        while (clock := self._clock) is not None and not self._closed.is_set():
            if self._exposing is None:
                self._exposing = self._begin()
            if not self._made:
                if not self._wait(clock, self._render_us, deadline):
                    return None
                self._waiting, self._made = self._make(clock, self._exposing), True
            if not self._wait(clock, self._due_us, deadline):
                return None
            exposure, self._exposing, self._made = self._waiting, None, False
            if exposure is not None:
                return exposure
        return None

    def close(self) -> None:
        """End the stream; a `read` that waits returns."""
        self._closed.set()

    def _wait(self, clock: RunClock, time_us: float, deadline: float) -> bool:
        """Wait for a run time; False if the deadline or the end of the stream comes before it."""
        while (pause_s := (time_us - clock.now_us()) / 1e6) > 0:
            left_s = deadline - time.monotonic()
            if self._closed.wait(max(min(pause_s, left_s), 0)) or pause_s > left_s:
                return False
        return True

    def _begin(self) -> ScopeSettings:
        """Begin an exposure: give its settings, and set when it is rendered and due."""
        if not self._link.connected(self._due_us):
            raise RuntimeError(
                f"the simulated scope was unplugged after {self._due_us / 1e6:.2f} s, "
                "as its faults ask (disconnect_at_s)"
            )
        interval_us = 1e6 / self.frame_rate_hz
        self._due_us += interval_us
        # The first half belongs to whoever works on the frame before, but a new focus takes long.
        turned = self._last is not None and self._last.settings.ewl != self._settings.ewl
        refocused = turned or self.renderer.life.will_rise
        lead_us = interval_us if refocused else max(interval_us / 2, 2 * self._took_us)
        self._render_us = self._due_us - lead_us
        return self._settings

    def _make(self, clock: RunClock, settings: ScopeSettings) -> SimulatedExposure | None:
        """Render the exposure that has begun; None if no frame of it will come."""
        index, interval_us = self.renderer.index, 1e6 / self.renderer.rate_hz(settings)
        if not self._link.connected(self._due_us):
            return None
        began_us = clock.now_us()
        if began_us - self._due_us > interval_us:
            self.renderer.skip(settings)
            self._counters["late"] += 1
            return None
        match self._link.fate(index):
            case Fate.LOST:
                self.renderer.skip(settings)
                self._counters["dropped"] += 1
                return None
            case Fate.REPEATED if self._last is not None:
                self.renderer.skip(settings)
                self._counters["repeated"] += 1
                rendered = self._last
            case _:
                rendered = self._last = self.renderer.advance(settings)
                self._took_us = clock.now_us() - began_us
        time_us = round(self._due_us + self._link.jitter_us(index, interval_us))
        frame = Frame(index, time_us, self._as_frame(rendered))
        return SimulatedExposure(frame, rendered.quaternion, rendered)

    def _as_frame(self, rendered: Rendered) -> NDArray[np.uint8] | NDArray[np.uint16]:
        image = rendered.image
        if image is None or image.dtype == np.float32:
            shown = np.zeros(self.size) if image is None else image / self._vmax
            return np.clip(255 * shown + 0.5, 0, 255).astype(np.uint8)
        return image.view(np.uint16) if image.dtype == np.uint16 else image.view(np.uint8)
