"""Our nodes as Syntalos modules, under the strict stand-in of Syntalos's link.

Beside them the module that a person would write first: a thread that captures, and an `event_fn`
that sends what it finds. Every source sends frames of 608 x 608 pixels.
"""

from __future__ import annotations

import gc
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "syntalos"))

from host import (  # noqa: E402 # pyright: ignore[reportMissingImports]
    LINK,
    NODES,
    Host,
    saved,
)

SECONDS = 10.0

FIRST_THOUGHT = """
import os, queue, sys, threading, time
sys.path += os.environ["SYNTALOS_MINISCOPE_LINK"].split(":")
import numpy as np
import syntalos_mlink as syl

link = syl.init_link()
port = link.register_output_port("frames-out", "Frames", syl.DataType.Frame)
frames, running = queue.SimpleQueue(), threading.Event()

def capture(rate):
    index, begin = 0, time.monotonic()
    while running.is_set():
        time.sleep(max(begin + index / rate - time.monotonic(), 0))
        frames.put((index, syl.time_since_start_usec(), np.full((608, 608), index % 251, np.uint8)))
        index += 1

def prepare():
    port.set_metadata_value("framerate", RATE)
    return True

def start():
    running.set()
    threading.Thread(target=capture, args=[RATE], daemon=True).start()

def event():
    while not frames.empty():
        frame = syl.Frame()
        frame.index, frame.time_usec, frame.mat = frames.get()
        port.submit(frame)
    if running.is_set():
        time.sleep(0.005)

link.on_prepare, link.on_start, link.on_stop = prepare, start, running.clear
link.await_data_forever(event)
"""


def main() -> None:
    """Print two tables."""
    load = os.getloadavg()[0]
    print(f"{platform.python_implementation()} {platform.python_version()}, "
          f"{os.cpu_count()} cores, load {load:.1f} before the first run")  # fmt: skip
    if load > 0.7:
        print("Mind: this machine is not idle; intervals measure its other work as well, unless "
              "this goes before all of it (chrt -r 10).")  # fmt: skip
    # A receiver that stops to look for garbage would find every module late.
    gc.disable()
    with tempfile.TemporaryDirectory() as folder:
        getting_ready(Path(folder))
        streaming(Path(folder))


def getting_ready(folder: Path) -> None:
    """From the start of the process to IDLE (Syntalos grants 10 s), and `prepare` (15 s)."""
    print("\nnode                     ready s: first  cold  warm   prepare s: first  warm")
    for name in ("simulated_scope", "background_subtraction", "stabilise"):
        caches = folder / f"caches-{name}"
        where = {
            "PYTHONPYCACHEPREFIX": str(caches / "pyc"),
            "NUMBA_CACHE_DIR": str(caches / "nb"),
            "XDG_CACHE_HOME": str(caches),
        }
        evict()
        ready_first, prepare_first = get_ready(name, folder / f"{name}-first", where)
        wait_until_warm(caches)
        evict()
        ready_cold, _ = get_ready(name, folder / f"{name}-cold", where)
        ready_warm, prepare_warm = get_ready(name, folder / f"{name}-warm", where)
        print(
            f"{name:24} {ready_first:14.2f} {ready_cold:5.2f} {ready_warm:5.2f} "
            f"{prepare_first:17} {prepare_warm:>5}"
        )
    print("first: no bytecode, no compiled kernels, files not in memory; cold: files not in memory")


def get_ready(name: str, folder: Path, environment: dict[str, str]) -> tuple[float, str]:
    with Host(name, folder, environment=environment) as module:
        ready_s = module.wait_ready(60)
        if "frames-in" in module.inputs:
            module.connect("frames-in", framerate=30.0, size=(608, 608))
        begin = time.monotonic()
        prepared = module.prepare(timeout_s=60)
        return ready_s, f"{time.monotonic() - begin:.2f}" if prepared else "refused"


def wait_until_warm(caches: Path) -> None:
    """Wait for the process that compiles in the background, if there is one."""
    deadline = time.monotonic() + 60
    while (caches / "nb").is_dir() and not list(caches.glob("syntalos-miniscope/warm/*")):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)


def evict() -> None:
    """Ask the kernel to forget the files of this environment."""
    for root in {Path(sys.prefix) / "lib", Path(sys.base_prefix) / "lib", HERE.parents[1]}:
        for path in root.rglob("*"):
            if path.suffix in (".py", ".pyc", ".so", ".nbi", ".nbc") or ".so." in path.name:
                try:
                    fd = os.open(path, os.O_RDONLY)
                except OSError:
                    continue
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)


def streaming(folder: Path) -> None:
    """Sources at 30 and 60 frames per second for ten seconds each."""
    print(
        f"\n{'':51}recorded    submitted interval, ms   to submit, ms  received\n"
        f"{'source':38} fps   sent  p99, ms   p50    p95    p99    max    p50    p99   p99, ms"
        "  CPU %  stop ms"
    )
    for rate in (30.0, 60.0):
        script = folder / f"first_thought_{rate:.0f}.py"
        script.write_text(FIRST_THOUGHT.replace("RATE", repr(rate)))
        measure(
            "a first thought: thread, flat event_fn",
            rate,
            folder,
            command=[sys.executable, str(script)],
        )
        settings = {"rate_hz": rate, "height": 608, "width": 608, "stamps": "now"}
        measure("ours, on a thread", rate, folder, node=NODES / "ticker", settings=settings)
        measure(
            "ours, in a process of its own",
            rate,
            folder,
            node=NODES / "ticker_process",
            settings=settings,
        )
        scope = {"preset": "Miniscope V4 - CA1", "frame_rate_hz": rate}
        measure("ours, the simulated scope", rate, folder, node=Path("simulated_scope"),
                settings=scope, port="frames-raw-out")  # fmt: skip
    print(
        "recorded: interval of the frames' own times, which are what a recording keeps (the moment "
        "of\n  capture; of the simulated scope the end of its exposure); submitted: interval at "
        "which the module\n  hands frames to Syntalos; to submit: from a frame's time to that "
        "moment; received: interval at\n  which this program, in Syntalos's place, got them, "
        "which adds the delays of its own thread"
    )


def measure(
    title: str,
    rate_hz: float,
    folder: Path,
    *,
    node: Path = Path("first_thought"),
    settings: dict[str, Any] | None = None,
    command: list[str] | None = None,
    port: str = "frames-out",
) -> None:
    place = folder / "run"
    shutil.rmtree(place, ignore_errors=True)
    link = {"SYNTALOS_MINISCOPE_LINK": str(LINK)}
    address = node if node.is_absolute() else node.name
    with Host(address, place, command=command, environment=link) as module:
        module.wait_ready(60)
        if settings is not None:
            module.load(saved(node.name, settings))
        assert module.prepare(timeout_s=60), module.errors
        cpu_s = cpu_of(module.process.pid)
        module.start()
        time.sleep(SECONDS)
        cpu_s = cpu_of(module.process.pid) - cpu_s
        stop_s = module.stop(10)
        assert not module.errors, module.errors
        arrived = module.arrivals_ns[port]
        stamps_us = np.array([frame[1] for frame in module.items[port]])
        submitted_us = np.array(module.submitted_us[port])
        sent = {o["port"]: o["items"] for o in module.report()["outputs"]} if settings else {}
    assert len(arrived) == sent.get(port, len(arrived)), "whatever was submitted was received"
    recorded = np.percentile(np.diff(stamps_us) / 1e3, 99)
    submitted = np.percentile(np.diff(submitted_us) / 1e3, [50, 95, 99, 100])
    to_submit = np.percentile((submitted_us - stamps_us) / 1e3, [50, 99])
    received = np.percentile(np.diff(arrived) / 1e6, 99)
    numbers = "".join(f"{number:7.2f}" for number in (*submitted, *to_submit))
    print(f"{title:38} {rate_hz:3.0f} {len(arrived):6} {recorded:8.2f}{numbers} {received:9.2f} "
          f"{100 * cpu_s / SECONDS:6.1f} {1000 * stop_s:8.0f}")  # fmt: skip


def cpu_of(pid: int) -> float:
    """Give the CPU seconds of a process and its children."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    main()
