"""`syntalos-miniscope simulate`: what it writes, refuses, and keeps when it is stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from syntalos_miniscope.cli import main
from syntalos_miniscope.cli.simulate import _bar
from syntalos_miniscope.simulation import (
    CellActivity,
    Recording,
)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "syntalos_miniscope.cli", "simulate", *arguments]


def test_the_command_line_writes_a_preset(tmp_path: Path) -> None:
    out = tmp_path / "a.zarr"
    options = ("--preset", "Generic 1p scope", "--activity", "Active", "--seconds", "0.5")
    done = subprocess.run(
        command(*options, "--fps", "10", "--seed", "4", "--out", str(out)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    recording = Recording.load(out)
    assert recording.observed.shape == (5, 256, 256)
    assert recording.spec.seed == 4
    activity = recording.spec.step(CellActivity)
    assert activity is not None
    assert activity.active_rate_hz == 250


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "a.avi"], "give either --preset NAME or --spec FILE"),
        (["--preset", "Mars", "--out", "a.avi"], "no preset 'Mars'; there are Generic 1p scope"),
        (["--spec", "none.json", "--out", "a.avi"], "cannot read none.json: No such file"),
        (["--preset", "Generic 1p scope", "--out", "a.gif"], "must end in .zarr, .avi or .mkv"),
        (
            ["--preset", "Generic 1p scope", "--seconds", "0", "--out", "a.avi"],
            "acquisition.duration_s: Input should be greater than 0; it is 0",
        ),
        (
            ["--preset", "Generic 1p scope", "--until", "leakage", "--out", "a.avi"],
            "without a sensor intensity has no natural white: give vmax",
        ),
        (
            ["--preset", "Generic 1p scope", "--seconds", "0.02", "--out", "a.zarr"],
            "0.02 s at 20 fps are no whole frame; make it longer",
        ),
        (["--preset", "Generic 1p scope", "--out", "no/such/a.avi"], "cannot write no/such/a"),
        (["--preset", "Generic 1p scope", "--until", "x", "--out", "a.avi"], "no stage 'x'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["syntalos-miniscope", "simulate", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_after_the_frame_in_hand_and_a_second_one_at_once() -> None:
    with _bar() as on_frame:
        on_frame(1, 3)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            on_frame(2, 3)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_ctrl_c_at_the_last_frame_stops_nothing_and_before_the_first_all() -> None:
    heard = signal.getsignal(signal.SIGINT)
    with _bar() as on_frame:
        on_frame(1, 2)
        signal.raise_signal(signal.SIGINT)
        on_frame(2, 2)
    with _bar(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is heard


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_valid_shorter_file(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "a.zarr"
    arguments = command("--preset", "Miniscope V4 - CA1", "--seconds", "600", "--out", str(out))
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    # The chunks of the movie appear 16 frames at a time.
    while not (tmp_path / "a.partial.zarr/observed/1.0.0").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "frames; what was rendered is kept" in told
    recording = Recording.load(out)
    assert 16 < len(recording.observed) < 12000
    assert recording.ground_truth.C.shape[1] == len(recording.observed)
    assert not (tmp_path / "a.partial.zarr").exists()
