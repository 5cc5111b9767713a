"""What the tests of the Syntalos modules share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from host import LINK, Host, saved  # noqa: E402 - the folder has just been made known


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Starts modules, ready to be prepared; ends them after the test."""
    hosts: list[Host] = []

    def start(node: str | Path, settings: dict[str, Any] | None = None, **how: Any) -> Host:
        started = Host(node, tmp_path / f"module{len(hosts)}", **how)
        hosts.append(started)
        started.wait_ready()
        if settings is not None:
            assert started.load(saved(Path(node).name, settings))
        return started

    yield start
    for started in hosts:
        started.close()
    refused = [text for started in hosts for text in started.refused]
    assert not refused, refused[:10]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home as people have it: with a space in its name."""
    path = tmp_path / "a home"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def syl() -> Any:
    """The stand-in of `syntalos_mlink`, in this process; it is never linked."""
    sys.path.insert(0, str(LINK))
    try:
        import syntalos_mlink  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.remove(str(LINK))
    return syntalos_mlink
