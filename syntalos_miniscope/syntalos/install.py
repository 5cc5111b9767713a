"""Puts our nodes into Syntalos's module folder, takes them out again, and says what is broken."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tomli_w

from syntalos_miniscope.catalog import Catalog, NodeFolder
from syntalos_miniscope.syntalos.environment import PACKAGE, Environment, inspect
from syntalos_miniscope.syntalos.nodes import node_address
from syntalos_miniscope.syntalos.places import Place, SyntalosError

MARK = "syntalos-miniscope.toml"
"""The file by which a module folder is known to be ours: the environment, the node, the version."""
LAUNCHER = "launch.py"

LAUNCHER_TEXT = '''\
"""Starts the node `{node}` for Syntalos; written by `syntalos-miniscope syntalos install`."""

import os
import sys
import time

PYTHON = {python!r}
NODE = {node!r}

if not os.access(PYTHON, os.X_OK):
    sys.exit(
        f"syntalos-miniscope: its Python {{PYTHON}} has gone; "
        "run 'syntalos-miniscope syntalos install' again"
    )
# Syntalos grants 10 s from here on.
os.environ["SYNTALOS_MINISCOPE_BEGAN"] = str(time.monotonic())
# Syntalos's Python libraries are looked for after ours, and children get none of them.
os.environ["SYNTALOS_MINISCOPE_LINK"] = os.environ.pop("PYTHONPATH", "")
os.execv(PYTHON, [PYTHON, "-P", "-u", "-m", "syntalos_miniscope.syntalos", NODE])
'''


def suitable(catalog: Catalog) -> list[NodeFolder]:
    """Give the nodes that make sense in Syntalos, which records and shows with its own."""
    return [
        folder
        for folder in catalog.folders.values()
        if not {"writers", "display"} & set(folder.categories)
    ]


def install(
    folders: Iterable[NodeFolder],
    place: Place,
    environment: Environment,
    say: Callable[[str], None],
) -> list[Path]:
    """Write a module folder for each node and give them; SyntalosError, and nothing, if one is
    taken.
    """  # noqa: D205 - one sentence
    folders = list(folders)
    ensure_free(folders, place)
    written: list[Path] = []
    for folder in folders:
        target = place.modules / folder.id
        try:
            _write(folder, target, environment)
        except OSError as error:
            raise SyntalosError(f"cannot write {target}: {error.strerror}") from error
        say(f"{folder.id}: {target}")
        written.append(target)
    return written


def uninstall(place: Place, ids: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Take out our modules, all or some; SyntalosError for one that is not ours."""
    ours = {module.id: module for module in installed(place)}
    for wanted in ids:
        if wanted not in ours:
            raise SyntalosError(
                f"'{wanted}' is no module of ours in {place.modules}; "
                f"there are {', '.join(ours) or 'none'}"
            )
    gone = list(ids or ours)
    for module_id in gone:
        _remove(ours[module_id].path)
        say(f"{module_id}: removed from {place.modules}")
    return gone


@dataclass(frozen=True, slots=True)
class Installed:
    """One of our module folders."""

    id: str
    path: Path
    node: str
    environment: Environment
    by_version: str


def installed(place: Place) -> list[Installed]:
    """Give our modules in the order of their names."""
    if not place.modules.is_dir():
        return []
    marks = sorted(place.modules.glob(f"*/{MARK}"))
    return [_read(mark) for mark in marks]


def troubles(modules: Sequence[Installed], place: Place) -> dict[str, list[str]]:
    """Give for each module what is broken about it; an empty list if it will do."""
    found: dict[str, list[str]] = {module.id: _shallow(module, place) for module in modules}
    for environment in {module.environment for module in modules}:
        among = [module for module in modules if module.environment == environment]
        state = inspect(environment, [module.node for module in among])
        for module in among:
            if isinstance(state, str):
                found[module.id].append(f"{state}; install again")
                continue
            if tuple(state["python"]) != place.version:
                found[module.id].append(
                    f"its environment is for Python {'.'.join(map(str, state['python']))} and "
                    f"Syntalos uses {'.'.join(map(str, place.version))}; install again"
                )
            if module.node in state["broken"]:
                found[module.id].append(state["broken"][module.node])
    return found


def _shallow(module: Installed, place: Place) -> list[str]:
    found: list[str] = []
    if module.id in place.own_modules:
        found.append("Syntalos has a module of this id itself")
    for name in ("module.toml", LAUNCHER):
        if not (module.path / name).is_file():
            found.append(f"{name} is missing; install again")
    return found


def ensure_free(folders: Iterable[NodeFolder], place: Place) -> None:
    """Refuse to hide a module of Syntalos's own or to overwrite somebody's folder."""
    for folder in folders:
        target = place.modules / folder.id
        if folder.id in place.own_modules:
            raise SyntalosError(
                f"'{folder.id}' is a module of Syntalos itself, which one of ours must not hide; "
                "rename the node's folder, or leave it out"
            )
        if (target.exists() or target.is_symlink()) and not (target / MARK).is_file():
            raise SyntalosError(f"{target} is there and not ours; move it away, or leave it out")


def _write(folder: NodeFolder, target: Path, environment: Environment) -> None:
    """Write a module folder beside the old one and let it take its place."""
    beside = target.with_name(f".{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    module: dict[str, Any] = tomllib.loads((folder.path / "module.toml").read_text("utf-8"))
    entry = module["syntalos_module"]
    # Syntalos names modules from their folder, starts `main`, and cannot look into our nodes.
    entry["main"] = LAUNCHER
    entry["features"] = ["show-settings", "show-display"]
    entry["use_venv"] = False
    (beside / "module.toml").write_text(tomli_w.dumps(module), "utf-8")
    shutil.copy(folder.icon, beside / folder.icon.name)
    address = node_address(folder)
    python = str(environment.python)
    (beside / LAUNCHER).write_text(LAUNCHER_TEXT.format(python=python, node=address), "utf-8")
    mark = {
        "node": address,
        "python": python,
        "run_by": list(environment.run_by),
        "version": version(PACKAGE),
    }
    (beside / MARK).write_text(tomli_w.dumps(mark), "utf-8")
    _remove(target)
    beside.rename(target)


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _read(mark: Path) -> Installed:
    try:
        about = tomllib.loads(mark.read_text("utf-8"))
        environment = Environment(Path(about["python"]), tuple(about["run_by"]))
        return Installed(
            mark.parent.name, mark.parent, about["node"], environment, about["version"]
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SyntalosError(f"{mark} cannot be read ({error}); remove its folder") from error
