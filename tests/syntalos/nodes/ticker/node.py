"""A source for tests: frames whose pixels tell their index, at a rate."""

from __future__ import annotations

import time
from datetime import date
from typing import Any, Literal

import numpy as np
from pydantic import Field

from syntalos_miniscope.node import Context, In, Node, Out, Settings, live
from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame, TableRow


class Ticker(Node):
    """Sends a frame, a block and a row per tick, and says what it hears."""

    inputs = (In("control-in", "Control", Control),)
    outputs = (
        Out("frames-out", "Frames", Frame),
        Out("signal-out", "Signal", FloatSignalBlock),
        Out("rows-out", "Rows", TableRow),
    )

    class Settings(Settings):
        """What is sent, and what goes wrong."""

        rate_hz: float = live(50.0, gt=0, description="Frames per second")
        height: int = Field(64, ge=2, description="Rows of a frame")
        width: int = Field(64, ge=2, description="Columns of a frame")
        fails: Literal["", "prepare", "run", "stop", "assertion", "deaf"] = Field(
            "", description="Where"
        )
        ticks: int = Field(0, description="The end, after so many; 0: none")
        stamps: Literal["due", "now"] = Field("due", description="What time a frame carries")
        signal_step_us: int = Field(1, ge=1, description="How finely the signal tells its times")
        prepare_s: float = Field(0.0, description="How long prepare takes")

    def prepare(self, ctx: Context) -> None:
        """Make a dataset and describe the streams."""
        time.sleep(self.settings.prepare_s)
        if self.settings.fails == "prepare":
            raise ValueError("the cable is not in")
        size = (self.settings.width, self.settings.height)
        ctx.describe("frames-out", framerate=self.settings.rate_hz, size=size, has_color=False)
        ctx.describe("signal-out", time_unit="microseconds", signal_names=["a", "b"])
        ctx.describe("rows-out", table_header=["Index", "Time [us]"])
        dataset = ctx.dataset("log")
        if dataset is None:
            return
        self._aux = dataset.aux_file("more.txt")
        self._log = dataset.data_file("log.txt").open("w")
        dataset.describe({"about": {"what": "a ticker", "size": size}, "made": date(2026, 1, 2)})

    def start(self, ctx: Context) -> None:
        """Keep when it began."""
        if hasattr(self, "_log"):
            self._log.write(f"start {ctx.clock.now_us() < 2_000_000}\n")

    def run(self, ctx: Context) -> None:
        """Tick."""
        index, due_us = 0, 0
        size = self.settings.height, self.settings.width
        while ctx.sleep_until(due_us) or self.settings.fails == "deaf":
            if self.settings.fails == "run" and index == 5:
                raise RuntimeError("the cable came out")
            if self.settings.fails == "assertion" and index == 5:
                raise AssertionError("this cannot be")
            mat = np.full(size, index % 251, np.uint8)
            now = self.settings.stamps == "now"
            ctx.emit("frames-out", Frame(index, ctx.clock.now_us() if now else due_us, mat))
            values = np.array([[index, -index]], np.float32)
            told_us = due_us - due_us % self.settings.signal_step_us
            ctx.emit("signal-out", FloatSignalBlock(np.array([told_us], np.int64), values))
            ctx.emit("rows-out", TableRow((str(index), str(due_us))))
            index += 1
            if index == self.settings.ticks:
                return
            due_us += round(1e6 / self.settings.rate_hz)

    def on_data(self, ctx: Context, port: str, item: Control) -> None:
        """Say what was heard."""
        ctx.note(f"heard {item.kind} {item.command}".strip())

    def apply(self, ctx: Context, settings: Any) -> None:
        """Say what was changed."""
        ctx.status(f"{settings.rate_hz:.0f} Hz")

    def stop(self, ctx: Context) -> None:
        """Close the log."""
        if hasattr(self, "_log"):
            self._log.write("stopped\n")
            self._log.close()
            self._aux.write_text("closed\n")
        ctx.count("stops")
        if self.settings.fails == "stop":
            raise RuntimeError("the lens is stuck")
