"""One picture of the stream so far, to find cells by."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from syntalos_miniscope.analysis.projection import Projection, as_bytes
from syntalos_miniscope.node import Context, In, Node, Out, Policy, Settings
from syntalos_miniscope.streams import Frame


class ProjectionNode(Node):
    """Frames in; every so often their projection, stretched to 8 bits, out."""

    inputs = (In("frames-in", "Frames", Frame, Policy.NEWEST, depth=4),)
    outputs = (Out("frames-out", "Projection", Frame),)

    class Settings(Settings):
        """Which picture, of how long, how often."""

        kind: Literal["max", "mean", "std", "correlation", "peak to noise"] = Field(
            "correlation", description="What of every pixel is shown"
        )
        memory_s: float = Field(60.0, gt=0, description="The last so many seconds count most")
        every_s: float = Field(1.0, gt=0, description="A new picture after so long")
        diameter_px: float = Field(12.0, ge=4, le=60, description="How large a cell looks")

    def prepare(self, ctx: Context) -> None:
        """Say what the pictures will be like."""
        incoming = ctx.metadata("frames-in")
        rate_hz = float(str(incoming.get("framerate", 20.0)))
        settings = self.settings
        self._projection = Projection(
            settings.kind, max(settings.memory_s * rate_hz, 1.0), settings.diameter_px
        )
        self._next_us = round(settings.every_s * 1e6)
        passed = {"size": incoming["size"]} if "size" in incoming else {}
        ctx.describe("frames-out", **passed, framerate=1 / settings.every_s, has_color=False)

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        """Add one frame."""
        if item.mat.ndim != 2:
            raise ValueError("the frames have colour; a projection is made of grey ones")
        self._projection.add(item.mat)
        if item.time_us >= self._next_us:
            self._next_us = item.time_us + round(self.settings.every_s * 1e6)
            picture = as_bytes(self._projection.picture())
            ctx.emit("frames-out", Frame(item.index, item.time_us, picture))
