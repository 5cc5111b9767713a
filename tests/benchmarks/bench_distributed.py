"""The distributed engine beside the local one: 1, 2 and 4 scopes on one machine.

Each scope gives 608 x 608 grey frames at 30 frames/s, already made, to a box that computes (a mean
and a maximum of each frame) and to a view; nothing is recorded. With ezmsg each scope is one
process and each of its boxes another, so every wire leaves its process. Latency is from emit to
`on_data`, as in the run report; CPU time is that of all processes, start-up taken off: what a
run of 10 s costs more than one of 2 s.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.node import Context, In, Node, Out, Policy
from syntalos_miniscope.project import Box, Project, Wire, check
from syntalos_miniscope.streams import Frame

RATE_HZ = 30
SECONDS, SHORT_S = 10, 2
SCOPES = (1, 2, 4)


class BenchScope(Node):
    outputs = (Out("frames-out", "Frames", Frame),)

    def run(self, ctx: Context) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (8, 608, 608), np.uint8)
        index = 0
        while ctx.sleep_until(round(index * 1e6 / RATE_HZ)):
            ctx.emit("frames-out", Frame(index, ctx.clock.now_us(), noise[index % 8]))
            index += 1


class BenchComputing(Node):
    inputs = (In("frames-in", "Frames", Frame),)

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        ctx.count("sum", int(item.mat.mean()) + int(item.mat.max()))


class BenchView(Node):
    inputs = (In("frames-in", "Frames", Frame, Policy.NEWEST, depth=2),)


def catalog(folder: Path) -> Catalog:
    """Make node folders, as a process of its own can find them."""
    for kind in (BenchScope, BenchComputing, BenchView):
        place = folder / kind.__name__
        place.mkdir()
        (place / "module.toml").write_text(
            '[syntalos_module]\nname = ""\ndescription = ""\nmain = "node.py"\nicon = ""\n'
        )
        (place / "node.py").write_text(
            f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            f"import bench_distributed as bench\nclass {kind.__name__}(bench.{kind.__name__}): pass"
        )
    return Catalog.find([folder])


def run(host: str, scopes: int, seconds: int) -> dict[str, Any]:
    boxes: list[Box] = []
    wires: list[Wire] = []
    for k in range(scopes):
        for kind in ("Scope", "Computing", "View"):
            boxes.append(Box(id=f"{kind}{k}", type=f"Bench{kind}"))
            if kind != "Scope":
                wires.append(Wire(source=f"Scope{k}.frames-out", target=f"{kind}{k}.frames-in"))
    project = Project(nodes=tuple(boxes), wires=tuple(wires))
    options = RunOptions(record=False, seconds=seconds)
    with tempfile.TemporaryDirectory() as folder:
        known = catalog(Path(folder))
        graph = check(project, known)
        if host == "local":
            from syntalos_miniscope.engine.local import LocalEngine

            engine = LocalEngine(graph, options)
        else:
            from syntalos_miniscope.engine.ezmsg.engine import EzmsgEngine

            engine = EzmsgEngine(graph, options, known)
        begun_s = time.monotonic()
        engine.prepare()
        ready_s = time.monotonic() - begun_s
        engine.start()
        engine.wait()
    return engine.report() | {"ready_s": ready_s, "cpu_s": cpu_s()}


def cpu_s() -> float:
    """Give the CPU time of this process and of those that it has started and seen end."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def alone(host: str, scopes: int, seconds: int) -> dict[str, Any]:
    """Run in a process of its own."""
    call = [sys.executable, __file__, host, str(scopes), str(seconds)]
    done = subprocess.run(call, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def measured(host: str, scopes: int) -> dict[str, str]:
    """Say what is to be compared."""
    report, short = alone(host, scopes, SECONDS), alone(host, scopes, SHORT_S)
    cpu = (report["cpu_s"] - short["cpu_s"]) / (report["length_s"] - short["length_s"])
    wires = [wire for node in report["nodes"] for wire in node["inputs"]]
    computing = [wire for wire in wires if wire["policy"] == "lossless"]
    sent = sum(out["items"] for node in report["nodes"] for out in node["outputs"])
    p50, p99 = (
        max(wire[f"latency_{percent}_us"] for wire in computing) for percent in ("p50", "p99")
    )
    return {
        "frames a second and scope": f"{sent / scopes / report['length_s']:.1f}",
        "latency p50 of the worst lossless wire": f"{p50 / 1000:.2f} ms",
        "latency p99 of the worst lossless wire": f"{p99 / 1000:.2f} ms",
        "CPU of one core": f"{100 * cpu:.0f} %",
        "dropped at lossless inputs": str(sum(wire["dropped"] for wire in computing)),
        "dropped at views": str(sum(w["dropped"] for w in wires if w["policy"] == "newest")),
        "until all is prepared": f"{report['ready_s']:.1f} s",
    }


def main() -> None:
    if len(sys.argv) == 4:
        print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
        return
    print(f"608 x 608 grey at {RATE_HZ} frames/s, {SECONDS} s; local engine and ezmsg")
    for scopes in SCOPES:
        local, ezmsg = measured("local", scopes), measured("ezmsg", scopes)
        print(f"{scopes} scope{'s' * (scopes > 1)}{'':36} {'local':>10} {'ezmsg':>10}")
        for what, ours in local.items():
            print(f"  {what:42} {ours:>10} {ezmsg[what]:>10}")


if __name__ == "__main__":
    main()
