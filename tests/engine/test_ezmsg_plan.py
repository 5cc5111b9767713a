"""Which process runs which boxes, and what goes from one to another."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from syntalos_miniscope.engine.ezmsg.channel import RefusedError
from syntalos_miniscope.engine.ezmsg.engine import EzmsgEngine
from syntalos_miniscope.engine.ezmsg.plan import Place, plan
from syntalos_miniscope.engine.run import RunError, RunOptions
from syntalos_miniscope.project import check

CHAIN = (
    "Source.frames-out > Relay.frames-in, Source.frames-out > Sink.frames-in, "
    "Source.frames-out > SlowView.frames-in, Relay.frames-out > Sink2.frames-in"
)


@pytest.fixture
def placed(graph, catalog):
    """Build a graph whose boxes are placed, as `machine/group`."""

    def build(wires: str, **places: str):
        project = graph(wires).project
        boxes = []
        for box in project.nodes:
            machine, _, group = places.get(box.id, "/").partition("/")
            boxes.append(box.model_copy(update={"machine": machine, "group": group}))
        return check(project.model_copy(update={"nodes": tuple(boxes)}), catalog)

    return build


def test_a_box_without_a_group_has_a_process_of_its_own(placed) -> None:
    made = plan(placed(CHAIN, Relay="/g", Sink="/g"), "run")
    assert made.places["Source"] == Place("", "Source")
    assert made.places["Relay"] == made.places["Sink"] == Place("", "g")
    assert len(set(made.places.values())) == 4


def test_the_same_group_on_two_machines_is_two_processes(placed) -> None:
    made = plan(placed(CHAIN, Relay="pc/g", Sink="/g"), "run")
    assert made.places["Relay"] != made.places["Sink"]
    assert made.machines == ["pc"]


def test_what_an_output_sends_to_one_process_goes_there_once(placed) -> None:
    made = plan(placed(CHAIN, Relay="/g", Sink="/g", SlowView="/g", Sink2="/g"), "run")
    [link] = made.links
    assert [wire.target[0] for wire in link.wires] == ["Relay", "Sink", "SlowView"]
    share = made.share(made.places["Source"])
    [out] = share.out
    assert (out["policy"], out["depth"]) == ("lossless", 64), "the most demanding input decides"
    [wire] = made.share(Place("", "g")).wires
    assert wire["source"] == ("Relay", "frames-out")


def test_a_view_alone_makes_a_link_that_drops(placed) -> None:
    made = plan(placed("Source.frames-out > SlowView.frames-in"), "run")
    [out] = made.share(Place("", "Source")).out
    assert (out["policy"], out["depth"]) == ("newest", 2)


def test_a_share_can_be_written_as_json(placed) -> None:
    made = plan(placed(CHAIN, Relay="pc/g"), "run")
    for place in set(made.places.values()):
        share = made.share(place)
        json.dumps([share.boxes, share.wires, share.out, share.into])
    assert made.leaves_here


def test_nobody_waits_for_the_end_of_a_wire_that_goes_back(placed) -> None:
    made = plan(
        placed("Source.frames-out > Looped.frames-in, Looped.control-out > Source.control-in"),
        "run",
    )
    [back] = made.share(Place("", "Source")).into
    [ahead] = made.share(Place("", "Looped")).into
    assert back["targets"][0]["outlived"] is False
    assert ahead["targets"][0]["outlived"] is True


def test_a_group_is_not_named_like_a_box_outside_it(placed) -> None:
    with pytest.raises(RunError, match=r"^Relay: group 'Sink' is also the name of a node"):
        plan(placed(CHAIN, Relay="/Sink"), "run")


def test_a_process_that_cannot_give_its_last_counts_holds_up_no_end(graph, catalog) -> None:
    closed = []

    def refuse(verb: str, timeout_s: float) -> None:
        raise RefusedError(f"{verb} went wrong")

    process: Any = SimpleNamespace(
        place=Place("", "Source"),
        alive=True,
        channel=SimpleNamespace(call=refuse),
        close=lambda: closed.append("close"),
        join=lambda: closed.append("join"),
    )
    engine = EzmsgEngine(graph(CHAIN), RunOptions(record=False), catalog)
    engine._processes[process.place] = process
    engine._release()
    assert closed == ["close", "join"]
