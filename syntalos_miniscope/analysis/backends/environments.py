"""Which back ends there are, which of them are set up here, and where their Pythons are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs

Name = Literal["caiman", "suite2p", "minian"]
HERE = Path(__file__).parent
BUILT_IN = "built-in"


class BackendError(Exception):
    """A back end that is not there, or that failed; the text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A program that extracts cells. `version` and `lock` are None if we do not install it."""

    name: Name
    runner: Path
    """The script that its own Python runs."""
    version: str | None = None
    lock: Path | None = None
    """The versions of everything that is installed."""
    alone: str | None = None
    """What is installed after that without what it asks for."""
    pythons: tuple[tuple[int, int], tuple[int, int]] = ((3, 11), (3, 14))
    """From which to which version of Python the lock serves."""


BACKENDS: dict[str, Backend] = {
    "caiman": Backend("caiman", HERE / "runners" / "run_caiman.py"),
    "suite2p": Backend(
        "suite2p",
        HERE / "runners" / "run_suite2p.py",
        "1.1.0",
        HERE / "locks" / "suite2p.txt",
        alone="suite2p==1.1.0",
    ),
    "minian": Backend(
        "minian", HERE / "runners" / "run_minian.py", "2.0.2", HERE / "locks" / "minian.txt"
    ),
}
"""In the order in which they are chosen if nobody says which."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A back end that is set up: its Python and the version that answered there."""

    backend: Backend
    python: Path
    version: str


def backends_folder() -> Path:
    """Give the folder in which back ends are set up, one folder each."""
    return Path(platformdirs.user_data_dir("syntalos-miniscope", appauthor=False)) / "backends"


def installed(folder: Path | None = None) -> dict[str, Installed]:
    """Give the back ends that are set up, by name, in the order in which they are chosen."""
    found: dict[str, Installed] = {}
    for name, backend in BACKENDS.items():
        record = read_json((folder or backends_folder()) / name / "ready.json")
        python = Path(str(record.get("python", "")))
        if python.is_file():
            found[name] = Installed(backend, python, str(record.get("version", "")))
    return found


def choose_backend(name: str | None = None, folder: Path | None = None) -> Installed | None:
    """Give a back end by name, or the first that is set up; None if there is none, or `built-in`.

    BackendError if the one that is named is unknown or not set up.
    """
    if name == BUILT_IN:
        return None
    there = installed(folder)
    if name is None:
        return next(iter(there.values()), None)
    if name not in BACKENDS:
        known = ", ".join((*BACKENDS, BUILT_IN))
        raise BackendError(f"there is no back end {name!r}; there are {known}")
    if name not in there:
        raise BackendError(f"{name} is not set up here; {how_to_set_up(name)}")
    return there[name]


def how_to_set_up(name: str) -> str:
    """Give the command that sets a back end up."""
    words = f"syntalos-miniscope analyze-setup {name}"
    return f"{words} --caiman-env PATH names the one you have" if name == "caiman" else f"{words}"


def read_json(path: Path) -> dict[str, Any]:
    """Give what a file says; nothing if it is not there or not whole."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
