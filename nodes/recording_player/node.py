"""Plays a recording as if it were a scope."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from syntalos_miniscope.display import Display, DisplaySettings
from syntalos_miniscope.node import Context, In, Node, live
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.controls import ControlLog
from syntalos_miniscope.recording.player import Playback, open_recording
from syntalos_miniscope.scope import SCOPE_OUTPUTS, describe_scope, emit_orientation
from syntalos_miniscope.streams import Control, ControlKind, Frame


class RecordingPlayer(Node):
    """A source whose frames come from a file; it may wait for the graph."""

    inputs = (In("control-in", "Control", Control),)
    outputs = SCOPE_OUTPUTS

    class Settings(DisplaySettings):
        """What is played, and how fast."""

        path: str = Field(
            "", title="Recording", description="EDL or DAQ folder, AVI, MKV, MP4 or zarr"
        )
        speed: float = live(
            1.0, ge=0, description="1 is the original timing, 0 as fast as the graph takes it"
        )
        loop: bool = Field(False, description="Begin again at the end")
        start_s: float = Field(0.0, ge=0, description="Where to begin, seconds into the recording")

    def prepare(self, ctx: Context) -> None:
        """Open the recording and say what is odd about it."""
        if not self.settings.path:
            raise RecordingError(
                "path is not set; give the folder or file of a recording in the settings of this "
                "box, or on the command line as --set player.path=DIR"
            )
        self._recording = open_recording(Path(self.settings.path).expanduser())
        self._playback = Playback(
            self._recording, round(self.settings.start_s * 1e6), loop=self.settings.loop
        )
        self._display = Display(self.settings, full_scale=self._recording.full_scale)
        describe_scope(
            ctx,
            frame_rate_hz=self._recording.frame_rate_hz,
            size=self._recording.source.size,
            display_has_color=self._display.has_color,
        )
        if self._recording.source.has_color:
            ctx.describe("frames-raw-out", has_color=True)
        if self._recording.source.depth == 16:
            # OpenCV's number for 16 bits, by which Syntalos's recorder goes.
            ctx.describe("frames-raw-out", depth=2, full_scale=self._recording.full_scale)
        dataset = ctx.dataset("player")
        self._log = ControlLog(dataset) if dataset else None
        if self._log:
            self._log.turned(0, self.settings)
        self._told = self._recording.findings
        for text in self._told:
            ctx.note(text)

    def start(self, ctx: Context) -> None:
        """Begin the pace at t = 0, so that two recordings keep in step."""
        self._paused = self._ended = False
        self._steps = 0
        self._pace_from(0, 0)

    def run(self, ctx: Context) -> None:
        """Emit every frame, and each orientation sample before the frame that follows it."""
        shown = ctx.wired("frames-disp-out")
        told_us, length_s = 0, self._recording.length_us / 1e6
        for exposure in self._playback:
            time_us = exposure.frame.time_us
            if not self._wait_for(ctx, time_us):
                break
            if time_us >= told_us:
                ctx.status(f"{time_us / 1e6:.0f} of {length_s:.0f} s")
                told_us = time_us + 1_000_000
            ctx.emit("frames-raw-out", exposure.frame)
            for sample_us, quaternion in exposure.orientation:
                emit_orientation(ctx, sample_us, quaternion)
            if self._recording.orientation is not None and not exposure.orientation:
                ctx.count("orientation_invalid")
            if shown:
                latest = exposure.orientation[-1][1] if exposure.orientation else None
                mat = self._display(exposure.frame.mat, latest)
                ctx.emit("frames-disp-out", Frame(exposure.frame.index, time_us, mat))
        for text in self._recording.findings:
            if text not in self._told:
                ctx.note(text)

    def on_data(self, ctx: Context, port: str, item: Control) -> None:
        """Pause, go on, give one frame, or end."""
        if item.kind is ControlKind.PAUSE:
            self._paused = True
        elif item.kind is ControlKind.STEP:
            self._paused = True
            self._steps += 1
        elif item.kind is ControlKind.START and self._paused:
            self._paused = False
            self._pace_from(ctx.clock.now_us(), self._last_us)
        elif item.kind is ControlKind.STOP:
            self._ended = True

    def apply(self, ctx: Context, settings: Settings) -> None:
        """Take a new speed from here on, and how frames are shown."""
        if settings.speed != self.settings.speed:
            self._pace_from(ctx.clock.now_us(), self._last_us)
        self._display.apply(settings)
        if self._log:
            self._log.turned(ctx.clock.now_us(), settings, self.settings)

    def stop(self, ctx: Context) -> None:
        """Close the log of what was turned."""
        if log := getattr(self, "_log", None):
            log.close()

    def _pace_from(self, run_us: int, time_us: int) -> None:
        self._pace = run_us, time_us
        self._last_us = time_us

    def _wait_for(self, ctx: Context, time_us: int) -> bool:
        """Wait until a frame is due; False if there shall be no more."""
        while not self._ended:
            if self._paused and not self._steps:
                if not ctx.sleep_until(ctx.clock.now_us() + 20_000):
                    return False
                continue
            if self._paused:
                self._steps -= 1
                self._last_us = time_us
                return not ctx.stopping()
            run_us, from_us = self._pace
            speed = self.settings.speed
            due_us = run_us + round((time_us - from_us) / speed) if speed else 0
            if not (ctx.sleep_until(due_us) if speed else not ctx.stopping()):
                return False
            # A command or a new speed heard while waiting asks for another look.
            if not self._paused and speed == self.settings.speed:
                self._last_us = time_us
                return not self._ended
        return False
