"""A Miniscope over a synthetic brain, with the truth about it on ports of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from syntalos_miniscope.display import Display, DisplaySettings
from syntalos_miniscope.node import Context, In, Node
from syntalos_miniscope.recording.controls import ControlLog
from syntalos_miniscope.scope import (
    SCOPE_OUTPUTS,
    Capture,
    Exposure,
    ScopeSettings,
    describe_scope,
    emit_orientation,
)
from syntalos_miniscope.simulation.extras import Behaviour, Extras, Faults
from syntalos_miniscope.simulation.live import SimulatedExposure, SimulatedScope
from syntalos_miniscope.simulation.live_truth import TRUTH_OUTPUTS, LiveTruth
from syntalos_miniscope.simulation.presets import studio_spec
from syntalos_miniscope.simulation.spec import Spec, load_spec
from syntalos_miniscope.streams import Control, ControlKind, Frame


class SimulatedScopeNode(Node):
    """A source at the pace of the clock; its knobs are those of the real scope."""

    inputs = (In("control-in", "Control", Control),)
    outputs = (*SCOPE_OUTPUTS, *TRUTH_OUTPUTS)

    class Settings(ScopeSettings, DisplaySettings):
        """What brain, under which knobs, and what goes wrong."""

        preset: Literal["Generic 1p scope", "Miniscope V4 - CA1", "Miniscope V4 - cortex L2/3"] = (
            Field("Miniscope V4 - CA1", description="Scope and region; unless a spec file is given")
        )
        activity: Literal["Quiet", "Moderate", "Active"] = Field(
            "Moderate", description="How much the cells do; unless a spec file is given"
        )
        seed: int = Field(0, description="Another one is another animal")
        scope_number: int = Field(
            0, ge=0, description="Scopes of one seed see other tissue of the same animal"
        )
        spec_file: str = Field(
            "", description="A Spec in JSON, ours or minisim's; has its own seed"
        )
        vmax: float = Field(
            1.0, gt=0, description="Intensity shown as white, if the spec has no sensor"
        )
        drop_percent: float = Field(0.0, ge=0, lt=100, description="Frames lost on the way")
        repeat_percent: float = Field(0.0, ge=0, lt=100, description="Frames that come twice")
        jitter_us: float = Field(0.0, ge=0, description="SD of the time stamps, µs")
        disconnect_at_s: float = Field(
            0.0, ge=0, description="When the cable comes out, s; 0: never"
        )

    def prepare(self, ctx: Context) -> None:
        """Build the brain and everything that is known about it."""
        settings = self.settings
        self._capture: Capture | None = None
        self._truth: LiveTruth | None = None
        self._log: ControlLog | None = None
        self._paused = self._ended = False
        spec = _spec(settings)
        ctx.status("Building the brain; the first time on a computer takes half a minute")
        self._scope = SimulatedScope(
            spec, settings, scope=settings.scope_number, vmax=settings.vmax
        )
        self._capture = Capture(self._scope)
        sensor = spec.acquisition.image_sensor
        deep = self._scope.deep
        self._display = Display(settings, sensor.max_count if deep else 255)
        describe_scope(
            ctx,
            frame_rate_hz=self._scope.frame_rate_hz,
            size=self._scope.size,
            display_has_color=self._display.has_color,
        )
        if deep:
            # OpenCV's depth number 2 means 16 bits, of which the sensor fills fewer.
            ctx.describe("frames-raw-out", depth=2, full_scale=sensor.max_count)
        self._truth = LiveTruth(self._scope.renderer, ctx)
        self._shown = ctx.wired("frames-disp-out")
        if dataset := ctx.dataset("miniscope"):
            self._log = ControlLog(dataset)
            self._log.turned(0, settings)
        ctx.status(f"{self._truth.n_units} cells in view")

    def start(self, ctx: Context) -> None:
        """Begin the first exposure."""
        if self._capture is not None:
            self._capture.start(ctx.clock)

    def run(self, ctx: Context) -> None:
        """Emit exposures and the truth about them until the end."""
        capture, truth = self._capture, self._truth
        if capture is None or truth is None:
            return
        truth.emit_cells(ctx)
        untold: SimulatedExposure | None = None
        try:
            while not ctx.stopping() and not self._ended:
                # Half an interval is left to whoever works on the frame; then comes its truth.
                quiet_s = 0.5 / self._scope.frame_rate_hz
                exposure = capture.read(timeout_s=quiet_s if untold else 0.1)
                sent = self._send(ctx, exposure)
                if untold is not None:
                    truth.emit(ctx, untold)
                untold = sent
        finally:
            if untold is not None:
                truth.emit(ctx, untold)

    def _send(self, ctx: Context, exposure: Exposure | None) -> SimulatedExposure | None:
        """Emit an exposure, and give it if it was sent."""
        if not isinstance(exposure, SimulatedExposure):
            return None
        if self._paused:
            ctx.count("paused")
            return None
        frame = exposure.frame
        ctx.emit("frames-raw-out", frame)
        if self._shown:
            mat = self._display(frame.mat, exposure.quaternion)
            ctx.emit("frames-disp-out", Frame(frame.index, frame.time_us, mat))
        emit_orientation(ctx, frame.time_us, exposure.quaternion)
        return exposure

    def on_data(self, ctx: Context, port: str, item: Control) -> None:
        """Pause, go on, or end; the brain lives on meanwhile, and the gap stays in the index."""
        if item.kind is ControlKind.PAUSE:
            self._paused = True
        elif item.kind is ControlKind.START:
            self._paused = False
        elif item.kind is ControlKind.STOP:
            self._ended = True

    def apply(self, ctx: Context, settings: Settings) -> None:
        """Turn the knobs of the scope and of the display."""
        self._scope.apply(settings)
        self._display.apply(settings)
        if self._log is not None:
            self._log.turned(ctx.clock.now_us(), settings, self.settings)

    def stop(self, ctx: Context) -> None:
        """End the stream, finish the truth and report what was lost."""
        if self._capture is not None:
            self._capture.close()
            for name, amount in self._scope.counters.items():
                ctx.count(name, amount)
            ctx.count("overflowed", self._capture.overflowed)
        if self._truth is not None:
            self._truth.close()
        if self._log is not None:
            self._log.close()


def _spec(settings: SimulatedScopeNode.Settings) -> Spec:
    """Give the Spec that the settings ask for: a file's or a preset's, with head and faults."""
    if settings.spec_file:
        spec = load_spec(Path(settings.spec_file).expanduser())
    else:
        spec = studio_spec(settings.preset, settings.activity, seed=settings.seed)
    extras = spec.extras or Extras()
    faults = extras.faults or Faults()
    asked = {
        "drop_share": settings.drop_percent / 100,
        "repeat_share": settings.repeat_percent / 100,
        "jitter_us": settings.jitter_us,
        "disconnect_at_s": settings.disconnect_at_s or None,
    }
    faults = faults.model_copy(update={name: value for name, value in asked.items() if value})
    extras = extras.model_copy(
        update={"faults": faults, "behaviour": extras.behaviour or Behaviour()}
    )
    return spec.model_copy(update={"extras": extras})
