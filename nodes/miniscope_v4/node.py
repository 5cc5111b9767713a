"""A real Miniscope as a source of frames and head orientation."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from syntalos_miniscope.display import Display, DisplaySettings
from syntalos_miniscope.miniscope.connection import TransportName, connect
from syntalos_miniscope.miniscope.device_types import device_type
from syntalos_miniscope.miniscope.driver import Miniscope
from syntalos_miniscope.miniscope.guardian import Guardian
from syntalos_miniscope.miniscope.log import ScopeLog
from syntalos_miniscope.miniscope.status_line import StatusLine
from syntalos_miniscope.miniscope.video_devices import known_types, read_video_devices
from syntalos_miniscope.node import Context, In, Node, live
from syntalos_miniscope.scope import (
    SCOPE_OUTPUTS,
    Capture,
    Exposure,
    ScopeSettings,
    describe_scope,
    emit_orientation,
)
from syntalos_miniscope.streams import Control, ControlKind, Frame


class MiniscopeV4(Node):
    """A source at the pace of the scope; what the graph does not take in time is counted."""

    inputs = (In("control-in", "Control", Control),)
    outputs = SCOPE_OUTPUTS
    own_process = True

    class Settings(ScopeSettings, DisplaySettings):
        """Which scope, its knobs, and how it is shown."""

        device: str = Field(
            "auto", description="auto, a port such as 2-1.4, an alias of one, or virtual"
        )
        transport: TransportName = Field(
            "auto", description="libusb reads orientation on every kernel; auto takes it if it may"
        )
        device_type: str = Field("Miniscope_V4_BNO", description="Kind of scope")
        video_devices: str = Field(
            "",
            description="A videoDevices.json of the official software with the kind of scope",
            json_schema_extra={"format": "path"},
        )
        led_step: int = live(
            -1, ge=-1, le=255, title="LED step", description="Fine power, 0-255; -1: the percent"
        )
        second_led_percent: float = live(
            0.0, ge=0, le=100, title="Second LED", description="Of a two-colour scope, %"
        )
        ring_frames: int = Field(
            64, ge=1, description="Frames that may wait for the graph before one is lost"
        )
        frame_ttl: Literal["recording", "always", "off"] = Field(
            "recording", description="When the DAQ's SYNC output toggles with each frame"
        )
        wait_for_trigger: bool = Field(
            False, description="Frames count only while the external trigger input is high"
        )

    connect = staticmethod(connect)
    """How a device is opened; a test may hand in its own."""

    def prepare(self, ctx: Context) -> None:
        """Open the scope and set it up, dark."""
        settings: MiniscopeV4.Settings = self.settings
        self._paused = self._ended = False
        kind = device_type(settings.device_type, known_types(settings.video_devices))
        if settings.video_devices:
            for warning in read_video_devices(Path(settings.video_devices).expanduser()).warnings:
                ctx.note(warning)
        opener = self.connect(settings.device, settings.transport)
        self._guardian = Guardian(
            settings.device, settings.transport, kind.name, settings.video_devices
        )
        self._scope = Miniscope(opener, kind, on_light=self._guardian.watch)
        self._capture = Capture(self._scope, settings.ring_frames)
        self._turn(settings)
        dataset = ctx.dataset("miniscope")
        self._log = ScopeLog(dataset)
        recording = dataset is not None and settings.frame_ttl == "recording"
        self._scope.record_flag = recording or settings.frame_ttl == "always"
        self._scope.wait_for_trigger = settings.wait_for_trigger
        self._display = Display(settings)
        self._line = StatusLine()
        describe_scope(
            ctx,
            frame_rate_hz=self._scope.frame_rate_hz,
            size=self._scope.size,
            display_has_color=self._display.has_color,
        )

    def start(self, ctx: Context) -> None:
        """Begin to stream, with the LED as it is set."""
        self._capture.start(ctx.clock)

    def run(self, ctx: Context) -> None:
        """Emit exposures until the end."""
        shown = ctx.wired("frames-disp-out")
        while not ctx.stopping() and not self._ended:
            exposure = self._capture.read(timeout_s=0.1)
            self._log.take(ctx, self._scope.take_events())
            if exposure is not None and not self._paused:
                self._emit(ctx, exposure, shown)
            elif not self._paused:
                self._line.waiting(ctx, self._scope.state)

    def on_data(self, ctx: Context, port: str, item: Control) -> None:
        """Pause (dark; the gap stays in the index), go on, or end."""
        if item.kind is ControlKind.PAUSE:
            self._paused = True
            self._turn_live(ctx, self.settings)
        elif item.kind is ControlKind.START:
            self._paused = False
            self._turn_live(ctx, self.settings)
        elif item.kind is ControlKind.STOP:
            self._ended = True

    def apply(self, ctx: Context, settings: Settings) -> None:
        """Turn the knobs of the scope and of the display."""
        self._display.apply(settings)
        self._turn_live(ctx, settings)

    def stop(self, ctx: Context) -> None:
        """End the stream dark, and report what was lost and how much light was given."""
        capture = getattr(self, "_capture", None)
        if capture is None:
            return
        capture.close()
        self._guardian.close()
        for name, amount in self._scope.counters.items():
            ctx.count(name, amount)
        ctx.count("overflowed", capture.overflowed)
        if hasattr(self, "_log"):
            self._log.take(ctx, self._scope.take_events())
            self._log.close()
        ctx.note(f"Light dose: {self._scope.light_dose_percent_s:.0f} %·s (LED power times time).")

    def _turn_live(self, ctx: Context, settings: Settings) -> None:
        """Turn the knobs; a frame rate that there is not is noted, and holds up no other knob."""
        try:
            self._turn(settings)
        except ValueError as error:
            ctx.note(f"Not set: {error}.")
            self._turn(settings.model_copy(update={"frame_rate_hz": self._scope.frame_rate_hz}))

    def _turn(self, settings: Settings) -> None:
        """Turn the knobs; in a pause the light stays off."""
        if self._paused:
            dark = {"led_percent": 0.0, "led_step": -1, "second_led_percent": 0.0}
            settings = settings.model_copy(update=dark)
        self._scope.apply(settings, settings.led_step if settings.led_step >= 0 else None)
        if settings.second_led_percent or "led1" in self._scope.kind.sliders:
            self._scope.apply_second_led(settings.second_led_percent)

    def _emit(self, ctx: Context, exposure: Exposure, shown: bool) -> None:
        frame = exposure.frame
        ctx.emit("frames-raw-out", frame)
        picture = frame.mat
        if shown:
            picture = self._display(frame.mat, exposure.quaternion)
            ctx.emit("frames-disp-out", Frame(frame.index, frame.time_us, picture))
        emit_orientation(ctx, frame.time_us, exposure.quaternion)
        dropped = self._scope.counters["dropped"] + self._capture.overflowed
        self._line.show(ctx, frame, picture, dropped)
