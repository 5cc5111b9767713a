"""What a person may type wrong, and Ctrl-C while the program is still loading."""

from __future__ import annotations

import subprocess
import sys

import pytest

from syntalos_miniscope.cli import main

ENDS_IN = "--help' says what is right)"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runn"], "No such command 'runn'. Did you mean 'run'? ('syntalos-miniscope --help'"),
        (["run"], "Missing argument 'project' ('syntalos-miniscope run --help'"),
        (["run", "rehearsal", "--heedless"], "No such option: --heedless"),
        (["run", "rehearsal", "--for", "soon"], "Invalid value for '--for': "),
        (["run", "rehearsal", "--engine", "steam"], "'steam' is not one of 'local', 'ezmsg'"),
        (["run", "rehearsal", "twice"], "(twice) ('syntalos-miniscope run --help'"),
        (["simulate", "--preset"], "'--preset' requires an argument"),
        (["syntalos"], "Missing command ('syntalos-miniscope syntalos --help'"),
        (["--loud"], "No such option: --loud"),
    ],
)
def test_a_slip_is_one_line_and_exit_code_2(monkeypatch, capsys, words, told):
    monkeypatch.setattr(sys, "argv", ["syntalos-miniscope", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == ""
    assert told in said.err and said.err.endswith(f"{ENDS_IN}\n")
    assert said.err.startswith("syntalos-miniscope: ") and said.err.count("\n") == 1


INTERRUPTED = """
import sys
class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, CtrlC())
sys.argv = ["syntalos-miniscope"]
from syntalos_miniscope.cli import main
main()
"""


def test_ctrl_c_while_the_program_loads_ends_it_without_a_word():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_in_a_compiled_function_ends_it_without_a_word(monkeypatch, capsys):
    def interrupted() -> int:
        raise SystemError("a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr("syntalos_miniscope.cli.commands.obey", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""
