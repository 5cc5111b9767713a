import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import picture

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.recording import export_layouts
from syntalos_miniscope.recording.export import export_recording
from syntalos_miniscope.streams import FloatSignalBlock, Frame

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-neuroconv" / "bin" / "python"
INDEX = [0, 1, *range(4, 24)]
TIMES_US = [1_234 + 50_001 * i for i in INDEX]


def record(folder: Path) -> tuple[Path, Path]:
    """Record with the layout of the DAQ software; give its root and device folder."""
    recorder: Any = Catalog.shipped().node("video_recorder")
    inputs = {"frames-in": {"framerate": 20.0}, "orientation-in": {"time_unit": "microseconds"}}
    settings = recorder.Settings(layout="daq", name="Miniscope")
    script = Script(recorder(settings), inputs=inputs, record_to=folder)
    script.prepare()
    script.start()
    for index, time_us in zip(INDEX, TIMES_US, strict=True):
        sample = np.array([time_us]), np.array([[1, 0, 0, 0]], np.float32)
        script.feed("orientation-in", FloatSignalBlock(*sample))
        script.feed("frames-in", Frame(index, time_us, picture(index)))
    script.stop()
    (device,) = folder.glob("*/*/*/daq/Miniscope")
    return device.parent, device


@pytest.mark.slow
@pytest.mark.parametrize("by", ["export", "recorder"])
def test_neuroconv_reads_imaging_orientation_and_converts_it_bit_equal(
    tmp_path, edl_run, monkeypatch, by
):
    if not PYTHON.is_file():
        pytest.skip("no .venv-neuroconv; make it with tests/oracles/make_neuroconv_env")
    monkeypatch.setattr("syntalos_miniscope.recording.daq_folder.FRAMES_PER_FILE", 8)
    monkeypatch.setattr(export_layouts, "FRAMES_PER_FILE", 8)
    root, frames = tmp_path / "daq", tmp_path / "frames.npy"
    if by == "export":
        export_recording(edl_run(index=INDEX, time_us=TIMES_US), "daq", root)
        (device,) = root.glob("*/*/*/*/*/Miniscope")
    else:
        root, device = record(tmp_path)
    script = ROOT / "tests" / "oracles" / "read_daq.py"
    command = [str(part) for part in (PYTHON, script, root, device, frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_array_equal(np.load(frames), np.stack([picture(i) for i in INDEX]))
    times_s = [time_us // 1000 / 1000 for time_us in TIMES_US]
    assert said["times_s"] == pytest.approx(times_s)
    assert said["orientation_times_s"] == pytest.approx(times_s)
    assert said["warnings"] == []
    assert len(said["interfaces"]) == 2
    assert said["nwb_equal"]
