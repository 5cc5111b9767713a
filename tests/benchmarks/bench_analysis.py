"""Online analysis: CPU time of every node's work at 608 x 608, and accuracy against the truth.

Beside each stands what a user would take instead, on the same frames in the same run. One OpenCV
thread; CPU time, not wall time, so that a busy machine changes little. The last column is what the
project promises. At the end the closed-loop example runs, with plain means and with demixing
(`--loop SECONDS` each, 0: not), and says how late its decisions were, which means something on an
idle machine only: the load stands beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis"))

import movies  # pyright: ignore[reportMissingImports]

from syntalos_miniscope.analysis.cell_finder import CellSearch, find_cells, half_band
from syntalos_miniscope.analysis.events import EventFinder
from syntalos_miniscope.analysis.matching import best_matching, cosines
from syntalos_miniscope.analysis.projection import Projection
from syntalos_miniscope.analysis.rois import Rois
from syntalos_miniscope.analysis.score import (
    Said,
    Series,
    correlations,
    event_f1,
    shift_rmse_px,
)
from syntalos_miniscope.analysis.stabilise import Stabiliser
from syntalos_miniscope.analysis.traces import Method, trace_reader
from syntalos_miniscope.display import Display, DisplaySettings

ROIS = 150
METHODS: tuple[Method, ...] = ("mean", "annulus", "demix")
CHAIN_PROMISES: tuple[tuple[Method, str], ...] = (("mean", "<= 2.5"), ("demix", "<= 4"))


def row(what: str, figure: str, promise: str = "") -> None:
    print(f"{what:58} {figure:>22}  {promise}", flush=True)


def cpu_ms(call: Callable[[Any], object], items: Iterable[Any]) -> float:
    """Give the CPU time of a call, ms; the median of fifths, the first call left out."""
    items = list(items)
    call(items[0])
    parts: list[float] = []
    for part in range(5):
        some = items[part::5]
        began = time.process_time()
        for item in some:
            call(item)
        parts.append((time.process_time() - began) / len(some))
    return 1000 * float(np.median(parts))


def costs(movie: movies.Movie) -> None:
    frames = list(movie.still[:300])
    raw = list(movie.frames[:300])
    print(f"\nCPU time of a frame, {raw[0].shape[0]} x {raw[0].shape[1]}, {ROIS} regions, ms")
    stabiliser = Stabiliser()
    row("stabilise, with the warp", f"{cpu_ms(stabiliser, raw):.2f}", "<= 1.5")
    first = raw[0].astype(np.float32)
    phase = cpu_ms(lambda f: cv2.phaseCorrelate(first, f.astype(np.float32)), raw)
    move = np.array([[1, 0, 1.3], [0, 1, 0.4]], np.float32)
    warp = cpu_ms(lambda f: cv2.warpAffine(f, move, f.shape[::-1]), raw)
    row("  instead: cv2.phaseCorrelate and warpAffine", f"{phase + warp:.2f}")
    row("background subtraction", f"{cpu_ms(Display(DisplaySettings(view='F - F0')), frames):.2f}")
    chosen = Rois.of(movie.footprints[:ROIS])
    readers = {method: trace_reader(chosen, method) for method in METHODS}
    for method, read in readers.items():
        promise = "<= 2" if method == "demix" else ""
        row(f"traces, {method}", f"{cpu_ms(read, frames):.2f}", promise)
    masks = [one > 0.5 * one.max() for one in movie.footprints[:ROIS]]
    plain = cpu_ms(lambda f: [f[mask].mean() for mask in masks], frames[:20])
    row("  instead: frame[mask].mean() of each", f"{plain:.2f}")
    samples = np.array([readers["demix"](frame) for frame in frames])
    for confirm in (0, 1):
        finder = event_finder(ROIS, confirm)
        cost = cpu_ms(finder.push, np.tile(samples, (3, 1)))
        row(f"events, confirmed by {confirm} frames", f"{cost:.3f}")
    for kind in ("mean", "max", "std", "correlation", "peak to noise"):
        projection = Projection(kind, 1200)
        row(f"projection, {kind}", f"{cpu_ms(projection.add, frames):.2f}")

    def chain(frame: Any) -> None:
        still, _ = again(frame)
        shown(still)
        search.push(read(still))

    for method, promise in CHAIN_PROMISES:
        again, shown = Stabiliser(), Display(DisplaySettings(view="F - F0"))
        read, search = trace_reader(chosen, method), event_finder(ROIS, 0)
        row(f"stabilise to events, {method}", f"{cpu_ms(chain, raw):.2f}", promise)


def event_finder(count: int, confirm: int, threshold_sd: float = 4.0) -> EventFinder:
    return EventFinder(
        count,
        rate_hz=movies.FPS,
        decay_s=0.5,
        threshold_sd=threshold_sd,
        learn_samples=200,
        confirm_samples=confirm,
    )


def rmse_px(movie: movies.Movie, shifts: np.ndarray) -> float:
    error = shift_rmse_px(Series(movie.time_us, shifts), movie.truth.shifts)
    return float("nan") if error is None else error


def accuracy(name: str, movie: movies.Movie, shift_promise: str, trace_promise: str) -> None:
    count = len(movie.ground.C)
    print(f"\nAgainst the truth: {name}, {len(movie.frames)} frames, {count} detectable cells")
    row("shifts, RMSE px", f"{rmse_px(movie, movie.shifts):.3f}", shift_promise)
    # The kindest way to use it that was found: over the mean, no window, outliers cut.
    mean = movie.frames.mean(axis=0, dtype=np.float32)
    found = [cv2.phaseCorrelate(mean, frame.astype(np.float32))[0] for frame in movie.frames]
    phase = np.array([(dy, dx) for dx, dy in found]).clip(-24, 24)
    row("  instead: cv2.phaseCorrelate, cut at 24 px", f"{rmse_px(movie, phase):.3f}")
    row("  instead: nothing", f"{rmse_px(movie, 0 * phase):.3f}")
    given = Rois.of(movie.footprints)
    for method in METHODS:
        read = trace_reader(given, method)
        samples = np.array([read(frame) for frame in movie.still], np.float64)
        r = np.diag(correlations(samples, movie.truth.traces.values))
        promise = trace_promise if method == "demix" else ""
        text = f"{np.median(r):.3f} / {np.percentile(r, 10):.3f}"
        row(f"traces of true regions, {method}: r median / p10", text, promise)
        # As the closed loop has it, and as the node has it by itself.
        f1 = (events_f1(movie, samples, *kind) for kind in ((0, 5.0), (1, 4.0)))
        row("  events: F1 at 5 SD at once / 4 SD, confirmed", " / ".join(f"{x:.3f}" for x in f1))
    unmoved = trace_reader(given, "mean")
    samples_raw = np.array([unmoved(frame) for frame in movie.frames], np.float64)
    r = np.diag(correlations(samples_raw, movie.truth.traces.values))
    row("  instead: mean, not stabilised", f"{np.median(r):.3f} / {np.percentile(r, 10):.3f}")
    cells(movie)


def events_f1(movie: movies.Movie, samples: np.ndarray, confirm: int, threshold_sd: float) -> float:
    finder = event_finder(samples.shape[1], confirm, threshold_sd)
    told = [event for sample in samples for event in finder.push(sample)[1]] + finder.flush()
    said = Said(
        traces=Series(movie.time_us, samples),
        event_time_us=movie.time_us[[event.sample for event in told]],
        event_channel=np.array([event.trace for event in told], np.int64),
    )
    f1 = event_f1(said, movie.truth, [(k, k) for k in range(samples.shape[1])])
    return float("nan") if f1 is None else f1


def cells(movie: movies.Movie) -> None:
    true = [(0, 0, one) for one in movie.footprints.astype(np.float32)]
    for seconds in (20, 30, 60):
        bands = [half_band(frame, 12.0) for frame in movie.still[: round(movies.FPS * seconds)]]
        pairs = np.array(bands[: len(bands) // 2 * 2]).reshape(-1, 2, *bands[0].shape).mean(axis=1)
        began = time.process_time()
        rois = find_cells(pairs, movie.still.shape[1:], CellSearch(most_cells=1000))
        took_s = time.process_time() - began
        matched = best_matching(cosines(rois.footprints, true), 0.6)
        recall, precision = len(matched) / len(true), len(matched) / max(len(rois), 1)
        figure = f"{recall:.2f} / {precision:.2f} in {took_s:.1f} s"
        row(f"cells found in {seconds} s: recall / precision, CPU", figure)


def loop(seconds: float, method: Method, promise: str) -> None:
    load = os.getloadavg()[0]
    print(f"\nThe closed-loop example, {method}, for {seconds:g} s, load before it {load:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "syntalos_miniscope.cli", "run", "closed-loop"]
        command += ["--headless", "--for", str(seconds), "--export", folder]
        command += ["--report", str(report), "--set", f"cells.method={method}"]
        subprocess.run(command, check=True, capture_output=True)
        nodes = {node["id"]: node for node in json.loads(report.read_text())["nodes"]}
    late = nodes["trigger"]["counters"]
    shown = " / ".join(f"{late[f'latency_{p}_us'] / 1000:.1f}" for p in ("p50", "p95", "p99"))
    row("frame to decision, ms: p50 / p95 / p99", shown, "p95 <= 5, p99 <= 10")
    lossless = [wire for node in nodes.values() for wire in node["inputs"]]
    dropped = sum(wire["dropped"] for wire in lossless if wire["policy"] == "lossless")
    row("frames dropped by the scope, items by lossless wires", f"{lost(nodes)}, {dropped}", "0")
    chain = ("stabilise", "background", "cells", "events", "trigger")
    frames = nodes["stabilise"]["inputs"][0]["items"]
    cpu = 1000 * sum(nodes[name]["cpu_s"] for name in chain) / frames
    row("CPU of the chain's threads for each frame, ms", f"{cpu:.2f}", promise)


def lost(nodes: dict[str, Any]) -> int:
    counters = nodes["scope"]["counters"]
    return sum(counters.get(name, 0) for name in ("dropped", "overflowed"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", type=float, default=60.0, metavar="SECONDS")
    asked = parser.parse_args()
    if 0 < asked.loop < 40:
        parser.error("--loop: 20 s find the cells and 10 s their noise; give 40 or more, or 0")
    cv2.setNumThreads(1)
    costs(movies.make(movies.sparse_spec(side=608, cells=ROIS, seconds=20)))
    accuracy("sparse", movies.make(movies.sparse_spec()), "<= 0.05", ">= .98")
    accuracy("dense V4-CA1", movies.make(movies.dense_spec()), "<= 0.5", ">= .93")
    for method, promise in CHAIN_PROMISES:
        if asked.loop:
            loop(asked.loop, method, promise)


if __name__ == "__main__":
    main()
