"""A folder to which one process at a time writes."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import xxhash

from syntalos_miniscope.recording import disk_error


@contextmanager
def held(folder: Path, refused: Exception) -> Generator[None]:
    """Hold a folder, made if need be, so that nobody else holds it meanwhile.

    `refused` is raised if another process does; RecordingError if the folder cannot be made. The
    system lets go of it when a process ends, however it ends. A folder that was made, and stays
    empty, is taken away again.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    try:
        lock = _lock_by_name(folder) if sys.platform == "win32" else _lock(folder)
    except BlockingIOError as error:
        raise refused from error
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)
        for one in made:
            with suppress(OSError):
                one.rmdir()


def _lock(folder: Path) -> int | None:
    """Lock a folder as long as what is given is open; None where the disk has no locks."""
    import fcntl

    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise
    except OSError:
        # Some disks of a network have no locks.
        os.close(lock)
        return None
    return lock


def _lock_by_name(folder: Path) -> int:
    """Lock a file that stands for a folder: Windows locks no folders, and no file that is moved."""
    assert sys.platform == "win32"
    import msvcrt

    name = xxhash.xxh64_hexdigest(os.path.normcase(folder.resolve()).encode())
    lock = os.open(
        Path(tempfile.gettempdir()) / f"syntalos-miniscope-{name}", os.O_RDWR | os.O_CREAT
    )
    try:
        msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        os.close(lock)
        raise BlockingIOError(str(error)) from error
    return lock
