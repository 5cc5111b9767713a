"""A camera as a source of frames."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from syntalos_miniscope.miniscope.camera import CameraReader, open_camera
from syntalos_miniscope.node import Context, In, Node, Out, Settings
from syntalos_miniscope.streams import Control, ControlKind, Frame


class Camera(Node):
    """A source at the pace of the camera."""

    inputs = (In("control-in", "Control", Control),)
    outputs = (Out("frames-out", "Frames", Frame),)
    own_process = True

    class Settings(Settings):
        """Which camera, and what it is asked for; `syntalos-miniscope devices` lists both."""

        device: str = Field(
            "auto", description="auto, a name such as by-id/usb-…, or a node such as /dev/video2"
        )
        width: int = Field(0, ge=0, description="Pixels; 0: what the camera has")
        height: int = Field(0, ge=0, description="Pixels; 0: what the camera has")
        frame_rate_hz: float = Field(0.0, ge=0, description="Hz; 0: what the camera has")
        pixel_format: str = Field("", description="Such as MJPG or YUYV; empty: the camera's own")
        colour: Literal["grey", "colour"] = Field("grey", description="What the frames are")

    open_camera = staticmethod(open_camera)
    """How a camera is opened; a test may hand in its own."""

    def prepare(self, ctx: Context) -> None:
        """Open the camera and read a frame, which tells its size."""
        settings: Camera.Settings = self.settings
        capture = self.open_camera(
            settings.device,
            width=settings.width,
            height=settings.height,
            rate_hz=settings.frame_rate_hz,
            fourcc=settings.pixel_format,
        )
        self._reader = CameraReader(capture, colour=settings.colour == "colour")
        height, width = self._reader.size
        for name, asked, got in (
            ("width", settings.width, width),
            ("height", settings.height, height),
            ("rate", settings.frame_rate_hz, self._reader.frame_rate_hz),
        ):
            if asked and abs(asked - got) > 0.01 * asked:
                ctx.note(f"The camera was asked for a {name} of {asked:g} and gives {got:g}.")
        ctx.describe(
            "frames-out",
            framerate=self._reader.frame_rate_hz,
            size=(width, height),
            has_color=settings.colour == "colour",
        )
        self._paused = self._ended = False

    def start(self, ctx: Context) -> None:
        """Begin; frames from before are thrown away."""
        self._reader.start(ctx.clock)

    def run(self, ctx: Context) -> None:
        """Emit frames until the end."""
        while not ctx.stopping() and not self._ended:
            frame = self._reader.read(timeout_s=0.1)
            if frame is not None and not self._paused:
                ctx.emit("frames-out", frame)

    def on_data(self, ctx: Context, port: str, item: Control) -> None:
        """Pause (the gap stays in the index), go on, or end."""
        if item.kind is ControlKind.PAUSE:
            self._paused = True
        elif item.kind is ControlKind.START:
            self._paused = False
        elif item.kind is ControlKind.STOP:
            self._ended = True

    def stop(self, ctx: Context) -> None:
        """Let go of the camera and say what was lost."""
        reader = getattr(self, "_reader", None)
        if reader is None:
            return
        reader.close()
        ctx.count("gaps", reader.gaps)
        ctx.count("overflowed", reader.overflowed)
