"""The one environment that all modules share, made from the Python that Syntalos uses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from syntalos_miniscope.syntalos.places import Place, SyntalosError, is_ours

PACKAGE = "syntalos-miniscope"


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python with this program in it; `run_by` comes before it to enter a Flatpak."""

    python: Path
    run_by: tuple[str, ...] = ()

    def command(self, module: str, *words: str) -> list[str]:
        """Give what runs one of our modules, with nothing of the current folder in its way."""
        return [*self.run_by, str(self.python), "-P", "-m", module, *words]


def given_environment(folder: Path, place: Place) -> Environment:
    """Take an environment that is there; SyntalosError if it does not fit this Syntalos."""
    python = folder / "bin" / "python"
    if not python.exists():
        raise SyntalosError(f"{folder} is no environment: there is no {python}")
    environment = Environment(python, _run_by(place))
    state = inspect(environment, [])
    if isinstance(state, str):
        raise SyntalosError(f"{folder}: {state}")
    if tuple(state["python"]) != place.version:
        raise SyntalosError(
            f"{folder} is for Python {_text(state['python'])} and Syntalos uses "
            f"{_text(place.version)}; make one with {' '.join(place.python)} -m venv"
        )
    return environment


def make_environment(place: Place, say: Callable[[str], None]) -> Environment:
    """Give the environment that we run in if it fits, else make one; SyntalosError if it fails."""
    if is_ours(place):
        return Environment(Path(sys.executable))
    folder = place.environment
    python = folder / "bin" / "python"
    if not python.exists():
        say(f"making {folder} for Python {_text(place.version)}")
        _run([*place.python, "-m", "venv", str(folder)])
    environment = Environment(python, _run_by(place))
    what = _requirement(editable=not environment.run_by)
    say(f"installing {' '.join(what)} there; that takes a minute or two")
    pip = [*environment.run_by, str(python), "-m", "pip", "install", "--quiet"]
    _run([*pip, "--disable-pip-version-check", "--upgrade", *what])
    return environment


def inspect(environment: Environment, nodes: list[str]) -> dict[str, Any] | str:
    """Ask an environment for its Python, our version, and which nodes it cannot load, and why.

    A sentence if it does not answer.
    """
    words = environment.command("syntalos_miniscope.syntalos.nodes", *nodes)
    try:
        ran = subprocess.run(words, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{environment.python} does not run: {error}"
    if ran.returncode:
        return f"{environment.python} cannot import {PACKAGE}: {_last_line(ran.stderr)}"
    return json.loads(ran.stdout)


def _requirement(*, editable: bool) -> list[str]:
    """Give what pip is told to install: where this program came from, or its released version."""
    ours = distribution(PACKAGE)
    origin = json.loads(ours.read_text("direct_url.json") or "{}")
    url = str(origin.get("url", ""))
    if not url.startswith("file:"):
        return [f"{PACKAGE}=={ours.version}"]
    path = unquote(urlparse(url).path)
    in_place = origin.get("dir_info", {}).get("editable", False)
    return ["--editable", path] if in_place and editable else [path]


def _run_by(place: Place) -> tuple[str, ...]:
    if len(place.python) == 1:
        return ()
    # Inside a Flatpak another command is started in the place of its python3.
    return ("flatpak", "run", "--command=env", place.python[-1])


def _run(words: list[str]) -> None:
    ran = subprocess.run(words, capture_output=True, text=True)
    if ran.returncode:
        raise SyntalosError(f"'{' '.join(words)}' failed: {_last_line(ran.stderr or ran.stdout)}")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def _text(version: Any) -> str:
    return f"{version[0]}.{version[1]}"
