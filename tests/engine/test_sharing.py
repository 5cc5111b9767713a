"""What the boxes of a process share is tuned for a run, and afterwards as it was."""

from __future__ import annotations

import gc
import sys

import cv2
import pytest
from boxes import node, run

from syntalos_miniscope.engine.run import RunError
from syntalos_miniscope.engine.sharing import SWITCH_S


def shared() -> tuple[float, int, int]:
    return sys.getswitchinterval(), cv2.getNumThreads(), gc.get_freeze_count()


def test_during_a_run_threads_take_short_turns_and_afterwards_all_is_as_it_was(graph):
    before = shared()
    engine = run(graph("Source.frames-out > Looking.frames-in"))
    switch_s, threads, frozen = node(engine, "Looking").shared
    assert switch_s == pytest.approx(SWITCH_S)
    assert threads == 1
    assert frozen > before[2]
    assert shared() == before


def test_a_run_that_is_refused_leaves_all_as_it_was(graph):
    before = shared()
    with pytest.raises(RunError, match="the lamp is out"):
        run(graph("Source.frames-out > Unready.frames-in"))
    assert shared() == before


def test_a_run_that_is_begun_a_second_time_leaves_all_as_it_was(graph):
    before = shared()
    engine = run(graph("Source.frames-out > Looking.frames-in"))
    with pytest.raises(RunError, match="an engine runs once"):
        engine.start()
    assert shared() == before


def test_a_program_that_collects_garbage_itself_is_left_to_it(graph):
    gc.disable()
    try:
        engine = run(graph("Source.frames-out > Looking.frames-in"))
    finally:
        gc.enable()
    assert node(engine, "Looking").shared[2] == 0
