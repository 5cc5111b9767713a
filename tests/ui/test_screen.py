"""Where there is no screen a person reads a line, and the program does not crash."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from syntalos_miniscope_ui.screen import missing_screen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="X and Wayland are Linux's")


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch, tmp_path: Path) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_without_any_display_that_is_said():
    assert missing_screen() == "there is no display to open a window on"


def test_a_display_without_a_server_is_named(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":987")
    assert "DISPLAY=:987: " in str(missing_screen())
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    reasons = str(missing_screen())
    assert "DISPLAY=:987: " in reasons and "WAYLAND_DISPLAY=wayland-7: no compositor" in reasons


def test_one_display_that_answers_is_enough(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(tmp_path / "wayland-7"))
        compositor.listen()
        assert missing_screen() is None


@pytest.mark.skipif(not shutil.which("Xvfb"), reason="there is no Xvfb")
def test_an_x_server_that_answers_is_a_screen(monkeypatch):
    ours, theirs = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(theirs), "-nolisten", "tcp"],
        pass_fds=[theirs], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    with server, os.fdopen(ours) as told:
        monkeypatch.setenv("DISPLAY", f":{told.readline().strip()}")
        reason = missing_screen()
        server.terminate()
    assert reason is None or "libxcb" in reason


def test_a_platform_that_somebody_chose_is_taken(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert missing_screen() is None
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb;vnc:size=1x1")
    assert missing_screen() is None


@pytest.mark.parametrize(
    ("command", "instead"), [([], "--headless"), (["studio"], "simulate needs none")]
)
def test_the_program_refuses_in_a_line_where_qt_would_abort(monkeypatch, command, instead):
    monkeypatch.setenv("DISPLAY", ":987")
    words = [sys.executable, "-m", "syntalos_miniscope.cli", *command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and done.stdout == ""
    assert ":987: " in done.stderr and instead in done.stderr
    assert done.stderr.count("\n") == 1
