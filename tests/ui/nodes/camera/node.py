"""A box for tests of the editor."""

import time
from pathlib import Path

import numpy as np

from syntalos_miniscope.node import In, Node, Out, Settings, live
from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame, TableRow


class Camera(Node):
    """Sends small frames and samples, twenty a second."""

    inputs = (In("control-in", "Control", Control),)
    outputs = (
        Out("frames-raw-out", "Raw Frames", Frame),
        Out("frames-disp-out", "Display Frames", Frame),
        Out("signal-out", "Signal", FloatSignalBlock),
        Out("rows-out", "Rows", TableRow),
    )

    class Settings(Settings):
        level: int = live(10, ge=0, le=200, description="Grey of the frames")
        fail_at: int = 0
        refuse: bool = False
        wait_for: str = ""
        device: str = "auto"
        mute: bool = False
        unplugged: bool = live(False)

    def prepare(self, ctx):
        if self.settings.refuse:
            raise RuntimeError("the lens cap is on")
        while self.settings.wait_for and not Path(self.settings.wait_for).exists():
            time.sleep(0.01)
        for port in ("frames-raw-out", "frames-disp-out"):
            ctx.describe(port, framerate=20.0, size=(32, 24), has_color=False)
        ctx.describe("signal-out", time_unit="microseconds", data_unit="V", signal_names=["a", "b"])
        ctx.describe("rows-out", table_header=["Time [ms]", "n"])
        self.level = self.settings.level

    def apply(self, ctx, settings):
        self.level = settings.level
        words = "The cable is out" if settings.unplugged else "Here again"
        ctx.status(words, trouble=settings.unplugged)

    def on_data(self, ctx, port, item):
        ctx.status(f"heard {item.command}")

    def run(self, ctx):
        index = 0
        while ctx.sleep_until(index * 50_000):
            if self.settings.fail_at and index == self.settings.fail_at:
                raise RuntimeError("the cable came out")
            for port in ("frames-raw-out", "frames-disp-out"):
                mat = np.full((24, 32), self.level, np.uint8)
                ctx.emit(port, Frame(index, index * 50_000, mat))
            times = np.array([index * 50_000], np.int64)
            if not self.settings.mute:
                ctx.emit("signal-out", FloatSignalBlock(times, np.ones((1, 2), np.float32)))
            ctx.emit("rows-out", TableRow((f"{index * 50:.3f}", str(index))))
            ctx.count("frames")
            index += 1
