"""A node for tests that works on a frame for a while."""

from __future__ import annotations

import time

from pydantic import Field

from syntalos_miniscope.node import Context, In, Node, Out, Settings
from syntalos_miniscope.streams import Frame


class Slow(Node):
    """Passes frames on, late."""

    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("frames-out", "Frames", Frame),)

    class Settings(Settings):
        """How late."""

        work_ms: float = Field(50.0, ge=0, description="Work per frame")
        fails_at: int = Field(-1, description="The frame that cannot be worked on")

    def prepare(self, ctx: Context) -> None:
        """Pass on what is known."""
        known = ctx.metadata("frames-in")
        passed = {name: known[name] for name in ("framerate", "size") if name in known}
        ctx.describe("frames-out", **passed, has_color=False)

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        """Work, and pass the frame on."""
        if item.index == self.settings.fails_at:
            raise ValueError("this frame cannot be worked on")
        time.sleep(self.settings.work_ms / 1000)
        ctx.emit("frames-out", Frame(item.index, item.time_us, item.mat))

    def stop(self, ctx: Context) -> None:
        """Count."""
        ctx.count("stops")
