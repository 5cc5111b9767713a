"""What the local engine adds to a chain of three boxes, beside the same chain on ezmsg.

Source, relay, sink; 608 x 608 grey frames; one process. Latency is from the call that emits a
frame in the source to the call that receives it in the sink. Each figure comes from a process of
its own, and CPU time is that process's, start-up left out.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from syntalos_miniscope.catalog import Catalog, NodeFolder
from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.node import Context, In, Node, Out, Settings
from syntalos_miniscope.project import Box, Project, Wire, check
from syntalos_miniscope.streams import Frame

PACED = 600
UNPACED = 30_000
ENDURANCE = 100_000
RATE_HZ = 30
IMAGE = np.zeros((608, 608), np.uint8)


class Load(Settings):
    frames: int
    rate_hz: float = 0


class BenchSource(Node):
    outputs = (Out("out", "Frames", Frame),)
    Settings = Load

    def run(self, ctx: Context) -> None:
        rate_hz = self.settings.rate_hz
        for index in range(self.settings.frames):
            if rate_hz and not ctx.sleep_until(round(index * 1e6 / rate_hz)):
                return
            # The stamp travels in time_us, so both hosts measure the same way.
            ctx.emit("out", Frame(index, time.monotonic_ns(), IMAGE))


class BenchRelay(Node):
    inputs = (In("in", "Frames", Frame),)
    outputs = (Out("out", "Frames", Frame),)

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        ctx.emit("out", item)


class BenchSink(Node):
    inputs = (In("in", "Frames", Frame),)

    def prepare(self, ctx: Context) -> None:
        self.late_ns: list[int] = []
        self.lost = 0
        self.next = 0
        self.memory_mb: list[float] = []

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        if len(self.late_ns) < UNPACED:
            self.late_ns.append(time.monotonic_ns() - item.time_us)
        self.lost += item.index - self.next
        self.next = item.index + 1
        if item.index % (ENDURANCE // 10) == 0:
            self.memory_mb.append(memory_mb())


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def cpu_s() -> float:
    return time.process_time()


def local(frames: int, rate_hz: float) -> dict[str, Any]:
    kinds = {"source": BenchSource, "relay": BenchRelay, "sink": BenchSink}
    here = Path()
    folders = {k: NodeFolder(k, here, k, k, here, here, (), ()) for k in kinds}
    boxes = [Box(id=k, type=k) for k in kinds]
    boxes[0] = Box(id="source", type="source", settings={"frames": frames, "rate_hz": rate_hz})
    wires = (
        Wire(source="source.out", target="relay.in"),
        Wire(source="relay.out", target="sink.in"),
    )
    graph = check(Project(nodes=tuple(boxes), wires=wires), Catalog(folders, dict(kinds)))
    engine = LocalEngine(graph, RunOptions(record=False))
    engine.prepare()
    cpu, wall = cpu_s(), time.monotonic()
    engine.start()
    engine.wait()
    sink: Any = engine._workers["sink"].node
    return {
        "cpu_s": cpu_s() - cpu,
        "wall_s": time.monotonic() - wall,
        "late_ns": sink.late_ns,
        "lost": sink.lost + frames - sink.next,
        "memory_mb": sink.memory_mb,
    }


def on_ezmsg(frames: int, rate_hz: float) -> dict[str, Any]:
    import asyncio
    from collections.abc import AsyncGenerator

    import ezmsg.core as ez

    late_ns: list[int] = []
    seen = [0, 0, 0.0, 0.0, 0.0]  # next index, lost, cpu at start, wall at start, cpu at end

    class Source(ez.Unit):
        OUT = ez.OutputStream(tuple)

        @ez.publisher(OUT)
        async def produce(self) -> AsyncGenerator[Any, None]:
            await asyncio.sleep(1.0)  # until every subscriber is there
            seen[2], seen[3] = cpu_s(), time.monotonic()
            for index in range(frames):
                if rate_hz:
                    due_s = seen[3] + index / rate_hz
                    await asyncio.sleep(max(due_s - time.monotonic(), 0))
                yield self.OUT, (index, time.monotonic_ns(), IMAGE)

    class Relay(ez.Unit):
        IN = ez.InputStream(tuple)
        OUT = ez.OutputStream(tuple)

        @ez.subscriber(IN)
        @ez.publisher(OUT)
        async def relay(self, message: tuple[Any, ...]) -> AsyncGenerator[Any, None]:
            yield self.OUT, message

    class Sink(ez.Unit):
        IN = ez.InputStream(tuple)

        @ez.subscriber(IN)
        async def take(self, message: tuple[Any, ...]) -> None:
            index, sent_ns, _ = message
            late_ns.append(time.monotonic_ns() - sent_ns)
            seen[1] += index - seen[0]
            seen[0] = index + 1
            if seen[0] == frames:
                seen[4] = cpu_s()
                raise ez.NormalTermination

    source, relay, sink = Source(), Relay(), Sink()
    connections = ((source.OUT, relay.IN), (relay.OUT, sink.IN))
    ez.run(source=source, relay=relay, sink=sink, connections=connections)
    wall_s = late_ns and time.monotonic() - seen[3]
    return {
        "cpu_s": seen[4] - seen[2],
        "wall_s": wall_s,
        "late_ns": late_ns,
        "lost": seen[1] + frames - seen[0],
        "memory_mb": [],
    }


def measured(host: str, frames: int, rate_hz: float) -> dict[str, Any]:
    """Run one load in a process of its own."""
    call = [sys.executable, __file__, host, str(frames), str(rate_hz)]
    done = subprocess.run(call, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    if len(sys.argv) == 4:
        host = {"local": local, "ezmsg": on_ezmsg}[sys.argv[1]]
        print(json.dumps(host(int(sys.argv[2]), float(sys.argv[3]))))
        return
    print(f"three boxes, 608 x 608 grey, one process{'':>12} local engine        ezmsg")

    def row(what: str, ours: str, theirs: str) -> None:
        print(f"  {what:46} {ours:>16} {theirs:>12}")

    paced = [measured(host, PACED, RATE_HZ) for host in ("local", "ezmsg")]
    for percent in (50, 99):
        late = [f"{np.percentile(run['late_ns'], percent) / 1e6:.3f} ms" for run in paced]
        row(f"{RATE_HZ} frames/s: latency end to end, p{percent}", *late)
    row("  CPU per frame", *(f"{run['cpu_s'] / PACED * 1e3:.3f} ms" for run in paced))
    row("  frames lost", *(str(run["lost"]) for run in paced))
    unpaced = [measured(host, UNPACED, 0) for host in ("local", "ezmsg")]
    row("unpaced: frames/s", *(f"{UNPACED / run['wall_s']:,.0f}" for run in unpaced))
    row("  CPU per frame", *(f"{run['cpu_s'] / UNPACED * 1e3:.4f} ms" for run in unpaced))
    row("  frames lost", *(str(run["lost"]) for run in unpaced))
    long = measured("local", ENDURANCE, 0)
    first, last = long["memory_mb"][1], long["memory_mb"][-1]
    row(f"memory after 10,000 and {ENDURANCE:,} frames", f"{first:.1f}, {last:.1f} MB", "")
    row("  frames lost", str(long["lost"]), "")


if __name__ == "__main__":
    main()
