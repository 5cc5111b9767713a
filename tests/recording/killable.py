"""A recorder that is killed with SIGKILL at a random moment, and what survives of it.

Run as a script it is the recorder: killable.py FOLDER SEED LAYOUT; it says on standard output, a
line for each, which frame it has handed over.
"""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.info import inspect_all
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.streams import FloatSignalBlock, Frame

SHAPE = (304, 304)


def frame_of(seed: int, number: int) -> Frame:
    """Every third frame is dark, which is where buffers hide."""
    rng = np.random.default_rng((seed, number))
    mat = np.zeros(SHAPE, np.uint8)
    if number % 3:
        mat[:] = rng.normal(60, 4, SHAPE).clip(0, 255)
    return Frame(number, 20_000 * number, mat)


def record(folder: Path, seed: int, layout: str) -> None:
    recorder: Any = Catalog.shipped().node("video_recorder")
    about = {
        "frames-in": {"framerate": 50.0},
        "orientation-in": {"time_unit": "milliseconds"},
    }
    script = Script(
        recorder(recorder.Settings(part_s=1.0, layout=layout)), inputs=about, record_to=folder
    )
    script.prepare()
    script.start()
    for number in range(1_000_000):
        frame = frame_of(seed, number)
        sample = np.array([frame.time_us // 1000]), np.array([[1, 0, 0, 0]], np.float32)
        script.feed("orientation-in", FloatSignalBlock(*sample))
        script.feed("frames-in", frame)
        os.write(1, b"%d\n" % number)


@dataclass(frozen=True)
class Survival:
    """Of one killed recording: frames handed over and come back; whether info tells of it."""

    handed: int
    back: int
    equal: bool
    orientation: int
    damaged: bool


def kill_once(folder: Path, seed: int, layout: str = "edl") -> Survival:
    """Record, kill at a random moment in the first two seconds, and read what is there."""
    command = [sys.executable, __file__, str(folder), str(seed), layout]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(random.Random(seed).uniform(0.0, 2.0))
        child.send_signal(signal.SIGKILL)
        lines = child.stdout.read().split(b"\n")
    handed = int(lines[-2]) + 1 if len(lines) > 1 else 1
    (run,) = folder.glob("*/*/*/manifest.toml")
    try:
        recording = open_recording(run.parent)
    except RecordingError:
        return Survival(handed, 0, True, handed, True)
    frames = list(recording.frames())
    equal = all(np.array_equal(f.mat, frame_of(seed, f.index).mat) for f in frames)
    samples = 0 if recording.orientation is None else len(recording.orientation.time_us)
    return Survival(handed, len(frames), equal, samples, inspect_all(run.parent).damaged)


if __name__ == "__main__":
    record(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
