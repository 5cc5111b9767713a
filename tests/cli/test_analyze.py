"""`syntalos-miniscope analyze`, as it is typed."""

import re
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from syntalos_miniscope.cli.commands import app
from syntalos_miniscope.cli.console import BadInputError
from syntalos_miniscope.recording.daq_folder import DaqDevice
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.streams import Frame

FRAMES = np.random.default_rng(0).integers(40, 90, (60, 72, 96), np.uint8)
NO_CELLS = ("--set", "run_CNMFE=false", "--set", "plot_params=false")


@pytest.fixture
def video(tmp_path):
    writer = VideoWriter(tmp_path / "a.mkv", 20.0, FRAMES[0])
    for index, frame in enumerate(FRAMES):
        writer.add(frame, index * 50_000)
    writer.close()
    return tmp_path / "a.mkv"


@pytest.fixture
def project(tmp_path):
    device = DaqDevice(tmp_path / "raw" / "R1" / "Miniscope", 20.0)
    for index, frame in enumerate(FRAMES):
        device.add(Frame(index, 50_000 * index, frame))
    device.close()
    (tmp_path / "experiments.csv").write_text(
        "line number,id,calcium imaging directory\n96,R1,R1/Miniscope\n"
    )
    (tmp_path / "analysis_parameters.csv").write_text(
        'line number,crop_coords,run_CNMFE,plot_params\n96,"(4, 70, 90, 2)",FALSE,FALSE\n'
    )
    return tmp_path


def refused(words, *arguments):
    done = CliRunner().invoke(app, ["analyze", *arguments, "--headless"])
    assert isinstance(done.exception, BadInputError)
    text = str(done.exception)
    assert re.search(words, text) and len(text.splitlines()) == 1


def test_a_line_of_a_project_is_analysed_as_the_documents_type_it(cli, project):
    done = cli(
        "analyze", "--line-num", "96", "--project-path", str(project),
        "--data-path", str(project / "raw"), "--headless",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = project / "raw" / "R1" / "Miniscope" / "saved_movies"
    said = done.stderr.splitlines()
    assert said[0].startswith("no spectrogram: 3.0 s are too short")
    assert said[-1] == f"{folder / 'report.html'} written" and len(said) == 2
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "mean_fluorescence.csv", "parameters.json", "preprocessed_detrended.avi",
        "preprocessed_detrended.json", "report.html", "steps.json", "work",
    ]  # fmt: skip


def test_a_video_alone_is_analysed_beside_itself_and_no_display_is_no_obstacle(cli, video):
    done = cli("analyze", str(video), *NO_CELLS, "--set", "detrend_method=None", "--keep-movie")
    assert done.returncode == 0, done.stderr
    assert "no display" in done.stderr
    folder = video.parent / "saved_movies" / "a"
    assert (folder / "preprocessed.avi").is_file()
    assert np.load(folder / "motion_corrected.npy").shape == (60, 72, 96)


@pytest.mark.parametrize(
    ("table", "text", "words"),
    [
        (
            "experiments",
            "line number,id\n96,R1,2\n",
            "experiments.csv, line 2, column 3: 3 fields where",
        ),
        ("experiments", "line number,id\n97,R1\n", "experiments.csv has no line number 96"),
        ("experiments", "number,id\n96,R1\n", "experiments.csv, line 1: there is no column"),
        ("analysis_parameters", "line number,gSig\n\n96,big\n", "line 3, column gSig: .*'big'"),
        ("analysis_parameters", "line number,gSig\n95,3\n", "has no line number 96"),
        (
            "analysis_parameters",
            'line number,crop_coords\n96,"(0, 0, 900, 10)"\n',
            "parameters.csv, line 2, column crop_coords: .* reach out of frames of 96 x 72",
        ),
    ],
)
def test_a_malformed_table_is_one_line_with_file_line_and_column(project, table, text, words):
    (project / f"{table}.csv").write_text(text)
    raw = str(project / "raw")
    refused(words, "--line-num", "96", "--project-path", str(project), "--data-path", raw)
    assert not (project / "raw" / "R1" / "Miniscope" / "saved_movies").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("a.mkv", "--crop", "1,2,3"), "--crop is X0,Y0,X1,Y1"),
        (("a.mkv", "--crop", "0,0,900,100"), "reach out of frames of 96 x 72"),
        (("a.mkv", "--set", "gSig"), "COLUMN=VALUE, such as gSig"),
        (("a.mkv", "--set", "gsig=3"), "gsig: there is no such setting"),
        (("a.mkv", "--set", "df_over_f=perhaps"), "df_over_f: .*'perhaps'"),
        (("a.mkv", "--backend", "magic"), "no back end 'magic'"),
        (("a.mkv", "--rois", "none.json"), "no file of regions none.json"),
        (
            ("a.mkv", "--set", "motion_correction=backend", "--backend", "built-in"),
            "no back end that corrects motion is set up",
        ),
        (("a.mkv", "--line-num", "3"), "give a RECORDING, or --line-num"),
        ((), "give a RECORDING, or --line-num"),
        (("a.mkv", "--data-path", "."), "--data-path goes with --line-num"),
        (("--line-num", "3"), "--project-path is missing"),
        (("none.mkv",), "there is no recording at"),
    ],
)
def test_flags_that_cannot_be_are_one_line_and_leave_nothing(video, flags, words):
    refused(words, *(str(video.parent / flag) if flag.endswith(".mkv") else flag for flag in flags))
    assert not (video.parent / "saved_movies").exists()


def test_bad_input_ends_with_exit_code_2(cli, video):
    done = cli("analyze", str(video), "--crop", "0,0,900,100", "--headless")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


KILLED = """
import os, signal, sys
from syntalos_miniscope.analysis.pipeline import stages
from syntalos_miniscope.cli import main
prepare = stages.prepare
def killed(*given, tell, **named):
    return prepare(*given, tell=lambda n, of: n == 90 and os.kill(os.getpid(), {number}), **named)
stages.prepare = killed
sys.argv = ["syntalos-miniscope", "analyze", {video!r}, "--headless", "--set", "run_CNMFE=false"]
main()
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 130), ("SIGKILL", -9)])
def test_a_run_that_is_stopped_leaves_no_file_half_and_goes_on(cli, video, name, code):
    text = KILLED.format(number=f"signal.{name}", video=str(video))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    folder = video.parent / "saved_movies" / "a"
    left = {path.name for path in folder.rglob("*") if "partial" not in path.name}
    assert left == {"steps.json", "work"}, done.stderr
    assert name == "SIGKILL" or not list(folder.rglob("*partial*"))
    assert cli("analyze", str(video), "--headless", *NO_CELLS).returncode == 0
    assert (folder / "report.html").is_file() and not list(folder.rglob("*partial*"))
