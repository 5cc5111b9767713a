"""What recording costs, what four scopes at once do to it, and what survives a kill.

CPU time is the recorder's alone, single-threaded, beside what a script would take instead: the
video writer of OpenCV. Frames are 608 x 608, a smooth field with shot noise.
"""

from __future__ import annotations

import json
import resource
import runpy
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.node import Context, Node, Settings
from syntalos_miniscope.project import Box, Project, Wire, check
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.info import inspect
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.scope import SCOPE_OUTPUTS, describe_scope, emit_orientation
from syntalos_miniscope.streams import Frame

FRAMES = 300
LOAD_S = 60
SCOPES = 4
RATE_HZ = 30.0
KILLS = 20
NOISE_COUNTS = 4.0
KILLABLE = Path(__file__).parents[1] / "recording" / "killable.py"


def noisy(count: int) -> list[np.ndarray]:
    """Give frames of a vignetted field of some 60 counts; every one has noise of its own."""
    y, x = np.mgrid[-1:1:608j, -1:1:608j]
    field = 70 * (1 - 0.4 * (x * x + y * y))
    rng = np.random.default_rng(0)
    return [
        (field + rng.normal(0, NOISE_COUNTS, field.shape)).clip(0, 255).astype(np.uint8)
        for _ in range(count)
    ]


def cost(write: Callable[[int, np.ndarray], None], images: list[np.ndarray]) -> float:
    begin = time.thread_time()
    for number in range(FRAMES):
        write(number, images[number % len(images)])
    return 1000 * (time.thread_time() - begin) / FRAMES


def cost_of_ours(folder: Path, images: list[np.ndarray]) -> tuple[float, int]:
    run = ExperimentDir.create(folder, "bench", "ours")
    video = VideoDataset(run.dataset("videos/scope"), "scope", RATE_HZ)
    # A frame locks its image, so each gets one of its own, made beforehand.
    copies = [image.copy() for image in images]
    cpu_ms = cost(lambda n, mat: video.add(Frame(n, round(n * 1e6 / RATE_HZ), mat)), copies)
    video.close()
    return cpu_ms, (video.path / "scope.mkv").stat().st_size // FRAMES


def cost_of_opencv(folder: Path, images: list[np.ndarray], fourcc: str) -> tuple[float, int]:
    cv2.setNumThreads(1)
    path = folder / f"{fourcc}.avi"
    code = cv2.VideoWriter.fourcc(*fourcc)
    writer = cv2.VideoWriter(str(path), code, RATE_HZ, (608, 608), isColor=False)
    begin = time.process_time()
    for number in range(FRAMES):
        writer.write(images[number % len(images)])
    cpu_ms = 1000 * (time.process_time() - begin) / FRAMES
    writer.release()
    return cpu_ms, path.stat().st_size // FRAMES


class LoadSource(Node):
    """A scope at 30 Hz that never waits for longer than its frames are apart."""

    outputs = SCOPE_OUTPUTS

    class Settings(Settings):
        """Which of the scopes this is."""

        number: int = 0

    def prepare(self, ctx: Context) -> None:
        self.images = noisy(8)
        describe_scope(ctx, frame_rate_hz=RATE_HZ, size=(608, 608), display_has_color=False)

    def run(self, ctx: Context) -> None:
        for index in range(round(LOAD_S * RATE_HZ)):
            time_us = round(index * 1e6 / RATE_HZ)
            if not ctx.sleep_until(time_us):
                return
            # A live scope drops what it cannot hand over in time: so late is lost.
            if ctx.clock.now_us() - time_us > 2_000_000:
                ctx.count("too_late")
                continue
            ctx.emit("frames-raw-out", Frame(index, time_us, self.images[index % 8]))
            emit_orientation(ctx, time_us, (1.0, 0.0, 0.0, 0.0))


def load() -> dict[str, Any]:
    """Run four scopes into four recorders and four tables."""
    shipped = Catalog.shipped()
    classes = {name: shipped.node(name) for name in ("video_recorder", "table")}
    folders = {name: shipped.folders[name] for name in classes}
    source = shipped.folders["recording_player"]
    catalog = Catalog({**folders, "load": source}, {**classes, "load": LoadSource})
    boxes: list[Box] = []
    wires: list[Wire] = []
    for n in range(SCOPES):
        boxes += [
            Box(id=f"scope{n}", type="load", settings={"number": n}),
            Box(id=f"recorder{n}", type="video_recorder", settings={"name": f"scope{n}"}),
            Box(id=f"table{n}", type="table", settings={"name": f"table{n}"}),
        ]
        wires += [
            Wire(source=f"scope{n}.frames-raw-out", target=f"recorder{n}.frames-in"),
            Wire(source=f"scope{n}.bno-raw-out", target=f"recorder{n}.orientation-in"),
            Wire(source=f"scope{n}.bno-tab-out", target=f"table{n}.rows-in"),
        ]
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(export_dir=Path(folder), subject="bench", experiment="load")
        graph = check(Project(nodes=tuple(boxes), wires=tuple(wires)), catalog)
        engine = LocalEngine(graph, options)
        engine.prepare()
        cpu = time.process_time()
        engine.start()
        memory: list[float] = []
        for _ in range(6):
            time.sleep(LOAD_S / 6)
            memory.append(memory_mb())
        engine.wait()
        cpu = time.process_time() - cpu
        report = engine.report()
        assert engine.export_dir is not None
        videos = sorted((engine.export_dir / "videos").glob("scope*"))
        infos = [inspect(video) for video in videos]
    inputs = [port for node in report["nodes"] for port in node["inputs"]]
    return {
        "frames": [info.frames for info in infos],
        "lost": sum(info.dropped for info in infos),
        "dropped": sum(port["dropped"] for port in inputs),
        "damage": [text for info in infos for text in info.damage],
        "rows": sum(port["items"] for port in inputs if port["port"] == "rows-in"),
        "cpu_s": cpu,
        "late_ms": max(p["latency_p99_us"] / 1000 for p in inputs if p["port"] == "frames-in"),
        "memory_mb": memory,
    }


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def kills(layout: str) -> tuple[int, Counter[int]]:
    """Kill recordings; give the frames handed over, and how many recordings lost how many."""
    kill_once = runpy.run_path(str(KILLABLE))["kill_once"]
    handed, lost = 0, Counter[int]()
    for seed in range(KILLS):
        with tempfile.TemporaryDirectory() as folder:
            survival = kill_once(Path(folder), seed, layout)
            assert survival.equal
            assert survival.damaged
            handed += survival.handed
            lost[max(survival.handed - survival.back, 0)] += 1
    return handed, lost


def main() -> None:
    images = noisy(16)
    print(f"One noisy frame, 608 x 608, of {FRAMES}       CPU     bytes")
    with tempfile.TemporaryDirectory() as folder:
        rows = {"ours: FFV1 in Matroska and times": cost_of_ours(Path(folder), images)}
        for fourcc in ("FFV1", "MJPG"):
            note = " (lossy)" if fourcc == "MJPG" else ""
            rows[f"OpenCV: {fourcc} in AVI{note}"] = cost_of_opencv(Path(folder), images, fourcc)
    for name, (cpu_ms, size) in rows.items():
        print(f"  {name:36} {cpu_ms:5.2f} ms  {size:8,}")
    done = subprocess.run(
        [sys.executable, __file__, "load"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    frames = sum(found["frames"])
    print(f"{SCOPES} scopes at {RATE_HZ:.0f} Hz for {LOAD_S} s, with orientation and tables")
    print(f"  recorded {frames} of {round(SCOPES * RATE_HZ * LOAD_S)} frames, {found['rows']} rows")
    print(f"  lost {found['lost']}, dropped on wires {found['dropped']}, damaged {found['damage']}")
    print(f"  CPU of everything {1000 * found['cpu_s'] / frames:.2f} ms a frame")
    print(f"  from scope to recorder, 99 of 100 frames: {found['late_ms']:.0f} ms")
    print("  memory, MB, six times:", " ".join(f"{mb:.0f}" for mb in found["memory_mb"]))
    print(f"{KILLS} recordings of each layout killed (SIGKILL) at random moments of 2 s")
    print("  layout  frames handed over  none lost  one lost  more lost")
    for layout in ("edl", "daq"):
        handed, lost = kills(layout)
        more = KILLS - lost[0] - lost[1]
        print(f"  {layout:6} {handed:19} {lost[0]:10} {lost[1]:9} {more:10}")
    print("  all others came back bit-equal, and info says what was cut")


if __name__ == "__main__":
    if sys.argv[1:] == ["load"]:
        print(json.dumps(load()))
    else:
        main()
