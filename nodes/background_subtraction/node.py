"""Raw frames in, display frames out."""

from typing import Literal

from syntalos_miniscope.display import Display, DisplaySettings
from syntalos_miniscope.node import Context, In, Node, Out, live
from syntalos_miniscope.streams import Frame


class BackgroundSettings(DisplaySettings):
    """How the frames are shown."""

    view: Literal["raw", "F - F0", "dF/F"] = live(
        "F - F0", description="Raw, minus the running background, or relative to it"
    )


class BackgroundSubtraction(Node):
    """The display path of a scope as a box of its own; indices and times pass unchanged."""

    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("frames-out", "Display Frames", Frame),)
    Settings = BackgroundSettings

    settings: BackgroundSettings

    def prepare(self, ctx: Context) -> None:
        """Say what the frames will be like."""
        incoming = ctx.metadata("frames-in")
        # OpenCV's depth number 2 means 16 bits; a sensor's own white is given as `full_scale`.
        full_scale = int(
            str(incoming.get("full_scale", 65535 if incoming.get("depth") == 2 else 255))
        )
        self._display = Display(self.settings, full_scale)
        passed = {name: incoming[name] for name in ("framerate", "size") if name in incoming}
        ctx.describe("frames-out", **passed, has_color=self._display.has_color)

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        """Show one frame."""
        ctx.emit("frames-out", Frame(item.index, item.time_us, self._display(item.mat)))

    def apply(self, ctx: Context, settings: BackgroundSettings) -> None:
        """Take changed settings."""
        self._display.apply(settings)
