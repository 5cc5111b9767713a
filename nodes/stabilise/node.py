"""Takes the motion of the brain back, frame by frame."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from syntalos_miniscope.analysis.stabilise import Picture, Stabiliser
from syntalos_miniscope.node import Context, In, Node, Out, Settings
from syntalos_miniscope.streams import FloatSignalBlock, Frame


class Stabilise(Node):
    """Frames in, frames at rest out; indices and times pass unchanged."""

    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (
        Out("frames-out", "Stabilised Frames", Frame),
        Out("shifts-out", "Shifts", FloatSignalBlock),
    )

    class Settings(Settings):
        """How far the brain can go, and how fast it changes its looks."""

        reach_px: int = Field(24, ge=4, le=64, description="No shift is longer along an axis, px")
        renewal: float = Field(
            0.005, gt=0, le=1, description="Share of the template that one frame renews at least"
        )

    def prepare(self, ctx: Context) -> None:
        """Say what the frames will be like, and load the kernels."""
        incoming = ctx.metadata("frames-in")
        if incoming.get("has_color"):
            raise ValueError("the frames have colour; only grey ones can be stabilised")
        passed = {
            name: incoming[name]
            for name in ("framerate", "size", "has_color", "depth", "full_scale")
            if name in incoming
        }
        ctx.describe("frames-out", **passed)
        ctx.describe(
            "shifts-out",
            time_unit="microseconds",
            data_unit="px",
            signal_names=["dy", "dx", "quality"],
        )
        self._stabiliser = Stabiliser(self.settings.reach_px, self.settings.renewal)
        self._worst = 1.0
        # OpenCV's depth number 2 means 16 bits.
        deep = incoming.get("depth") == 2
        shape = (512, 512)
        _warm_up(np.zeros(shape, np.uint16) if deep else np.zeros(shape, np.uint8))

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        """Move one frame back."""
        if item.mat.ndim != 2:
            raise ValueError("the frames have colour; only grey ones can be stabilised")
        moved, shift = self._stabiliser(item.mat)
        ctx.emit("frames-out", Frame(item.index, item.time_us, moved))
        values = np.array([[shift.dy, shift.dx, shift.quality]], np.float32)
        ctx.emit("shifts-out", FloatSignalBlock(np.array([item.time_us], np.int64), values))
        if item.index % 32 == 0:
            ctx.status(f"{shift.dy:+.1f}, {shift.dx:+.1f} px, fits {100 * shift.quality:.0f} %")


def _warm_up(picture: Picture) -> None:
    """Have everything compiled, or loaded, before the first frame, which is locked like this."""
    picture[::7, ::5] = 99
    picture.flags.writeable = False
    stabiliser = Stabiliser()
    for _ in range(2):
        stabiliser(picture)
