"""A bound on the memory that something may take."""

from __future__ import annotations

import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

HEADROOM_BYTES = 3 * 2**30


@contextmanager
def bounded_memory() -> Generator[None]:
    """Let the process have a few gigabytes more than it has, and no more."""
    status = Path("/proc/self/status")
    if not status.exists():
        yield
        return
    size = next(line for line in status.read_text().splitlines() if line.startswith("VmSize"))
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (int(size.split()[1]) * 1024 + HEADROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
