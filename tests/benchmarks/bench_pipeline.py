"""Preparing a recording for extraction: CPU time, memory and accuracy, beside whole arrays.

The other way is what a user would write with numpy and OpenCV: all frames in memory as floats,
median detrending, phase correlation with the mean of the first second, and a warp. Each runs in a
process of its own, so that the peak of memory is its own; the movie is simulated, its true shifts
known.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis"))

import movies  # pyright: ignore[reportMissingImports]

from syntalos_miniscope.analysis.pipeline.configs import PreprocessConfig
from syntalos_miniscope.analysis.pipeline.prepare import prepare
from syntalos_miniscope.analysis.score import Series, shift_rmse_px
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.simulation import simulate

SIDE, SECONDS = 608, 20


def streamed(video: Path, folder: Path) -> np.ndarray:
    """Prepare as the pipeline does, and give the shifts."""
    window = (0, SIDE, 0, SIDE)
    found, _ = prepare(
        open_recording(video), window, PreprocessConfig(), stabilise=True,
        movie=folder / "a.npy", video=folder / "a.avi", tell=lambda *_: None,
    )  # fmt: skip
    return found.shifts[:, :2].astype(np.float64)


def as_arrays(video: Path, folder: Path) -> np.ndarray:
    """Do the same with whole arrays, and give the shifts."""
    raw = np.stack([frame.mat for frame in open_recording(video).frames()])
    means = raw.mean(axis=(1, 2))
    movie = raw.astype(np.float32) - (means - np.median(means))[:, None, None].astype(np.float32)
    writer = VideoWriter(folder / "b.avi", 20.0, raw[0])
    for frame in movie:
        writer.add(np.clip(np.rint(frame), 0, 255).astype(np.uint8), 0)
    writer.close()
    template = movie[:20].mean(axis=0)
    shifts = np.zeros((len(movie), 2))
    for k, frame in enumerate(movie):
        (dx, dy), _ = cv2.phaseCorrelate(template, frame)
        shifts[k] = dy, dx
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        movie[k] = cv2.warpAffine(frame, move, (SIDE, SIDE), flags=flags)
    np.save(folder / "b.npy", movie)
    return shifts


WAYS = {"the pipeline, streamed": streamed, "numpy and OpenCV, whole arrays": as_arrays}


def measure(way: str, folder: Path) -> None:
    """Run one way, and print its figures."""
    cv2.setNumThreads(1)
    video = folder / "movie.mkv"
    began = time.process_time()
    shifts = WAYS[way](video, folder)
    passed = time.process_time() - began
    truth = np.load(folder / "truth.npy")
    times = np.arange(len(truth), dtype=np.int64)
    error = shift_rmse_px(Series(times, shifts), Series(times, truth))
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1000
    print(f"{way:34} {1000 * passed / len(truth):10.1f} {peak:12.0f} {error:14.3f}", flush=True)


def main() -> None:
    """Simulate a movie, and measure each way on it."""
    if len(sys.argv) > 1:
        measure(sys.argv[1], Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = simulate(movies.sparse_spec(side=SIDE, cells=150, seconds=SECONDS))
        frames = recording.observed.astype(np.uint8)
        writer = VideoWriter(folder / "movie.mkv", movies.FPS, frames[0])
        for index, frame in enumerate(frames):
            writer.add(frame, index * 50_000)
        writer.close()
        shifts = recording.ground_truth.shifts
        assert shifts is not None
        np.save(folder / "truth.npy", shifts)
        del recording, frames
        head = f"{len(shifts)} frames of {SIDE} x {SIDE}"
        print(f"{head:34} {'CPU ms':>10} {'peak MB':>12} {'shift RMSE px':>14}")
        for way in WAYS:
            subprocess.run([sys.executable, __file__, way, name], check=True)


if __name__ == "__main__":
    main()
