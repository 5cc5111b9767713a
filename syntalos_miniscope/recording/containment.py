"""Keeps a recording to its own folder: names in its files and links in it must not lead out."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from syntalos_miniscope.recording import RecordingError

MOST_FRAMES = 2**24
"""77 hours at 60 Hz."""


def memory_bytes() -> float:
    """Give the memory of this computer; 8 GB where it cannot be asked."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8e9


def ensure_believable(size_bytes: int, what: str) -> None:
    """RecordingError if something says that it takes more than half of the memory there is."""
    if size_bytes > memory_bytes() / 2:
        raise RecordingError(f"{what} says that it takes {size_bytes} bytes, which is not believed")


def inside(folder: Path, name: str, named_in: object) -> Path:
    """Give a file of a folder by the name that a file says; RecordingError if it leads out."""
    parts = {*PurePosixPath(name).parts, *PureWindowsPath(name).parts}
    absolute = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).anchor)
    if absolute or ".." in parts or not parts or "\0" in name:
        raise RecordingError(
            f"{named_in} names {name!r}, which leads out of {folder}; the name of a file in it is "
            f"right"
        )
    path = folder / name
    _refuse_if_out(path, folder.resolve())
    return path


def refuse_links_out(folder: Path) -> None:
    """RecordingError if a link anywhere below a folder leads out of it."""
    root = folder.resolve()
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    _refuse_if_out(Path(entry.path), root)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))


def _refuse_if_out(path: Path, root: Path) -> None:
    try:
        target = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise RecordingError(f"{path} is a link that leads nowhere") from error
    if not target.is_relative_to(root):
        raise RecordingError(
            f"{path} is a link that leads out of the recording, to {target}; put the file itself "
            f"there"
        )
