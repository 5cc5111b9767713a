import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pictures import picture

from syntalos_miniscope.recording import export_layouts
from syntalos_miniscope.recording.export import export_recording

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-minian" / "bin" / "python"


@pytest.mark.slow
def test_minian_loads_the_videos_in_order_and_bit_equal(tmp_path, edl_run, monkeypatch):
    if not PYTHON.is_file():
        pytest.skip("no .venv-minian; make it with tests/oracles/make_minian_env")
    if not shutil.which("ffmpeg"):
        pytest.skip("minian runs ffmpeg, which is not there: apt-get install ffmpeg")
    # Eleven videos: 10.avi comes after 2.avi.
    monkeypatch.setattr("syntalos_miniscope.recording.daq_folder.FRAMES_PER_FILE", 4)
    monkeypatch.setattr(export_layouts, "FRAMES_PER_FILE", 4)
    export_recording(edl_run(index=list(range(44))), "daq", tmp_path / "daq")
    (device,) = (tmp_path / "daq").glob("*/*/*/*/*/Miniscope")
    script, frames = ROOT / "tests" / "oracles" / "read_minian.py", tmp_path / "frames.npy"
    command = [str(part) for part in (PYTHON, script, device, frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(frames), np.stack([picture(i) for i in range(44)]))
