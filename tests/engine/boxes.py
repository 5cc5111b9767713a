"""Boxes of a few lines, and how to run a graph of them."""

from __future__ import annotations

import gc
import sys
import threading
import time
from typing import Any

import cv2
import numpy as np

from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.node import Context, In, Node, Out, Policy, Settings, live
from syntalos_miniscope.streams import Control, ControlKind, Frame, TableRow


def picture(index: int) -> Frame:
    return Frame(index, index * 1000, np.full((4, 4), index % 256, np.uint8))


class SourceSettings(Settings):
    frames: int = 100
    gain: float = live(1.0)


class Source(Node):
    inputs = (In("control-in", "Control", Control),)
    outputs = (Out("frames-out", "Frames", Frame),)
    Settings = SourceSettings
    log: list[str]

    def prepare(self, ctx):
        self.log = []
        ctx.describe("frames-out", framerate=20.0)

    def run(self, ctx: Context):
        for index in range(self.settings.frames):
            if ctx.stopping():
                return
            ctx.emit("frames-out", picture(index))

    def on_data(self, ctx, port, item):
        self.log.append(item.command)

    def apply(self, ctx, settings):
        self.log.append(f"gain {self.settings.gain} -> {settings.gain}")


class Endless(Source):
    def run(self, ctx):
        index = 0
        while ctx.sleep_until((index + 1) * 1000):
            ctx.emit("frames-out", picture(index))
            index += 1


class Relay(Node):
    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("frames-out", "Frames", Frame),)

    def prepare(self, ctx):
        ctx.describe("frames-out", **ctx.metadata("frames-in"))

    def on_data(self, ctx, port, item):
        ctx.emit("frames-out", item)


class Sink(Node):
    inputs = (In("frames-in", "Frames", Frame, depth=4), In("control-in", "Control", Control))

    def prepare(self, ctx):
        self.metadata = dict(ctx.metadata("frames-in"))
        self.got: list[Frame] = []
        self.stops = 0
        self.threads: set[int] = set()

    def on_data(self, ctx, port, item):
        self.threads.add(threading.get_ident())
        if port == "frames-in":
            self.got.append(item)

    def stop(self, ctx):
        self.stops += 1


class SlowSink(Sink):
    def on_data(self, ctx, port, item):
        time.sleep(0.002)
        super().on_data(ctx, port, item)


class SlowRelay(Relay):
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


class Hanging(Sink):
    """Does not get ready until it is released."""

    def __init__(self, settings):
        super().__init__(settings)
        self.released = threading.Event()

    def prepare(self, ctx):
        super().prepare(ctx)
        ctx.status("hanging")
        self.released.wait(60)
        raise RuntimeError("too late")


class Stuck(Sink):
    def on_data(self, ctx, port, item):
        time.sleep(1.5)


class LastWords(Relay):
    def stop(self, ctx):
        ctx.emit("frames-out", picture(999))


class Looped(Relay):
    outputs = (Out("frames-out", "Frames", Frame), Out("control-out", "Control", Control))

    def on_data(self, ctx, port, item):
        super().on_data(ctx, port, item)
        ctx.emit("control-out", Control(ControlKind.CUSTOM, f"saw {item.index}"))


class Wrong(Relay):
    def on_data(self, ctx, port, item):
        ctx.emit("frames-out", TableRow(("not a frame",)))


class Exiting(Sink):
    """Raises what is no Exception."""

    def on_data(self, ctx, port, item):
        super().on_data(ctx, port, item)
        raise SystemExit(3)


class Chatty(Looped):
    """Says much more at once than may wait at an input."""

    def on_data(self, ctx, port, item):
        for _ in range(300):
            super().on_data(ctx, port, item)


class Wordy(Relay):
    """Says much more in the end than may wait at an input."""

    def stop(self, ctx):
        for index in range(300):
            ctx.emit("frames-out", picture(index))


class Commanded(Node):
    """Hears commands only, and gives nothing."""

    inputs = (In("control-in", "Control", Control),)

    def prepare(self, ctx):
        self.got: list[str] = []

    def on_data(self, ctx, port, item):
        self.got.append(item.command)


class Peer(Looped):
    """Commands and is commanded."""

    inputs = (*Looped.inputs, In("control-in", "Control", Control))

    def on_data(self, ctx, port, item):
        if port == "frames-in":
            super().on_data(ctx, port, item)


class Unready(Sink):
    """Cannot begin."""

    def start(self, ctx):
        raise RuntimeError("the lamp is out")


class Unmade(Sink):
    """Cannot even be made."""

    def __init__(self, settings):
        raise KeyError("no such lamp")


class Looking(Sink):
    """Looks at what the boxes of this process share."""

    def on_data(self, ctx, port, item):
        self.shared = sys.getswitchinterval(), cv2.getNumThreads(), gc.get_freeze_count()


class Greedy(Looped):
    """Thinks for long about every frame."""

    def on_data(self, ctx, port, item):
        until_s = time.thread_time() + 0.02
        while time.thread_time() < until_s:
            pass
        super().on_data(ctx, port, item)


class StuckForGood(Stuck):
    """Neither ends nor lets itself be stopped, until it is released."""

    def prepare(self, ctx):
        super().prepare(ctx)
        self.released = threading.Event()

    def on_data(self, ctx, port, item):
        self.released.wait()

    def stop(self, ctx):
        super().stop(ctx)
        self.released.wait()


# fmt: off
KINDS = [Source, Endless, Relay, Sink, SlowSink, SlowView, Broken, Refusing, Stuck, LastWords,
         Looped, Wrong, SlowRelay, Exiting, Chatty, Wordy, Commanded, Peer, Unready,
         StuckForGood, Hanging, Looking, Unmade, Greedy]
# fmt: on


def start(graph, **options) -> LocalEngine:
    engine = LocalEngine(graph, RunOptions(record=False, **options))
    engine.prepare()
    engine.start()
    return engine


def run(graph, **options) -> LocalEngine:
    engine = start(graph, **options)
    assert engine.wait(20)
    return engine


def node(engine: LocalEngine, name: str) -> Any:
    return engine._workers[name].node


def report_of(engine: LocalEngine, name: str) -> dict:
    return next(n for n in engine.report()["nodes"] if n["id"] == name)
