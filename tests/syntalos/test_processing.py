"""Nodes that work on data: on the newest, in time, with an input that never backs up."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from host import NODES, Host


def give_frames(module: Host, count: int, rate_hz: float, first_us: int = 0) -> None:
    """Give frames at a rate, as a scope would."""
    begin = time.monotonic()
    for index in range(count):
        mat = np.full((60, 80), index % 251, np.uint8)
        module.give("frames-in", (index, first_us + round(index * 1e6 / rate_hz), mat))
        time.sleep(max(begin + (index + 1) / rate_hz - time.monotonic(), 0))


def begin(module: Host) -> None:
    module.connect("frames-in", framerate=50.0, size=(80, 60), has_color=False)
    assert module.prepare(), module.errors
    module.start()


def test_a_quick_node_passes_every_frame_with_its_index_and_time(host: Callable[..., Host]) -> None:
    module = host(NODES / "slow", {"work_ms": 1.0})
    begin(module)
    # A frame of another process may come before our own zero.
    give_frames(module, 40, 50.0, first_us=-2004)
    module.wait(lambda: len(module.items["frames-out"]) == 40)
    assert module.metadata["frames-out"] == {
        "framerate": 50.0, "size": ("size", 80, 60), "has_color": False
    }  # fmt: skip
    for index, (number, time_us, mat) in enumerate(module.items["frames-out"]):
        assert (number, time_us) == (index, -2004 + index * 20_000) and (mat == index).all()
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


def test_a_wire_over_which_nothing_came_is_told(host: Callable[..., Host]) -> None:
    """Now and then Syntalos connects a source to a module and delivers nothing."""
    module = host(NODES / "slow")
    begin(module)
    module.stop()
    assert module.report()["notes"] == ["Nothing arrived on frames-in."]
    assert "Nothing arrived on frames-in." in module.log()


def test_data_after_the_stop_is_let_go(host: Callable[..., Host]) -> None:
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
