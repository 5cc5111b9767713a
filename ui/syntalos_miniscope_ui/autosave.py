"""What was not saved, kept beside the file, so that a crash loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from syntalos_miniscope.project import Project, ProjectError, load, save
from syntalos_miniscope_ui.document import Document


def autosave_path(file: Path | None) -> Path:
    """Give the place of the unsaved changes of a project; one without a file has its own."""
    if file is not None:
        return file.with_name(f".{file.name}.autosave")
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
    """Forget the unsaved changes of a project."""
    autosave_path(file).unlink(missing_ok=True)


def left_over(file: Path) -> Project | None:
    """Give the changes to a file that a crash left behind; None if there are none."""
    place = autosave_path(file)
    try:
        kept = load(place)
    except ProjectError:
        return None
    try:
        return None if kept == load(file) else kept
    except ProjectError:
        return kept


def orphans() -> list[Path]:
    """Give the projects without a file whose editor is no longer there, newest first."""
    found = [place for place in unsaved_folder().glob("untitled-*.toml") if not _alive(place)]
    return sorted(found, key=lambda place: place.stat().st_mtime, reverse=True)


def _alive(place: Path) -> bool:
    number = place.stem.removeprefix("untitled-")
    if not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
