"""The command line of runs on several processes and machines."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUN = ("run", "rehearsal", "--headless", "--engine", "ezmsg")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("run", "rehearsal", "--engine", "ezmsg"), "runs without windows: add --headless"),
        (("run", "rehearsal", "--headless", "--listen", "10.0.0.1"), "are for --engine ezmsg"),
        ((*RUN, "--machine", "pc"), "--machine pc: what is right is NAME=ADDRESS:PORT"),
        ((*RUN, "--machine", "pc=10.0.0.2:x"), "10.0.0.2:x: ADDRESS:PORT is right, such as"),
        ((*RUN, "--machine", "pc=here"), "here: an IPv4 address is right, such as 10.0.0.2"),
        ((*RUN, "--machine", "pc=10.0.0.2"), "machine 'pc': the project places no node on it"),
        ((*RUN, "--listen", "nowhere"), "--listen nowhere: an IPv4 address is right"),
        (("serve", "--machine", ""), "--machine: give a name, as projects call this machine"),
        (("serve", "--machine", "pc", "--listen", "192.0.2.1"), "192.0.2.1: cannot listen on"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_line_and_exit_code_2(cli, words, line) -> None:
    told = cli(*words)
    assert told.returncode == 2
    assert line in told.stderr.splitlines()[-1]
    assert "Traceback" not in told.stderr


def test_serve_opens_nothing_but_loopback_unless_told_and_says_what(tmp_path) -> None:
    words = ["-m", "syntalos_miniscope.cli", "serve", "--machine", "pc", "--listen", "127.0.0.1:0"]
    serving = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True)
    assert serving.stderr is not None
    first = serving.stderr.readline()
    assert first.startswith("Machine 'pc' waits for runs at 127.0.0.1:")
    assert "127.0.0.1" in serving.stderr.readline()
    serving.terminate()
    _, rest = serving.communicate(timeout=60)
    assert serving.returncode == 0
    assert "authenticated" not in rest
