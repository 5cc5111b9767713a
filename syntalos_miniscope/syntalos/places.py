"""Where a Syntalos is, native or Flatpak: its module folders, its Python, what is built in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

FLATPAK_ID = "org.syntalos.syntalos"
LINK_NAME = "syntalos_mlink"

BUILT_IN = frozenset(
    """audiosource camera-arv camera-flir camera-generic camera-lc camera-tis camera-ueye canvas
    cpp-workbench deeplabcut-live example-cpp example-mlink example-py firmata-io firmata-userctl
    flowmeter galdur-stim hwline-userctl intan-rhx jsonwriter miniscope plot-timeseries pyscript
    runcmd signalfilter sp210-pressuresense table triled-tracker videorecorder videotransform
    zarrwriter""".split()
)
"""The ids of Syntalos's own modules, as of 3.1."""


PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")
"""Where Syntalos looks for the Python of its modules, before it asks the PATH."""


class SyntalosError(Exception):
    """What cannot be installed, and what would be right: one line."""


@dataclass(frozen=True, slots=True)
class Place:
    """One Syntalos, or where one would be."""

    modules: Path
    """The user's module folder; each folder in it is a module, its name the module's id."""
    python: tuple[str, ...]
    """The command that starts the Python which Syntalos starts."""
    version: tuple[int, int]
    """That Python's version; the extension `syntalos_mlink` fits this one only."""
    environment: Path
    """Where an environment of ours for it lies, if one is needed."""
    has_link: bool
    """Whether `syntalos_mlink` was found."""
    own_modules: frozenset[str]
    """The ids that Syntalos itself has taken."""


def native() -> Place:
    """Find the Syntalos of this system; SyntalosError if there is no Python for it."""
    python = next((p for p in PYTHONS if os.access(p, os.X_OK)), shutil.which("python3"))
    if python is None:
        raise SyntalosError("there is no python3, which Syntalos starts its Python modules with")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    roots = [Path("/usr/lib"), *sorted(Path("/usr/lib").glob("*-linux-*")), Path("/usr/local/lib")]
    version = _version([python])
    links = link_versions(root / "python3" / "dist-packages" for root in roots)
    links |= link_versions(
        root / f"python{version[0]}.{version[1]}" / folder
        for root in roots
        for folder in ("site-packages", "dist-packages")
    )
    if links and version not in links:
        raise SyntalosError(
            f"{python} is Python {_text(version)}, and {LINK_NAME} of this Syntalos is for "
            f"{' and '.join(map(_text, sorted(links)))}; Syntalos itself could not use it"
        )
    own = {path.name for root in roots for path in _folders(root / "syntalos" / "modules")}
    return Place(
        data / "Syntalos" / "modules", (python,), version,
        Path(platformdirs.user_data_dir("syntalos-miniscope", appauthor=False)) / "syntalos-env",
        bool(links), BUILT_IN | own,
    )  # fmt: skip


def flatpak() -> Place:
    """Find the Syntalos that came as a Flatpak; SyntalosError if there is none."""
    if shutil.which("flatpak") is None:
        raise SyntalosError("there is no flatpak on this system; leave --flatpak away")
    names = (*PYTHONS, "python3")
    commands = [("flatpak", "run", f"--command={name}", FLATPAK_ID) for name in names]
    python = next(filter(_runs, commands), commands[-1])
    try:
        version = _version(python)
    except SyntalosError as error:
        raise SyntalosError(f"the Flatpak {FLATPAK_ID} does not start: {error}") from error
    data = Path.home() / ".var" / "app" / FLATPAK_ID / "data"
    return Place(
        data / "modules", python, version, data / "syntalos-miniscope-env", True, BUILT_IN
    )  # fmt: skip


def is_ours(place: Place) -> bool:
    """Whether the environment that we run in would do for the modules as well."""
    return len(place.python) == 1 and place.version == sys.version_info[:2]


def _version(python: Iterable[str]) -> tuple[int, int]:
    words = [*python, "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
        major, minor = ran.stdout.split()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SyntalosError(f"'{' '.join(words[:-2])}' does not run: {error}") from error
    return int(major), int(minor)


def _runs(python: Iterable[str]) -> bool:
    try:
        return bool(_version(python))
    except SyntalosError:
        return False


def link_versions(folders: Iterable[Path]) -> set[tuple[int, int]]:
    """Give the Pythons that the extensions in some folders are for, from their names."""
    files = [file for folder in folders for file in folder.glob(f"{LINK_NAME}*.so")]
    found = [re.search(r"cpython-(\d)(\d+)-", file.name) for file in files]
    return {(int(match[1]), int(match[2])) for match in found if match}


def _folders(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if path.is_dir()] if place.is_dir() else []


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
