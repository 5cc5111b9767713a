"""Runs a back end's runner as a process of its own: progress, cancelling, and how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from syntalos_miniscope.analysis.backends.environments import BackendError, Installed, read_json

Progress = Callable[[str, float | None], None]
"""Is told what is going on, and how much of it is done, from 0 to 1, if that is known."""

POLL_S = 0.1
PATIENCE_S = 5.0
"""A child that was asked to end is killed after so long."""

UNWANTED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "QT_QPA_PLATFORM", "QT_PLUGIN_PATH")
"""What our own environment says and another Python must not hear."""


def run_child(chosen: Installed, work: Path, progress: Progress | None) -> None:
    """Run the runner of a back end on a work folder to its end.

    BackendError says in one line how it failed. Whatever is raised here, or by `progress`, ends
    the child and all that it started first.
    """
    name, log = chosen.backend.name, work / "log.txt"
    # -E and -s: nothing of this user's other Pythons; the runner's own folder stays importable.
    command = [str(chosen.python), "-E", "-s", str(chosen.backend.runner), str(work)]
    told = work / "progress.jsonl"
    told.unlink(missing_ok=True)
    with log.open("wb") as output:
        try:
            # The child reads the pipe, and ends when it closes because we have gone.
            child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=work,
                env=surroundings(chosen.python),
                start_new_session=True,
            )
        except OSError as error:
            raise BackendError(f"{name} cannot be started: {error.strerror}") from error
    try:
        _follow(child, told, progress)
    finally:
        _end(child)
    if child.returncode or not (work / "result.json").exists():
        raise BackendError(_why(name, child.returncode, work))


def _follow(child: subprocess.Popen[bytes], told: Path, progress: Progress | None) -> None:
    read = 0
    running = True
    while running:
        running = child.poll() is None
        if progress is not None and told.exists():
            with told.open("rb") as file:
                file.seek(read)
                for line in file:
                    if line.endswith(b"\n"):
                        read += len(line)
                        _tell(progress, line)
        if running:
            time.sleep(POLL_S)


def _tell(progress: Progress, line: bytes) -> None:
    try:
        said = json.loads(line)
        stage, share = str(said["stage"]), said.get("share")
        progress(stage, None if share is None else min(max(float(share), 0.0), 1.0))
    except (ValueError, TypeError, KeyError, AttributeError):
        return


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and what it started; nothing is left behind."""
    if child.poll() is None:
        _signal(child, signal.SIGTERM)
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pass
    if os.name == "posix":
        _signal(child, signal.SIGKILL)
    else:
        child.kill()
    child.wait()
    if child.stdin is not None:
        child.stdin.close()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        if os.name == "posix":
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)
    except (ProcessLookupError, PermissionError):
        return


def _why(name: str, code: int, work: Path) -> str:
    log = work / "log.txt"
    error = read_json(work / "error.json").get("error")
    if error:
        return f"{name} failed: {error}; what it printed is in {log}"
    if code == -signal.SIGKILL:
        return (
            f"{name} was killed, as the system does when memory runs out; crop the movie or "
            f"take a shorter one (what it printed is in {log})"
        )
    if code < 0:
        ended = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"{name} was ended by {ended}; what it printed is in {log}"
    return f"{name} ended with code {code} and no result: {_last_line(log)}; see {log}"


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:300] if said else "it printed nothing"


def surroundings(python: Path) -> dict[str, str]:
    """Give the environment variables for another Python: ours, less what is about our own."""
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    # Libraries of a conda environment are found by programs beside its python.
    kept["PATH"] = os.pathsep.join([str(python.parent), kept.get("PATH", "")])
    kept["MPLBACKEND"] = "Agg"
    return kept
