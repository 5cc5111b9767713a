"""Boxes on which a command waits go before others, if the system lets them and they take little."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from boxes import start
from waiting import wait_for

from syntalos_miniscope.engine import precedence
from syntalos_miniscope.engine.precedence import awaited

LOOP = (
    "Endless.frames-out > Looped.frames-in, Looped.control-out > Commanded.control-in, "
    "Endless.frames-out > Sink.frames-in"
)


def granted() -> bool:
    if sys.platform != "linux":
        return False
    ours = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        os.sched_setscheduler(0, ours, os.sched_param(0))
    except OSError:
        return False
    return True


grants = pytest.mark.skipif(not granted(), reason="this system grants no real-time priority")


def policy(engine, box: str) -> int:
    return os.sched_getscheduler(engine._workers[box].thread_id) & ~os.SCHED_RESET_ON_FORK


def test_who_commands_is_awaited_and_whom_it_hears(graph):
    assert awaited(graph(LOOP)) == {"Endless", "Looped"}
    assert awaited(graph("Endless.frames-out > Relay.frames-in")) == set()


def test_boxes_that_command_each_other_are_awaited_both(graph):
    wires = (
        "Source.frames-out > Peer1.frames-in, Peer1.control-out > Peer2.control-in, "
        "Source.frames-out > Peer2.frames-in, Peer2.control-out > Peer1.control-in"
    )
    assert awaited(graph(wires)) == {"Source", "Peer1", "Peer2"}


@grants
def test_only_awaited_boxes_run_at_real_time_priority(graph):
    engine = start(graph(LOOP))
    try:
        wait_for(lambda: engine.boxes()["Looped"].notes)
        assert [policy(engine, box) == os.SCHED_RR for box in engine.boxes()] == [
            box in ("Endless", "Looped") for box in engine.boxes()
        ]
        assert policy(engine, "Sink") == os.SCHED_OTHER
        # A thread that a box starts is an ordinary one.
        thread: Any = engine._workers["Looped"].thread_id
        assert os.sched_getscheduler(thread) & os.SCHED_RESET_ON_FORK
    finally:
        engine.stop()
        engine.wait(60)
    assert engine.boxes()["Looped"].notes == ["Had real-time priority, with the boxes before it."]


@grants
def test_boxes_that_take_too_much_wait_with_the_others_again(graph, monkeypatch):
    monkeypatch.setattr(precedence, "LOOK_S", 0.1)
    engine = start(graph(LOOP.replace("Looped", "Greedy")))
    try:
        wait_for(lambda: len(engine.boxes()["Greedy"].notes) == 2)
        assert policy(engine, "Greedy") == policy(engine, "Endless") == os.SCHED_OTHER
    finally:
        engine.stop()
        engine.wait(60)
    assert "more than 50% of a core" in engine.boxes()["Greedy"].notes[1]


def test_where_the_system_grants_none_the_run_goes_on_and_says_so(graph, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse, raising=False)
    engine = start(graph(LOOP))
    try:
        wait_for(lambda: engine.boxes()["Looped"].notes)
    finally:
        engine.stop()
        engine.wait(60)
    assert engine.report()["exit_reason"] == "stopped"
    assert "No real-time priority" in engine.boxes()["Looped"].notes[0]


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are Linux's")
def test_where_the_system_grants_it_to_some_none_has_it(monkeypatch):
    policies = {}

    def grant_one(thread: int, policy: int, param: object) -> None:
        if policy & os.SCHED_RR and thread != 1:
            raise PermissionError(1, "Operation not permitted")
        policies[thread] = policy

    monkeypatch.setattr(os, "sched_setscheduler", grant_one)
    notes: list[str] = []
    boxes: list[Any] = [SimpleNamespace(thread_id=number, note=notes.append) for number in (1, 2)]
    precedence.give_precedence(boxes)
    assert policies == {1: os.SCHED_OTHER, 2: os.SCHED_OTHER}
    assert len(notes) == 1 and notes[0].startswith("No real-time priority here")


def test_a_graph_without_commands_asks_for_nothing(graph, monkeypatch):
    asked = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda *a: asked.append(a), raising=False)
    engine = start(graph("Endless.frames-out > Sink.frames-in"))
    engine.stop()
    assert engine.wait(60) and asked == []
