"""The commands that look at scopes."""

import json
import subprocess
import sys

import cv2
import pytest

from syntalos_miniscope.cli.console import BadInputError
from syntalos_miniscope.cli.scopes import zstack


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "syntalos_miniscope.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_devices_lists_what_there_is_for_people_and_programs():
    done = run("devices", "--json")
    assert done.returncode == 0
    assert set(json.loads(done.stdout)) == {"scopes", "cameras"}
    assert run("devices").returncode == 0


@pytest.mark.parametrize("port", ["9-9", ""])
def test_resetting_a_scope_that_is_not_there_is_one_line_and_exit_2(port):
    done = run("devices", "--reset", port)
    assert done.returncode == 2
    assert f"no Miniscope at {port}" in done.stderr


def test_a_sweep_of_a_virtual_scope_leaves_planes_and_projections(tmp_path):
    device = "virtual:tissue=pattern"
    sweep = ("zstack", "--device", device, "--out", str(tmp_path), "--step", "127")
    done = run(*sweep, "--frames", "1")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "maximum.png",
        "mean.png",
        "planes.csv",
        "planes.tif",
    ]
    assert len((tmp_path / "planes.csv").read_text().splitlines()) == 4
    maximum = cv2.imread(str(tmp_path / "maximum.png"), cv2.IMREAD_GRAYSCALE)
    assert maximum is not None
    assert maximum.shape == (608, 608)
    assert "the sharpest plane is at focus" in done.stderr
    again = run(*sweep)
    assert again.returncode == 2
    assert "is not empty" in again.stderr


def test_a_sweep_into_a_file_is_refused_before_a_scope_is_opened(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match=r"file: Not a directory; give a new folder"):
        zstack(tmp_path / "file", device="9-9")


def test_a_sweep_without_a_scope_is_one_line_and_exit_2(tmp_path):
    done = run("zstack", "--device", "9-9", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "no Miniscope at port 9-9" in done.stderr
    assert len(done.stderr.splitlines()) == 1
