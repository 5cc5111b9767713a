"""Watches the room on a disk, so that a recording ends in order before the disk is full."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from syntalos_miniscope.recording import RecordingError, disk_error

WARN_BYTES = 2_000_000_000
STOP_BYTES = 64_000_000
CHECK_US = 1_000_000


def free_bytes(path: Path) -> int:
    """Give the room on the disk of a folder; RecordingError if the folder is gone."""
    try:
        return shutil.disk_usage(path).free
    except OSError as error:
        raise disk_error(path, error) from error


class DiskGuard:
    """Warns once below 2 GB, and refuses below 64 MB: a few seconds of four scopes."""

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self._path, self._warn = path, warn
        self._warned = False
        self._next_us = 0
        if (free := free_bytes(path)) < STOP_BYTES:
            raise RecordingError(
                f"cannot record in {path}: its disk has only {free / 1e6:.0f} MB left; "
                f"make room, or choose another export folder"
            )

    def check(self, time_us: int) -> None:
        """Look at the disk once a second of run time; RecordingError if it is nearly full."""
        if time_us < self._next_us:
            return
        self._next_us = time_us + CHECK_US
        free = free_bytes(self._path)
        if free < STOP_BYTES:
            raise RecordingError(
                f"the disk of {self._path} has only {free / 1e6:.0f} MB left: recording ends here; "
                f"what was recorded is kept"
            )
        if free < WARN_BYTES and not self._warned:
            self._warned = True
            self._warn(f"the disk of {self._path} has only {free / 1e6:.0f} MB left")
