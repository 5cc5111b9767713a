"""A long run of everything at once, with faults at random: `make soak SECONDS=3600 SEED=1`.

A virtual Miniscope and a simulated scope, in real time, through stabilisation, recorders, tables
and canvases, while cables are pulled, frames torn and knobs turned; then what was recorded is
played again as fast as it goes. At the end every frame is accounted for, memory and threads are
compared with those of the beginning, the LED must be dark and the files whole.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from claims import Claims, Watch

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.project import Box, Graph, Project, Wire, check
from syntalos_miniscope.recording.info import inspect_all
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.recorded import Recording
from syntalos_miniscope.streams import Control, ControlKind
from virtual_miniscope import usb_pair
from virtual_miniscope.daq import Daq
from virtual_miniscope.faults import FAULTS
from virtual_miniscope.simulated import simulated_tissue

FAULT_EVERY_S = 4.0
VALUES: dict[str, tuple[float, float]] = {
    "drop": (1, 5), "torn": (1, 3), "stall": (1, 1), "unplug": (0.3, 2), "freeze": (0.5, 2),
    "bno-zero": (0, 0), "bno-norm": (0.5, 2), "counter": (0, 65535), "duplicate": (1, 2),
    "latency": (20, 200), "silence": (0.1, 1),
}  # fmt: skip
"""The faults of the box that come at random, with the range of what they take."""
LOSSES = ("dropped", "overflowed", "late", "paused")
"""Counters of a scope: where a frame may have been lost that the index knows of."""
LOST_AT_THE_END = 70
"""Frames that may be lost after the last one that was sent: the ring and a little."""


def boxes_behind(scope: str) -> tuple[list[Box], list[Wire]]:
    """What every scope is wired to."""
    parts = {
        "raw": ("video_recorder", {"name": f"{scope}-raw"}),
        "steady": ("stabilise", {}),
        "still": ("video_recorder", {"name": f"{scope}-still"}),
        "shifts": ("signal_recorder", {"name": f"{scope}-shifts"}),
        "turns": ("table", {"name": f"{scope}-turns"}),
        "background": ("background_subtraction", {}),
        "canvas": ("canvas", {}),
    }
    wires = [
        (f"{scope}.frames-raw-out", "raw.frames-in"),
        (f"{scope}.bno-raw-out", "raw.orientation-in"),
        (f"{scope}.frames-raw-out", "steady.frames-in"),
        ("steady.frames-out", "still.frames-in"),
        ("steady.shifts-out", "shifts.signal-in"),
        (f"{scope}.bno-tab-out", "turns.rows-in"),
        ("steady.frames-out", "background.frames-in"),
        ("background.frames-out", "canvas.frames-in"),
    ]

    def full(end: str) -> str:
        return end if end.startswith(f"{scope}.") else f"{scope}-{end}"

    return (
        [Box(id=f"{scope}-{name}", type=kind, settings=s) for name, (kind, s) in parts.items()],
        [Wire.model_validate({"from": full(a), "to": full(b)}) for a, b in wires],
    )


def graph_of(catalog: Catalog, *scopes: Box) -> Graph:
    nodes, wires = [*scopes], []
    for scope in scopes:
        more_nodes, more_wires = boxes_behind(scope.id)
        nodes += more_nodes
        wires += more_wires
    return check(Project(title="Soak", nodes=tuple(nodes), wires=tuple(wires)), catalog)


def trouble(
    engine: LocalEngine, graph: Graph, daq: Daq, dice: random.Random, seen: Counter
) -> None:
    """Do something bad every few seconds, until the run ends."""

    def turn(node: str) -> None:
        knobs = {
            "led_percent": round(dice.uniform(0, 100), 1),
            "ewl": dice.randint(-127, 127),
            "gain": dice.choice(["low", "medium", "high"]),
        }
        engine.apply(node, graph.nodes[node].settings.model_copy(update=knobs))

    def pause() -> None:
        engine.command("sim", Control(ControlKind.PAUSE))
        time.sleep(dice.uniform(0.1, 1))
        engine.command("sim", Control(ControlKind.START))

    def hog() -> None:
        end = time.monotonic() + dice.uniform(0.2, 1.5)
        while time.monotonic() < end:
            sum(range(10_000))

    def fault() -> None:
        name = dice.choice(sorted(VALUES))
        assert name in FAULTS
        seen[name] += 1
        daq.inject(name, round(dice.uniform(*VALUES[name]), 2))

    deeds: list[tuple[str, Callable[[], None]]] = [
        ("knobs", lambda: turn("v4")), ("knobs", lambda: turn("sim")), ("pause", pause),
        ("busy computer", hog),
    ]  # fmt: skip
    while engine.running:
        time.sleep(dice.expovariate(1 / FAULT_EVERY_S))
        if not engine.running:
            return
        if dice.random() < 0.6:
            fault()
        else:
            name, deed = dice.choice(deeds)
            seen[name] += 1
            deed()


def run(engine: LocalEngine, seconds: float, beside: Callable[[], None] | None = None) -> dict:
    engine.prepare()
    engine.start()
    if beside is not None:
        Thread(target=beside, daemon=True).start()
    engine.wait(seconds)
    engine.stop()
    if not engine.wait(120):
        raise SystemExit("the run did not end")
    return engine.report()


def account(claims: Claims, name: str, scope: str, report: dict, folder: Path) -> None:
    """Follow the frames of a scope from its port to the files."""
    nodes: dict[str, dict[str, Any]] = {node["id"]: node for node in report["nodes"]}
    ports = {
        f"{node['id']}.{port['port']}": port["items"]
        for node in report["nodes"]
        for port in node["outputs"]
    }
    lost = 0
    for node in report["nodes"]:
        for wire in node["inputs"]:
            lost += abs(ports[wire["from"]] - wire["items"] - wire["dropped"])
    claims.same(f"{name}: items that no wire accounts for", lost, 0)
    sent = ports[f"{scope}.frames-raw-out"]
    for kind in ("raw", "still"):
        recording = open_recording(folder / "videos" / f"{scope}-{kind}")
        claims.same(f"{name}: frames sent = in {kind} file", sent, len(recording))
    rows = (folder / f"{scope}-turns" / f"{scope}-turns.csv").read_text().count("\n") - 1
    claims.same(f"{name}: rows sent = in the table", ports[f"{scope}.bno-tab-out"], rows)
    shown = nodes[f"{scope}-canvas"]["inputs"][0]
    claims.same(f"{name}: frames shown + dropped at the canvas", shown["items"] + shown["dropped"],
                ports[f"{scope}-background.frames-out"])  # fmt: skip


def gaps(claims: Claims, name: str, node: dict[str, Any], recording: Recording) -> None:
    """Compare the gaps in a recorded index with what its scope counted."""
    missing = int(recording.index[-1]) + 1 - len(recording)
    named = {key: node["counters"].get(key, 0) for key in LOSSES}
    told = " + ".join(f"{value} {key}" for key, value in named.items() if value) or "0"
    # What is lost after the last frame is counted, and is in no gap.
    holds = 0 <= sum(named.values()) - missing <= LOST_AT_THE_END
    claims.add(f"{name}: frames missing in the index", f"{missing} of {told}", holds)


def whole(claims: Claims, name: str, folder: Path) -> None:
    found = inspect_all(folder)
    claims.add(f"{name}: files", "whole" if not found.damaged else "damaged", not found.damaged)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=600)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, help="a folder that is kept")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        return soak(options.seconds, options.seed, options.out or Path(scratch))


def soak(seconds: float, seed: int, out: Path) -> int:
    claims, seen, dice = Claims(), Counter[str](), random.Random(seed)
    catalog = Catalog.shipped()
    daq = Daq(tissue=simulated_tissue(None, seed), faults=())
    node: Any = catalog.node("miniscope_v4")
    node.connect = staticmethod(lambda device, transport: lambda: usb_pair(daq))
    sim = {"preset": "Generic 1p scope", "drop_percent": 1, "repeat_percent": 1, "jitter_us": 500}
    graph = graph_of(
        catalog,
        Box(id="v4", type="miniscope_v4", settings={"device": "virtual", "led_percent": 30.0}),
        Box(id="sim", type="simulated_scope", settings={**sim, "seed": seed}),
    )
    engine = LocalEngine(graph, RunOptions(out, subject="soak", experiment="real time"))
    with Watch() as watch:
        report = run(engine, seconds, lambda: trouble(engine, graph, daq, dice, seen))
    folder = engine.export_dir
    assert folder is not None
    claims.add("length", f"{report['length_s']:.0f} s in real time, seed {seed}")
    claims.add("faults", f"{sum(seen.values())}: " + ", ".join(f"{n} {k}" for k, n in seen.items()))
    claims.add("the run", f"{report['exit_reason']}, {report['error']}", report["error"] is None)
    claims.add("the LED at the end", "lit" if daq.led_lit else "dark", not daq.led_lit)
    for scope in ("v4", "sim"):
        account(claims, scope, scope, report, folder)
        (node,) = (node for node in report["nodes"] if node["id"] == scope)
        gaps(claims, scope, node, open_recording(folder / "videos" / f"{scope}-raw"))
    watch.claim(claims, "real time")
    whole(claims, "real time", folder)
    truth = open_minisim_zarr(next(folder.rglob("truth.zarr"))).truth()
    sent = len(open_recording(folder / "videos" / "sim-raw"))
    claims.same("sim: frames recorded = in the truth", sent, truth.C.shape[1])
    again(claims, catalog, folder / "videos" / "sim-raw", seconds / 4, out)
    return 0 if claims.show() else 1


def again(claims: Claims, catalog: Catalog, recording: Path, seconds: float, out: Path) -> None:
    """Play a recording over and over, as fast as the graph takes it."""
    source = open_recording(recording)
    settings = {"path": str(recording), "speed": 0.0, "loop": True}
    graph = graph_of(catalog, Box(id="player", type="recording_player", settings=settings))
    engine = LocalEngine(graph, RunOptions(out, subject="soak", experiment="accelerated"))
    with Watch() as watch:
        report = run(engine, seconds)
    folder = engine.export_dir
    assert folder is not None
    played = open_recording(folder / "videos" / "player-raw")
    times = f"{played.length_us / 1e6:.0f} s in {report['length_s']:.0f} s"
    claims.add("accelerated: length", times)
    account(claims, "accelerated", "player", report, folder)
    rounds, last = divmod(len(played) - 1, len(source))
    index = rounds * int(source.index[-1] - source.index[0] + 1) + int(source.index[last])
    claims.same("accelerated: last index = that of what is played", int(played.index[-1]), index)
    watch.claim(claims, "accelerated")
    whole(claims, "accelerated", folder)


if __name__ == "__main__":
    sys.exit(main())
