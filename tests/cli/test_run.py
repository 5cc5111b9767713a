"""`syntalos-miniscope run` and its neighbours, as a person calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]

TICKER = """
import time
from pathlib import Path
import numpy as np
from syntalos_miniscope.node import Context, Node, Out, Settings, live
from syntalos_miniscope.streams import Frame

class TickerSettings(Settings):
    frames: int = 0
    word: str = ""
    bad_at: int = live(-1)

class Ticker(Node):
    outputs = (Out("frames-out", "Frames", Frame),)
    Settings = TickerSettings

    def prepare(self, ctx):
        if self.settings.word == "refuse":
            raise ValueError("the word is 'refuse'; any other is right")
        if self.settings.word.startswith("slow "):
            Path(self.settings.word[5:], "opened").touch()
            time.sleep(60)
        ctx.describe("frames-out", framerate=100.0, size=(8, 8), has_color=False)

    def run(self, ctx):
        index = 0
        while ctx.sleep_until(index * 10_000) and index != (self.settings.frames or -1):
            if index == self.settings.bad_at:
                raise OSError(5, "Input/output error", "/dev/video9")
            ctx.emit("frames-out", Frame(index, index * 10_000, np.zeros((8, 8), np.uint8)))
            index += 1

    def stop(self, ctx):
        if self.settings.word.startswith("slow "):
            time.sleep(0.5)
            Path(self.settings.word[5:], "closed").touch()
"""

PROJECT = """
[project]
format = 1
title = "Ticking"
[[nodes]]
id = "ticker"
type = "ticker"
[[nodes]]
id = "recorder"
type = "video_recorder"
[[wires]]
from = "ticker.frames-out"
to = "recorder.frames-in"
"""


@pytest.fixture
def ticking(tmp_path: Path) -> list[str]:
    """The arguments of a run of a source that ticks into a recorder, 100 frames a second."""
    folder = tmp_path / "mynodes" / "ticker"
    folder.mkdir(parents=True)
    (folder / "node.py").write_text(TICKER)
    (folder / "module.toml").write_text(
        '[syntalos_module]\nname = "Ticker"\ndescription = "Ticks."\nmain = "node.py"\n'
        'icon = "icon.svg"\n'
    )
    (tmp_path / "ticking.toml").write_text(PROJECT)
    return ["run", str(tmp_path / "ticking.toml"), "--headless", "--nodes", str(folder.parent),
            "--export", str(tmp_path / "out")]  # fmt: skip


def test_a_run_records_reports_and_says_where_it_lies(cli: Cli, ticking, tmp_path: Path) -> None:
    done = cli(*ticking, "--for", "0.3", "--report", str(tmp_path / "r.json"), "--subject", "m7")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["exit_reason"] == "finished" and report["error"] is None
    assert [node["id"] for node in report["nodes"]] == ["ticker", "recorder"]
    assert "/m7/" in report["export_dir"] and report["export_dir"] in done.stderr
    assert list(Path(report["export_dir"]).rglob("*.mkv"))


def test_a_run_ends_by_itself_with_its_sources(cli: Cli, ticking) -> None:
    assert cli(*ticking, "--set", "ticker.frames=5").returncode == 0


def test_how_to_look_at_a_video_is_told_where_there_is_one(cli: Cli, ticking) -> None:
    with_video = cli(*ticking, "--set", "ticker.frames=5")
    assert "syntalos-miniscope info" in with_video.stderr and "Play it" in with_video.stderr
    waiting = ["--set", "recorder.wait_for_start=true"]
    without = cli(*ticking, "--set", "ticker.frames=5", *waiting)
    assert without.returncode == 0 and "Recording:" in without.stderr
    assert "syntalos-miniscope info" not in without.stderr and "Play it" not in without.stderr


def test_no_record_leaves_nothing(cli: Cli, ticking, tmp_path: Path) -> None:
    assert cli(*ticking, "--set", "ticker.frames=5", "--no-record").returncode == 0
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_refused_is_one_line_and_exit_code_2(cli: Cli, ticking, tmp_path) -> None:
    done = cli(*ticking, "--set", "ticker.word=refuse")
    assert done.returncode == 2
    assert done.stderr == ("syntalos-miniscope: ticker: the word is 'refuse'; any other is right\n")
    assert not list((tmp_path / "out").rglob("*.toml"))


def test_a_run_that_fails_is_exit_code_1_and_its_files_are_closed(
    cli: Cli, ticking, tmp_path
) -> None:
    done = cli(*ticking, "--set", "ticker.bad_at=7", "--report", str(tmp_path / "r.json"))
    assert done.returncode == 1
    assert "syntalos-miniscope: ticker: /dev/video9: Input/output error\n" in done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["exit_reason"] == "failed"
    assert next(n for n in report["nodes"] if n["id"] == "recorder")["inputs"][0]["items"] == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_stop_a_run_as_the_stop_button_does(ticking, tmp_path, number) -> None:
    report = tmp_path / "r.json"
    running = subprocess.Popen(
        [sys.executable, "-m", "syntalos_miniscope.cli", *ticking, "--report", str(report)],
        stderr=subprocess.PIPE, text=True, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    # A time file is written from the first frame on, which comes after t = 0.
    while (
        not any(path.stat().st_size for path in (tmp_path / "out").rglob("*.tsync"))
        and running.poll() is None
    ):
        time.sleep(0.05)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    result = json.loads(report.read_text())
    assert result["exit_reason"] == "stopped"
    assert {node["status"] for node in result["nodes"]} == {"ended"}


def test_ctrl_c_before_the_start_closes_what_was_opened_however_often_it_comes(
    ticking, tmp_path
) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "syntalos_miniscope.cli", *ticking,
         "--set", f"ticker.word=slow {tmp_path}"],
        stderr=subprocess.PIPE, text=True, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    while not (tmp_path / "opened").exists() and running.poll() is None:
        time.sleep(0.02)
    for _ in range(3):
        running.send_signal(signal.SIGINT)
        time.sleep(0.1)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert (tmp_path / "closed").exists()
    assert not list((tmp_path / "out").rglob("*.toml"))


def test_a_report_that_cannot_be_written_is_exit_code_1(cli: Cli, ticking) -> None:
    done = cli(*ticking, "--set", "ticker.frames=2", "--no-record", "--report", "/dev/full")
    assert done.returncode == 1
    assert "--report /dev/full: No space left on device" in done.stderr


def test_a_message_is_said_as_it_is(cli: Cli, ticking, tmp_path: Path) -> None:
    strange = tmp_path / "[red] :smile: [x] \\"
    done = cli(*ticking[:-1], str(strange), "--set", "ticker.frames=2", "--subject", "m1")
    assert done.returncode == 0
    assert f"Recording: {strange}/m1/" in done.stderr


BAD = {
    "no project": (["run", "nope", "--headless"], "nope: no such project file or example; "),
    "no node": (["--set", "x.y=1"], "there is no node 'x'; known: ticker, recorder"),
    "half a setting": (["--set", "ticker=1"], "--set ticker=1: what is right is NODE."),
    "no setting": (["--set", "ticker.x=1"], "node 'ticker': there is no setting 'x'; known: "),
    "wrong value": (["--set", "ticker.frames=many"], "setting 'frames' = 'many': Input should be"),
    "no report folder": (["--report", "/nowhere/r.json"], "there is no folder /nowhere"),
    "no nodes folder": (["--nodes", "/nowhere"], "/nowhere: no such folder of nodes"),
    "report in a folder": (["--report", "/tmp"], "--report /tmp: is a folder; give a file"),
    "not text": (["--subject", "\udcff"], "--subject '\\udcff': is not UTF-8 text"),
    "a long name": (["run", "x" * 5000, "--headless"], "no such project file or example; "),
    "not a folder": (["--export", "/dev/null"], "/dev/null"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_code_2(cli: Cli, ticking, case) -> None:
    arguments, said = BAD[case]
    done = cli(*([*ticking, *arguments] if arguments[0] != "run" else arguments))
    assert done.returncode == 2
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert done.stderr.startswith("syntalos-miniscope: ")


@pytest.mark.parametrize("seconds", ["nan", "-1", "x"])
def test_a_run_of_no_length_is_refused(cli: Cli, ticking, seconds) -> None:
    done = cli(*ticking, "--for", seconds)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "--for" in done.stderr


def test_examples_are_listed_and_copied_but_never_over_a_file(cli: Cli, tmp_path: Path) -> None:
    assert {"rehearsal", "real-recording"} <= {
        line.split()[0] for line in cli("examples").stdout.splitlines()
    }
    copy = tmp_path / "mine.toml"
    assert cli("examples", "rehearsal", "--copy-to", str(copy)).returncode == 0
    text = copy.read_text()
    again = cli("examples", "rehearsal", "--copy-to", str(copy))
    assert again.returncode == 2 and "exists; nothing was written" in again.stderr
    nameless = cli("examples", "--copy-to", str(tmp_path / "other.toml"))
    assert nameless.returncode == 2 and "needs the name of an example" in nameless.stderr
    assert copy.read_text() == text and 'type = "simulated_scope"' in text


def test_nodes_lists_ports_types_and_settings(cli: Cli) -> None:
    nodes = {node["id"]: node for node in json.loads(cli("nodes", "--json").stdout)}
    ports = {port["id"]: port["type"] for port in nodes["background_subtraction"]["outputs"]}
    assert ports == {"frames-out": "Frame"}
    assert "view" in nodes["background_subtraction"]["settings"]["properties"]


def test_the_editor_runs_as_the_command_line_says(ticking, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    arguments = [word for word in ticking if word != "--headless"]
    given = ["--for", "0.3", "--subject", "m9", "--experiment", "E", "--report", str(report)]
    own = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "DATA")}
    editor = subprocess.Popen(
        [sys.executable, "-m", "syntalos_miniscope.cli", *arguments, *given],
        stderr=subprocess.PIPE, text=True,
        env=os.environ | own | {"HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    while not list((tmp_path / "out").glob("m9/*/E/report.json")) and editor.poll() is None:
        time.sleep(0.05)
    editor.send_signal(signal.SIGTERM)
    _, said = editor.communicate(timeout=60)
    assert editor.returncode == 130, said
    assert json.loads(report.read_text())["exit_reason"] == "finished"


def test_without_a_display_the_editor_says_so(cli: Cli) -> None:
    done = cli("run", "rehearsal")
    assert done.returncode == 2 and "add --headless" in done.stderr
