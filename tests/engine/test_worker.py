"""One box as its node sees it, without a run around it."""

from __future__ import annotations

import threading

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.worker import Worker
from syntalos_miniscope.node import In, Node, Out, Settings
from syntalos_miniscope.project import Box
from syntalos_miniscope.streams import Control, ControlKind, Frame


class Hearing(Node):
    """A source that keeps what it hears."""

    inputs = (In("control-in", "Control", Control),)
    outputs = (Out("frames-out", "Frames", Frame),)

    def prepare(self, ctx):
        self.heard = []

    def on_data(self, ctx, port, item):
        self.heard.append(item)


def made() -> Worker:
    clock = RunClock()
    box = Box(id="ear", type="hearing")
    worker = Worker(box, Hearing, Settings(), clock, lambda name: None, lambda worker: None)
    worker.prepare()
    clock.start()
    return worker


def test_a_source_that_asks_whether_to_stop_hears_all_that_waits() -> None:
    worker = made()
    for _ in range(3):
        worker.order(Control(ControlKind.STEP))
    assert not worker.stopping()
    assert isinstance(worker.node, Hearing)
    assert worker.node.heard == [Control(ControlKind.STEP)] * 3


def test_a_source_sleeps_until_a_time_of_the_run_and_not_for_ever() -> None:
    worker = made()
    woken = []
    until_us = worker.clock.now_us() + 300_000
    sleep = threading.Thread(target=lambda: woken.append(worker.sleep_until(until_us)), daemon=True)
    sleep.start()
    sleep.join(60)
    assert woken == [True]
    assert worker.clock.now_us() >= until_us


def test_a_port_is_wired_from_either_end() -> None:
    ear, mouth = made(), made()
    assert not any(ear.wired(port) for port in ("control-in", "frames-out"))
    ear.hear_from(("mouth", "control-out"), "control-in", {}, outlived=False)
    mouth.send_to(ear.mailbox, "frames-out", "frames-in")
    assert ear.wired("control-in") and mouth.wired("frames-out")
    assert not ear.wired("frames-out") and not mouth.wired("control-in")
