"""What only an engine of one process can promise; the rest is in the contract of all engines."""

from __future__ import annotations

import threading

import pytest
from boxes import node, run

from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.streams import Frame


def test_a_frame_is_not_copied_on_a_wire_and_cannot_be_written(graph):
    engine = run(graph(
        "Source.frames-out > Relay.frames-in, Relay.frames-out > Keeping1.frames-in, "
        "Source.frames-out > Keeping2.frames-in", Source={"frames": 3}))  # fmt: skip
    here, there = node(engine, "Keeping1").frames, node(engine, "Keeping2").frames
    assert all(a.mat is b.mat for a, b in zip(here, there, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        here[0].mat[0, 0] = 1


def test_every_verb_but_prepare_and_start_has_the_thread_of_the_box(graph) -> None:
    box = node(run(graph("Source.frames-out > Threaded.frames-in")), "Threaded")
    [thread] = {words[1] for words in box.noted if words[0] == "thread"}
    assert thread != threading.get_ident()


def test_a_tap_sees_the_newest_and_counts_the_rest(graph):
    engine = LocalEngine(graph("Source.frames-out > Sink.frames-in"), RunOptions(record=False))
    tap = engine.tap("Sink", "frames-in", depth=3)
    engine.prepare()
    engine.start()
    assert engine.wait(60)
    assert [f.index for f in tap.take() if isinstance(f, Frame)] == [97, 98, 99]
    assert (tap.seen, tap.dropped) == (100, 97)
