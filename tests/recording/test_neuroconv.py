import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pictures import picture

from syntalos_miniscope.recording import export_layouts
from syntalos_miniscope.recording.export import export_recording

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-neuroconv" / "bin" / "python"
INDEX = [0, 1, *range(4, 24)]


@pytest.mark.slow
def test_neuroconv_reads_imaging_orientation_and_converts_it_bit_equal(
    tmp_path, edl_run, monkeypatch
):
    if not PYTHON.is_file():
        pytest.skip("no .venv-neuroconv; make it with tests/oracles/make_neuroconv_env")
    monkeypatch.setattr("syntalos_miniscope.recording.daq_folder.FRAMES_PER_FILE", 8)
    monkeypatch.setattr(export_layouts, "FRAMES_PER_FILE", 8)
    source = edl_run(index=INDEX, time_us=[1_234 + 50_001 * i for i in INDEX])
    root, frames = tmp_path / "daq", tmp_path / "frames.npy"
    export_recording(source, "daq", root)
    (device,) = root.glob("*/*/*/*/*/Miniscope")
    script = ROOT / "tests" / "oracles" / "read_daq.py"
    command = [str(part) for part in (PYTHON, script, root, device, frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_array_equal(np.load(frames), np.stack([picture(i) for i in INDEX]))
    times_s = [(1_234 + 50_001 * i) // 1000 / 1000 for i in INDEX]
    assert said["times_s"] == pytest.approx(times_s)
    assert said["orientation_times_s"] == pytest.approx(times_s)
    assert said["warnings"] == []
    assert len(said["interfaces"]) == 2
    assert said["nwb_equal"]
