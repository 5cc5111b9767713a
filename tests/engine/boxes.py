"""More boxes of a few lines, for what can be seen in one process only, and how to run a graph."""

from __future__ import annotations

import gc
import sys
import threading
import time
from typing import Any

import cv2
from engine_boxes import SHARED, Looped, Noting, Relay, Sink

from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.node import In
from syntalos_miniscope.streams import Control, Frame


class Keeping(Sink):
    """Keeps the frames themselves."""

    def prepare(self, ctx):
        super().prepare(ctx)
        self.frames: list[Frame] = []

    def on_data(self, ctx, port, item):
        self.frames.append(item)


class SlowRelay(Relay):
    def on_data(self, ctx, port, item):
        time.sleep(0.002)
        super().on_data(ctx, port, item)


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


class Sleeping(Sink):
    def on_data(self, ctx, port, item):
        time.sleep(1.5)


class StuckForGood(Sink):
    """Neither ends nor lets itself be stopped, until it is released."""

    def __init__(self, settings):
        super().__init__(settings)
        self.released = threading.Event()

    def on_data(self, ctx, port, item):
        self.released.wait()

    def stop(self, ctx):
        super().stop(ctx)
        self.released.wait()


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


class Commanded(Noting):
    """Hears commands only, and gives nothing."""

    inputs = (In("control-in", "Control", Control),)

    def on_data(self, ctx, port, item):
        self.note("command", item.command)


class Peer(Looped):
    """Commands and is commanded."""

    inputs = (*Looped.inputs, In("control-in", "Control", Control))

    def on_data(self, ctx, port, item):
        if port == "frames-in":
            super().on_data(ctx, port, item)


class Unmade(Sink):
    """Cannot even be made."""

    def __init__(self, settings):
        raise KeyError("no such lamp")


class Threaded(Sink):
    """Looks at the thread on which it is called."""

    def on_data(self, ctx, port, item):
        self.note("thread", threading.get_ident())

    def stop(self, ctx):
        self.note("thread", threading.get_ident())


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


# fmt: off
KINDS = [*SHARED, Keeping, SlowRelay, Hanging, Sleeping, StuckForGood, Exiting, Chatty, Commanded,
         Peer, Unmade, Threaded, Looking, Greedy]
# fmt: on


def start(graph, **options) -> LocalEngine:
    engine = LocalEngine(graph, RunOptions(record=False, **options))
    engine.prepare()
    engine.start()
    return engine


def run(graph, **options) -> LocalEngine:
    engine = start(graph, **options)
    assert engine.wait(60)
    return engine


def node(engine: LocalEngine, name: str) -> Any:
    return engine._workers[name].node
