"""What several rooms of the tests share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]

Cli = Callable[..., subprocess.CompletedProcess[str]]

# Tests started in the background of a shell are deaf to Ctrl-C, and so are their children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples each time, so that what passed here passes elsewhere; FUZZ_EXAMPLES=200
# looks for others.
hypothesis.settings.register_profile(
    "repeatable", derandomize="FUZZ_EXAMPLES" not in os.environ, deadline=None
)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line in a process of its own, with a home of its own and no display."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        shown = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
        env = {name: value for name, value in os.environ.items() if name not in shown}
        return subprocess.run(
            [sys.executable, "-m", "syntalos_miniscope.cli", *arguments],
            capture_output=True, text=True, timeout=120, env=env | {"HOME": str(tmp_path)},
        )  # fmt: skip

    return call


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, which lies beside a checkout and is not part of it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real recordings do not lie beside this checkout")
    return folder


@pytest.fixture(scope="session")
def blink(shared_data: Path) -> Path:
    """A real Miniscope recording by Syntalos, whose LED blinks."""
    return shared_data / "edl-blink1"


@contextmanager
def _small_disk(size: int) -> Generator[None]:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def small_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Lets no file grow beyond a number of bytes inside a `with`, as a full disk would.

    No longer than that: the limit holds for the file that pytest itself may be writing to.
    """
    return _small_disk
