"""What is not whole yet: until it is, it has another name."""

from __future__ import annotations

import os
from pathlib import Path


def partial_of(path: Path) -> Path:
    """Give the name that a file or folder has until it is whole: `a.partial.zarr` for `a.zarr`."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file so that a crash leaves the old one or the new one, never half of one."""
    partial = partial_of(path)
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
