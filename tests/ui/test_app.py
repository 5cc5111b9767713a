"""The program itself, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope_ui.document import Document

PROGRAM = """
import sys
from pathlib import Path
from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.project import load
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope_ui.app import main
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
file, nodes = Path(sys.argv[1]), Path(sys.argv[2])
app = QApplication([])

def edit():
    for window in app.topLevelWidgets():
        if hasattr(window, "files"):
            window.files.document.rename("camera", "Eye")
            print("edited", flush=True)

if sys.argv[3] == "edit":
    QTimer.singleShot(300, edit)
run = RunOptions() if sys.argv[3] == "run" else None
sys.exit(main(load(file), file, Catalog.find([nodes]), run=run))
"""


@pytest.fixture
def program(tmp_path: Path, catalog: Catalog, document: Document):
    document.save(tmp_path / "small.toml")
    nodes = next(iter(catalog.folders.values())).path.parent
    started: list[subprocess.Popen[str]] = []

    def start(how: str, change: str = "", into: str = "") -> subprocess.Popen[str]:
        file = tmp_path / "small.toml"
        file.write_text(file.read_text().replace(change, into))
        own = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "DATA")}
        settings = tmp_path / "CONFIG" / "syntalos-miniscope" / "editor.conf"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(f"[run]\nsubject=m01\nfolder={tmp_path / 'export'}\n")
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "small.toml"), str(nodes), how],
            env=os.environ | own | {"QT_QPA_PLATFORM": "offscreen"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def until_there(folder: Path, pattern: str) -> Path:
    deadline = time.monotonic() + 60
    while not (found := list(folder.glob(pattern))):
        assert time.monotonic() < deadline, f"{pattern} does not come"
        time.sleep(0.05)
    return found[0]


def test_the_studio_opens_and_ends_by_a_signal(tmp_path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "syntalos_miniscope.cli", "studio"],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(4)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == 130, said
    assert "Traceback" not in said


def test_a_project_that_does_not_fit_is_refused_in_a_line(program, tmp_path) -> None:
    child = program("look", 'to = "rows.rows-in"', 'to = "rows.columns-in"')
    _, said = child.communicate(timeout=60)
    assert child.returncode == 2
    assert said.count("\n") == 1
    assert "small.toml: wire to 'rows.columns-in': there is no input 'columns-in' there" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_in_order_and_says_so(program, tmp_path, number) -> None:
    child = program("run")
    until_there(tmp_path / "export", "m01/*/*")
    time.sleep(0.5)
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert "Traceback" not in said
    report = until_there(tmp_path / "export", "m01/*/*/report.json").read_text()
    assert '"exit_reason": "stopped"' in report


def test_a_signal_loses_no_unsaved_change_and_asks_nothing(program, tmp_path) -> None:
    child = program("edit")
    assert child.stdout is not None
    assert child.stdout.readline() == "edited\n"
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130, said
    assert 'title = "Eye"' in (tmp_path / ".small.toml.autosave").read_text()
    assert 'title = "Camera"' in (tmp_path / "small.toml").read_text()
