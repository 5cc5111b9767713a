"""Boxes of a few lines for whichever engine, which keep what happens to them.

In memory, as `noted`, for an engine of this process; and, as their nodes may run in another one, in
the folder that `notes` of the settings names. There they are found as node folders.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from syntalos_miniscope.node import Context, In, Node, Out, Policy, Settings, live
from syntalos_miniscope.streams import Control, ControlKind, FloatSignalBlock, Frame, TableRow


def picture(index: int) -> Frame:
    return Frame(index, index * 1000, np.full((64, 48), index % 256, np.uint8))


class Noted(Settings):
    notes: str = ""


class Counted(Noted):
    frames: int = 100
    gain: float = live(1.0)


class Noting(Node):
    """Keeps a line for each thing that happens to it."""

    Settings = Noted

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.noted: list[tuple[Any, ...]] = []

    @property
    def stops(self) -> int:
        return self.noted.count(("stop",))

    def note(self, *words: Any) -> None:
        self.noted.append(words)
        if self.settings.notes:
            with Path(self.settings.notes, f"{type(self).__name__}.jsonl").open("a") as file:
                file.write(json.dumps(words) + "\n")

    def prepare(self, ctx: Context) -> None:
        self.note("prepare", os.getpid())
        for port in self.inputs:
            if ctx.metadata(port.id):
                self.note("metadata", port.id, dict(ctx.metadata(port.id)))

    def stop(self, ctx: Context) -> None:
        self.note("stop")


class Source(Noting):
    inputs = (In("control-in", "Control", Control),)
    outputs = (Out("frames-out", "Frames", Frame),)
    Settings = Counted

    def prepare(self, ctx):
        super().prepare(ctx)
        ctx.describe("frames-out", framerate=20.0, size=(48, 64))

    def run(self, ctx: Context):
        for index in range(self.settings.frames):
            if ctx.stopping():
                return
            ctx.emit("frames-out", picture(index))

    def on_data(self, ctx, port, item):
        self.note("command", item.command)

    def apply(self, ctx, settings):
        self.note("gain", self.settings.gain, settings.gain)


class Endless(Source):
    def run(self, ctx):
        index = 0
        while ctx.sleep_until((index + 1) * 1000):
            ctx.emit("frames-out", picture(index))
            index += 1


class Relay(Noting):
    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("frames-out", "Frames", Frame),)

    def prepare(self, ctx):
        super().prepare(ctx)
        ctx.describe("frames-out", **ctx.metadata("frames-in"))

    def on_data(self, ctx, port, item):
        ctx.emit("frames-out", item)


class Sink(Noting):
    inputs = (In("frames-in", "Frames", Frame, depth=4), In("control-in", "Control", Control))

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.got: list[int] = []

    def on_data(self, ctx, port, item):
        if port == "frames-in":
            assert int(item.mat.max()) == item.index % 256, "a frame is what it was"
            self.got.append(item.index)

    def stop(self, ctx):
        self.note("got", self.got)
        super().stop(ctx)


class SlowSink(Sink):
    def on_data(self, ctx, port, item):
        time.sleep(0.002)
        super().on_data(ctx, port, item)


class SlowView(SlowSink):
    inputs = (In("frames-in", "Frames", Frame, Policy.NEWEST, depth=2),)


class Broken(Sink):
    def on_data(self, ctx, port, item):
        super().on_data(ctx, port, item)
        if len(self.got) == 3:
            raise ValueError("the third frame is bad")


class Refusing(Sink):
    def prepare(self, ctx):
        super().prepare(ctx)
        raise RuntimeError("the disk is made of cheese")


class Unready(Sink):
    """Cannot begin."""

    def start(self, ctx):
        raise RuntimeError("the lamp is out")


class Stuck(Sink):
    """Does not end while a file lies in its folder."""

    def on_data(self, ctx, port, item):
        while Path(self.settings.notes, "stuck").exists():
            time.sleep(0.01)


class LastWords(Relay):
    def stop(self, ctx):
        ctx.emit("frames-out", picture(999))
        super().stop(ctx)


class Wordy(Relay):
    """Says much more in the end than may wait at an input."""

    def stop(self, ctx):
        for index in range(300):
            ctx.emit("frames-out", picture(index))


class Looped(Relay):
    outputs = (Out("frames-out", "Frames", Frame), Out("control-out", "Control", Control))

    def on_data(self, ctx, port, item):
        super().on_data(ctx, port, item)
        ctx.emit("control-out", Control(ControlKind.CUSTOM, f"saw {item.index}"))


class Wrong(Relay):
    def on_data(self, ctx, port, item):
        ctx.emit("frames-out", TableRow(("not a frame",)))


class Measuring(Relay):
    """Gives a signal and rows, and keeps a dataset."""

    outputs = (
        Out("signal-out", "Signal", FloatSignalBlock),
        Out("rows-out", "Rows", TableRow),
    )

    def prepare(self, ctx):
        Noting.prepare(self, ctx)
        ctx.describe("signal-out", time_unit="microseconds", signal_names=["mean"])
        ctx.describe("rows-out", table_header=["index", "µ"])
        place = ctx.dataset("measured")
        self.file = place and place.data_file("means.csv").open("w")

    def on_data(self, ctx, port, item):
        times = np.array([item.time_us], np.int64)
        ctx.emit("signal-out", FloatSignalBlock(times, np.array([[item.mat.mean()]], np.float32)))
        ctx.emit("rows-out", TableRow((str(item.index), f"{item.mat.mean():.1f} µ\n;")))
        ctx.count("measured")
        ctx.status("The ruler is bent", trouble=True)
        if self.file:
            self.file.write(f"{item.index}\n")

    def stop(self, ctx):
        if self.file:
            self.file.close()
        ctx.note("measured to the end")


class Reading(Noting):
    inputs = (
        In("signal-in", "Signal", FloatSignalBlock),
        In("rows-in", "Rows", TableRow),
    )

    def on_data(self, ctx, port, item):
        if port == "rows-in":
            self.note("row", *item.cells)
        else:
            self.note("signal", int(item.timestamps[0]), float(item.data[0, 0]))


def noted(folder: Path, kind: str, what: str) -> list[Any]:
    """Give what a box has noted under a word."""
    file = folder / f"{kind}.jsonl"
    lines = map(json.loads, file.read_text().splitlines()) if file.exists() else []
    return [line[1:] for line in lines if line[0] == what]


def got(folder: Path, kind: str) -> list[int]:
    """Give the frames that a sink had when it was stopped."""
    [[indices]] = noted(folder, kind, "got")
    return indices


def entry_of(report: dict, node: str) -> dict:
    """Give the entry of a box in a run's report."""
    return next(entry for entry in report["nodes"] if entry["id"] == node)


def assert_sums(report: dict) -> None:
    """Sent is delivered and dropped, for each wire."""
    sent = {
        f"{entry['id']}.{out['port']}": out["items"]
        for entry in report["nodes"]
        for out in entry["outputs"]
    }
    for entry in report["nodes"]:
        for wire in entry["inputs"]:
            assert wire["items"] + wire["dropped"] == sent[wire["from"]], (entry["id"], wire)


def pid_of(folder: Path, kind: str) -> int:
    """Give the process that a box was prepared in."""
    [[pid]] = noted(folder, kind, "prepare")
    return pid


SHARED = [
    Source, Endless, Relay, Sink, SlowSink, SlowView, Broken, Refusing, Unready, Stuck, LastWords,
    Wordy, Looped, Wrong, Measuring, Reading,
]  # fmt: skip


def make_node_folders(parent: Path) -> Path:
    """Write each kind as a node folder, as a process of its own can find it."""
    for kind in SHARED:
        folder = parent / kind.__name__
        folder.mkdir()
        (folder / "module.toml").write_text(
            f'[syntalos_module]\nname = "{kind.__name__}"\ndescription = ""\n'
            'main = "node.py"\nicon = "icon.svg"\n'
        )
        (folder / "node.py").write_text(
            "import sys\n"
            f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            "import engine_boxes\n"
            f"class {kind.__name__}(engine_boxes.{kind.__name__}): pass\n"
        )
    return parent
