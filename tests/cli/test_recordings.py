import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from syntalos_miniscope.cli import main
from syntalos_miniscope.cli.commands import app
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.streams import Frame


@pytest.fixture
def run(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    video = VideoDataset(run.dataset("videos/scope"), "scope", 20.0)
    for number in (0, 1, 3):
        mat = np.random.default_rng(number).integers(0, 256, (16, 16), np.uint8)
        video.add(Frame(number, 50_000 * number, mat))
        video.add_orientation(50_000 * number, (1.0, 0.0, 0.0, 0.0))
    video.close()
    run.finish(success=True, length_ms=200)
    return run.path


def test_info_is_for_people_and_for_programs(run):
    shown = CliRunner().invoke(app, ["info", str(run)])
    assert shown.exit_code == 0
    assert "Frames       3 in 0.200 s, 16 x 16, 8 bit, ffv1" in shown.stdout
    assert "Dropped      1, in 1 gaps" in shown.stdout
    told = json.loads(CliRunner().invoke(app, ["info", str(run), "--json"]).stdout)
    assert (told["frames"], told["dropped"], told["damage"]) == (3, 1, [])


def test_info_of_a_damaged_recording_is_exit_code_1(run):
    video = run / "videos" / "scope" / "scope.mkv"
    video.write_bytes(video.read_bytes()[:-1000])
    shown = CliRunner().invoke(app, ["info", str(run)])
    assert shown.exit_code == 1
    assert "was cut" in shown.stdout


def test_export_writes_what_was_asked_for(run, tmp_path):
    out = tmp_path / "turns.csv"
    shown = CliRunner().invoke(
        app, ["export", str(run), "--to", "csv", "--out", str(out), "--join-frames", "--validity"]
    )
    assert shown.exit_code == 0, shown.output
    assert out.read_text().splitlines()[0] == "Time [ms],qw,qx,qy,qz,Frame,Valid"


STOPPED = """
import os, signal, sys
from syntalos_miniscope.cli import main
from syntalos_miniscope.recording.export_layouts import ExportJob
frames = ExportJob.frames
def stopped(*given):
    for place, frame in enumerate(frames(*given)):
        yield frame
        place == 1 and os.kill(os.getpid(), signal.{name})
ExportJob.frames = stopped
sys.argv = ["syntalos-miniscope", "export", {source!r}, "--to", {to!r}, "--out", {out!r}]
main()
"""


@pytest.mark.parametrize(
    ("to", "name", "code"),
    [
        ("edl", "SIGINT", 130),
        ("zarr", "SIGTERM", 130),
        ("nwb", "SIGTERM", 130),
        ("nwb", "SIGKILL", -9),
    ],
)
def test_a_stopped_export_has_not_its_name_yet_and_goes_on(run, tmp_path, to, name, code):
    if to == "nwb":
        pytest.importorskip("ndx_miniscope", reason="the extra [nwb] is not installed")
    out = tmp_path / f"out.{to}"
    text = STOPPED.format(name=name, source=str(run), to=to, out=str(out))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    assert not out.exists()
    assert name == "SIGKILL" or done.stderr.startswith("Stopped; the same command goes on")
    again = CliRunner().invoke(app, ["export", str(run), "--to", to, "--out", str(out)])
    assert again.exit_code == 0, again.exception
    assert [path.name for path in tmp_path.glob("out*")] == [out.name]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["info", "NOTHING"], "there is no recording at NOTHING"),
        (["export", "NOTHING", "--to", "csv", "--out", "o"], "there is no recording at NOTHING"),
        (["export", "RUN", "--to", "tiff", "--out", "o"], "--to tiff is none of daq, edl, zarr"),
        (["export", "RUN", "--to", "edl", "--out", "RUN"], "exists, and nothing is overwritten"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, arguments, line, monkeypatch, capsys):
    arguments = [str(run) if argument == "RUN" else argument for argument in arguments]
    monkeypatch.setattr("sys.argv", ["syntalos-miniscope", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert line in said[0]


def test_a_run_of_two_videos_tells_of_both_and_of_its_wires(run):
    shutil.copytree(run / "videos" / "scope", run / "videos" / "other")
    node = {
        "id": "view",
        "counters": {"frames": 2, "late": 0},
        "notes": ["half was dark"],
        "inputs": [{"port": "frames-in", "from": "scope.out", "items": 2, "dropped": 1}],
    }
    report = {"exit_reason": "stopped", "error": None, "length_s": 2.5, "nodes": [node]}
    (run / "report.json").write_text(json.dumps(report))
    shown = CliRunner().invoke(app, ["info", str(run)])
    assert shown.exit_code == 0
    assert "Ended        stopped after 2.500 s" in shown.stdout
    assert "Wires        1, 1 dropped" in shown.stdout
    assert "scope.out → view.frames-in: 1 dropped, 2 carried" in shown.stdout
    assert "Counted      view: 2 frames\n" in shown.stdout
    assert "Noted        view: half was dark" in shown.stdout
    assert shown.stdout.count("Frames       3 in 0.200 s") == 2
    told = json.loads(CliRunner().invoke(app, ["info", str(run), "--json"]).stdout)
    assert [each["name"] for each in told["recordings"]] == ["other", "scope"]
    assert told["run"]["wires"][0]["dropped"] == 1
    asked = CliRunner().invoke(app, ["export", str(run), "--to", "csv", "--out", "o"])
    assert "holds 2 videos; give one of them: " in str(asked.exception)


def test_a_video_that_cannot_be_opened_does_not_hide_the_others(run):
    shutil.copytree(run / "videos" / "scope", run / "videos" / "other")
    (run / "videos" / "other" / "scope.mkv").write_bytes(b"")
    shown = CliRunner().invoke(app, ["info", str(run)])
    assert shown.exit_code == 1
    assert shown.stdout.count("Frames       3 in 0.200 s") == 1
    assert "Damage " in shown.stdout.splitlines()[-1]


@pytest.mark.parametrize("report", ["", "[]", '{"nodes": 3}', "[" * 5000, '{"length_s": "x"}'])
def test_a_report_that_is_not_sound_hides_nothing_else(run, report):
    (run / "report.json").write_text(report)
    shown = CliRunner().invoke(app, ["info", str(run)])
    assert "report.json is not sound" in shown.stdout
    assert "Frames       3 in 0.200 s" in shown.stdout


def test_a_run_that_was_killed_is_said_to_be_so(run):
    attributes = run / "attributes.toml"
    attributes.write_text(attributes.read_text().replace("success = true", "success = false"))
    shown = CliRunner().invoke(app, ["info", str(run)])
    assert shown.exit_code == 1
    assert "Ended        not in order: the program was killed" in shown.stdout
