"""The program itself, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small import HERE

from syntalos_miniscope_ui.document import Document

WATCH = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
app = QApplication([])
timer = QTimer()

def watch(seen):
    "Say each thing that is seen in a window, once; it is looked for from inside the event loop."
    said = set()
    def look():
        for window in app.topLevelWidgets():
            word = seen(window) if window.isVisible() else None
            if word and word not in said:
                said.add(word)
                print(word, flush=True)
    timer.timeout.connect(look)
    timer.start(20)
"""
PROGRAM = f"""{WATCH}
from pathlib import Path
from syntalos_miniscope.project import load
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope_ui.app import main
file, how = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, {str(HERE)!r})
from small import find_boxes

def seen(window):
    if not hasattr(window, "files"):
        return None
    if how == "edit":
        window.files.document.rename("camera", "Eye")
        return "edited"
    return window.running.phase

watch(seen)
run = RunOptions() if how == "run" else None
sys.exit(main(load(file), file, find_boxes(), run=run))
"""
STUDIO = f"""{WATCH}
from syntalos_miniscope.cli import main
watch(lambda window: "shown" if getattr(window, "shown", None) else None)
sys.argv[1:] = ["studio"]
main()
"""


@pytest.fixture
def program(tmp_path: Path, document: Document):
    document.save(tmp_path / "small.toml")
    started: list[subprocess.Popen[str]] = []

    def start(how: str, change: str = "", into: str = "") -> subprocess.Popen[str]:
        file = tmp_path / "small.toml"
        file.write_text(file.read_text().replace(change, into, 1))
        own = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "DATA")}
        settings = tmp_path / "CONFIG" / "syntalos-miniscope" / "editor.conf"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(f"[run]\nsubject=m01\nfolder={tmp_path / 'export'}\n")
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "small.toml"), how],
            env=os.environ | own | {"QT_QPA_PLATFORM": "offscreen"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def until_said(child: subprocess.Popen[str], word: str) -> None:
    """Wait for a word; the limit is that of the test."""
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == word:
            return
    pytest.fail(f"ended without '{word}': {child.communicate()[1]}")


def test_the_studio_opens_and_ends_by_a_signal(tmp_path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", STUDIO],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until_said(child, "shown")
        child.send_signal(signal.SIGINT)
        _, said = child.communicate()
    finally:
        child.kill()
    assert child.returncode == 130, said
    assert "Traceback" not in said


def test_a_project_that_does_not_fit_is_refused_in_a_line(program, tmp_path) -> None:
    child = program("look", 'to = "rows.rows-in"', 'to = "rows.columns-in"')
    _, said = child.communicate()
    assert child.returncode == 2
    assert said.count("\n") == 1
    assert "small.toml: wire to 'rows.columns-in': there is no input 'columns-in' there" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_in_order_and_says_so(program, tmp_path, number) -> None:
    child = program("run")
    until_said(child, "running")
    child.send_signal(number)
    _, said = child.communicate()
    assert child.returncode == 130, said
    assert "Traceback" not in said
    (report,) = (tmp_path / "export").glob("m01/*/*/report.json")
    assert '"exit_reason": "stopped"' in report.read_text()


def test_a_second_signal_leaves_a_box_that_hangs(program) -> None:
    child = program("run", "[nodes.settings]", "[nodes.settings]\nwait_for = 'ever'")
    until_said(child, "preparing")
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)  # another one, as two of a kind may count as one
    _, said = child.communicate()
    assert child.returncode == 130, said
    assert "Traceback" not in said


def test_a_signal_loses_no_unsaved_change_and_asks_nothing(program, tmp_path) -> None:
    child = program("edit")
    until_said(child, "edited")
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate()
    assert child.returncode == 130, said
    (kept,) = tmp_path.glob(".small.toml.*.autosave")
    assert 'title = "Eye"' in kept.read_text()
    assert 'title = "Camera"' in (tmp_path / "small.toml").read_text()
