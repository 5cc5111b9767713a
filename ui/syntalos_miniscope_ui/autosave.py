"""What was not saved, kept beside the file, so that a crash loses nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from glob import escape
from pathlib import Path

import platformdirs

from syntalos_miniscope.project import Project, ProjectError, load, save
from syntalos_miniscope_ui.document import Document


def autosave_path(file: Path | None) -> Path:
    """Give the place of this editor's unsaved changes to a file, or to a project without one."""
    if file is not None:
        return file.with_name(f".{file.name}.{os.getpid()}.autosave")
    return unsaved_folder() / f"untitled-{os.getpid()}.toml"


def unsaved_folder() -> Path:
    """Give the folder of the projects that never had a file."""
    return Path(platformdirs.user_state_dir("syntalos-miniscope", appauthor=False)) / "unsaved"


def keep(document: Document) -> None:
    """Write unsaved changes beside the file; take the copy away where there are none."""
    place = autosave_path(document.file)
    if not document.dirty:
        place.unlink(missing_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    save(document.project, place)


def discard(file: Path | None) -> None:
    """Forget the unsaved changes to a file, those of editors that have crashed as well."""
    for place in (autosave_path(file), *_left_beside(file)):
        place.unlink(missing_ok=True)


def left_over(file: Path) -> Project | None:
    """Give the newest changes to a file that a crash left behind; None if there are none.

    What an editor keeps that is still open is its own.
    """
    for place in _left_beside(file):
        with suppress(ProjectError):
            kept = load(place)
            return None if kept == _saved(file) else kept
    return None


def _left_beside(file: Path | None) -> list[Path]:
    if file is None:
        return []
    found = file.parent.glob(f".{escape(file.name)}.*.autosave")
    return _newest_first(p for p in found if _editor_of(p) == os.getpid() or not _alive(p))


def _saved(file: Path) -> Project | None:
    try:
        return load(file)
    except ProjectError:
        return None


def orphans() -> list[Path]:
    """Give the projects without a file whose editor is no longer there, newest first."""
    found = unsaved_folder().glob("untitled-*.toml")
    return _newest_first(place for place in found if not _alive(place))


def _newest_first(places: Iterable[Path]) -> list[Path]:
    return sorted(places, key=lambda place: place.stat().st_mtime, reverse=True)


def _editor_of(place: Path) -> int | None:
    number = place.stem.rpartition("-" if place.suffix == ".toml" else ".")[2]
    return int(number) if number.isdigit() else None


def _alive(place: Path) -> bool:
    editor = _editor_of(place)
    if editor is None:
        return False
    try:
        os.kill(editor, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
