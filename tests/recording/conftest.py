import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from pictures import picture

from syntalos_miniscope.recording import export_layouts
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.streams import Frame


@pytest.fixture
def edl_run(tmp_path: Path) -> Callable[..., Path]:
    """Records frames of given index and time and gives the folder of the run."""

    def make(
        index: list[int] | None = None, time_us: list[int] | None = None, part_s: float = 0
    ) -> Path:
        index = index if index is not None else list(range(20))
        time_us = time_us or [1_234 + 50_000 * i for i in range(len(index))]
        run = ExperimentDir.create(tmp_path / "export", "mouse 1", "maze")
        video = VideoDataset(run.dataset("videos/scope"), "scope", 20.0, part_s=part_s)
        for i, t in zip(index, time_us, strict=True):
            video.add(Frame(i, t, picture(i)))
            video.add_orientation(t, (math.cos(i / 100), 0.0, math.sin(i / 100), 0.0))
        video.close()
        run.finish(success=True, length_ms=time_us[-1] / 1000 if time_us else 0)
        return run.path

    return make


@pytest.fixture
def daq_session(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder as the official DAQ software does and gives the session."""

    def make(
        times_ms: list[int], chunk: int = 7, counter: list[int] | None = None, frames: int = -1
    ) -> Path:
        session = tmp_path / "me" / "2025_03_01" / "14_20_05"
        device = session / "Miniscope"
        device.mkdir(parents=True)
        frames = len(times_ms) if frames < 0 else frames
        for begin in range(0, frames, chunk):
            video = VideoWriter(device / f"{begin // chunk}.avi", 60.0, picture(0))
            for number in range(begin, min(begin + chunk, frames)):
                video.add(picture(number), 0)
            video.close()
        head = "Frame Number,Time Stamp (ms),Buffer Index" + (",DAQ Frame Number" * bool(counter))
        rows = [
            f"{i},{t},0" + (f",{counter[i]}" if counter else "") for i, t in enumerate(times_ms)
        ]
        (device / "timeStamps.csv").write_text("\n".join([head, *rows, ""]))
        quaternions = [f"{t},1.0,0.0,0.0,{i / 1000}" for i, t in enumerate(times_ms)]
        (device / "headOrientation.csv").write_text(
            "\n".join(["Time Stamp (ms),qw,qx,qy,qz", *quaternions, ""])
        )
        (device / "metaData.json").write_text(
            json.dumps({"deviceName": "Miniscope", "frameRate": "20FPS", "gain": 1, "led0": 10})
        )
        names = ("year", "month", "day", "hour", "minute", "second", "msec")
        start = dict(zip(names, (2025, 3, 1, 14, 20, 5, 512), strict=True))
        (session / "metaData.json").write_text(
            json.dumps({"miniscopes": ["Miniscope"], "cameras": [], "recordingStartTime": start})
        )
        (session / "notes.csv").write_text("Time Stamp (ms), Note\n1500, light, then dark\n")
        return session

    return make


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of four frames, so that there are several."""
    monkeypatch.setattr("syntalos_miniscope.recording.daq_folder.FRAMES_PER_FILE", 4)
    monkeypatch.setattr(export_layouts, "FRAMES_PER_FILE", 4)
    monkeypatch.setattr(export_layouts, "PART_FRAMES", 4)
    monkeypatch.setattr(export_layouts, "CHUNK_FRAMES", 4)


@pytest.fixture
def source(edl_run) -> Path:
    """Ten frames, two of them lost, with a note."""
    index = [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]
    run = edl_run(index=index, time_us=[1_234 + 50_001 * i for i in index])
    report = {"marks": ["101.500 ms: light, then dark"]}
    (run / "report.json").write_text(json.dumps(report))
    return run
