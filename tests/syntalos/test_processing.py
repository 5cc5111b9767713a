"""Nodes that work on data: on the newest, in time, with an input that never backs up."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from host import NODES, Host, saved
from unlinked import Unlinked

from syntalos_miniscope.streams import Frame
from syntalos_miniscope.syntalos.box import Box
from syntalos_miniscope.syntalos.inline_run import InlineRun
from syntalos_miniscope.syntalos.module import Module
from syntalos_miniscope.syntalos.nodes import load_node


def give_frames(module: Host, count: int, rate_hz: float) -> None:
    """Give frames at a rate, as a scope would."""
    begin = time.monotonic()
    for index in range(count):
        mat = np.full((64, 80), index % 251, np.uint8)
        module.give("frames-in", (index, round(index * 1e6 / rate_hz), mat))
        time.sleep(max(begin + (index + 1) / rate_hz - time.monotonic(), 0))


def begin(module: Host) -> None:
    module.connect("frames-in", framerate=50.0, size=(80, 64), has_color=False)
    assert module.prepare(), module.errors
    module.start()


def test_a_quick_node_passes_every_frame_with_its_index_and_time(host: Callable[..., Host]) -> None:
    module = host(NODES / "slow", {"work_ms": 1.0})
    begin(module)
    give_frames(module, 40, 50.0)
    module.wait(lambda: len(module.items["frames-out"]) == 40)
    assert module.metadata["frames-out"] == {
        "framerate": 50.0, "size": ("size", 80, 64), "has_color": False,
        "data_name_proposal": "slow_0-frames/frames",
    }  # fmt: skip
    for index, (number, time_us, mat) in enumerate(module.items["frames-out"]):
        assert (number, time_us) == (index, index * 20_000) and (mat == index).all()
    module.stop()
    assert module.report()["inputs"] == [{"port": "frames-in", "items": 40, "dropped": 0}]


def test_a_slow_node_drops_what_is_old_counts_it_and_lets_nothing_back_up(
    host: Callable[..., Host],
) -> None:
    module = host(NODES / "slow", {"work_ms": 60.0})
    begin(module)
    give_frames(module, 60, 50.0)
    module.wait(lambda: module.taken == 60)
    module.stop()
    out = [number for number, _, _ in module.items["frames-out"]]
    assert out == sorted(set(out)) and len(out) >= 3
    assert out[-1] >= 55, "it is the newest that is worked on"
    entry = module.report()["inputs"][0]
    assert entry["dropped"] > 5 and entry["items"] == 60 == len(out) + entry["dropped"]
    assert f"dropped frames-in {entry['dropped']}" in module.log()
    assert not module.errors and not module.sent_outside_a_run


class Bench:
    """A node on the thread of a link to nothing, with a clock that is turned by hand."""

    def __init__(self, tmp_path: Path) -> None:
        self.link = Unlinked(tmp_path)
        node = load_node(str(NODES / "slow"))
        self.box = Box(self.link, node, "slow")
        self.time_s = 0.0
        settings = node.Settings.model_validate({"work_ms": 0.0})
        self.run = InlineRun(self.box, node, settings, lambda: self.time_s)
        self.run.prepare()
        self.box.begin(0)
        self.run.start(0)

    def take(self, *indices: int) -> None:
        """Take frames of 50 per second, when they are due."""
        for index in indices:
            self.time_s = max(self.time_s, index * 0.02)
            self.run.take("frames-in", Frame(index, index * 20_000, np.zeros((2, 2), np.uint8)))

    def work(self) -> list[int]:
        """Work until nothing is left; gives what was sent."""
        while self.run.step():
            pass
        return [item.index for _, item in self.link.sent]


def test_a_node_that_catches_up_loses_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for hiccup in range(5):
        bench.take(*range(hiccup * 45, (hiccup + 1) * 45))
        assert bench.work() == list(range((hiccup + 1) * 45))
    assert not bench.box.dropped["frames-in"]


def test_a_node_that_stays_behind_gets_the_newest_frames_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.work()
    bench.take(*range(60))
    assert bench.run.step(), "it works, and never has nothing to do"
    bench.take(*range(60, 70))
    assert bench.work() == [54, 64, 65, 66, 67, 68, 69]
    assert bench.box.dropped["frames-in"] == 70 - 7
    bench.take(*range(70, 115))
    assert len(bench.work()) == 7 + 45, "and once it has caught up it is trusted again"


def test_what_is_heard_is_worked_on_before_syntalos_waits(tmp_path: Path) -> None:
    """Syntalos would wait 25 ms for news of a frame that is here already."""
    link = Unlinked(tmp_path)
    module = Module(link, load_node(str(NODES / "slow")), "slow", str(NODES / "slow"))
    module.load_settings(saved("slow", {"work_ms": 0.0}))
    assert module.prepare()
    module.start()
    frames = [Frame(k, k * 20_000, np.zeros((2, 2), np.uint8)) for k in range(3)]
    link.hear = lambda: module.receive("frames-in", lambda: frames.pop(0)) if frames else None
    module.turn()
    assert [item.index for _, item in link.sent] == [0, 1, 2]
    module.stop()
    assert not link.failed


def test_a_wire_over_which_nothing_came_is_told(host: Callable[..., Host]) -> None:
    """Now and then Syntalos connects a source to a module and delivers nothing."""
    module = host(NODES / "slow")
    begin(module)
    module.stop()
    assert module.report()["notes"] == ["Nothing arrived on frames-in."]
    assert "Nothing arrived on frames-in." in module.log()


def test_data_that_comes_before_the_start_is_worked_on(host: Callable[..., Host]) -> None:
    """Syntalos starts its modules one after the other: a source may be ahead of us."""
    module = host(NODES / "slow", {"work_ms": 0.0})
    module.connect("frames-in", framerate=50.0, size=(80, 64), has_color=False)
    assert module.prepare(), module.errors
    give_frames(module, 5, 100.0)
    module.wait(lambda: module.taken == 5)
    assert not module.items
    module.start()
    module.wait(lambda: len(module.items["frames-out"]) == 5)
    module.stop()
    assert not module.errors and not module.sent_outside_a_run


def test_data_after_the_stop_is_counted(host: Callable[..., Host]) -> None:
    module = host(NODES / "slow", {"work_ms": 0.0})
    begin(module)
    give_frames(module, 5, 100.0)
    module.wait(lambda: len(module.items["frames-out"]) == 5)
    module.stop()
    give_frames(module, 5, 100.0)
    module.wait(lambda: module.taken == 10)
    assert module.save()
    assert len(module.items["frames-out"]) == 5
    assert not module.errors and not module.sent_outside_a_run
    assert module.prepare("again")
    module.stop()
    assert "slow_0: 5 items came after the end of the run" in module.log()


def test_an_error_names_the_port_and_ends_the_run_not_the_module(host: Callable[..., Host]) -> None:
    module = host(NODES / "slow", {"work_ms": 0.0, "fails_at": 3})
    begin(module)
    give_frames(module, 6, 100.0)
    module.wait(lambda: bool(module.errors))
    module.stop()
    assert module.errors == ["frames-in: this frame cannot be worked on"]
    assert [number for number, _, _ in module.items["frames-out"]] == [0, 1, 2]
    assert module.report()["counters"] == {"stops": 1}
    assert module.prepare("again")
    module.stop()


def test_a_frame_that_cannot_be_carried_fails_the_run_in_words(host: Callable[..., Host]) -> None:
    module = host(NODES / "slow")
    begin(module)
    module.give("frames-in", (0, 0, np.zeros((4, 4), np.float32)))
    module.wait(lambda: bool(module.errors))
    module.stop()
    assert "float32" in module.errors[0]


def test_times_of_a_signal_never_stand_still(host: Callable[..., Host]) -> None:
    """Whole milliseconds are told, and under load two samples may come within one."""
    module = host(NODES / "ticker", {"signal_step_us": 60_000})
    for run in ("run", "again"):
        module.items.clear()
        assert module.prepare(run)
        module.start()
        module.wait(lambda: len(module.items["signal-out"]) > 7)
        module.stop()
        times = [int(stamps[0]) for stamps, _ in module.items["signal-out"]]
        assert times[:7] == [0, 1, 2, 60_000, 60_001, 60_002, 120_000]
