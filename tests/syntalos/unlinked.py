"""A link to no Syntalos at all, in the process of the test."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syntalos_miniscope.recording.edl import DatasetFolder


class Unlinked:
    """A connection to nothing, in this process; asks to stop after it was heard `hears` times."""

    instance = "box_0"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed: list[str] = []
        self.said: list[str] = []
        self.statuses: list[str] = []
        self.sent: list[tuple[str, Any]] = []
        self.hears = 1
        self.stop: Callable[[], None] = lambda: None

    def describe(self, port: str, metadata: Any) -> None: ...

    def inputs(self) -> dict[str, Any]:
        return {}

    def submit(self, port: str, item: Any) -> None:
        self.sent.append((port, item))

    def dataset(self, name: str) -> DatasetFolder:
        return DatasetFolder(self.folder / name)

    def status(self, text: str) -> None:
        self.statuses.append(text)

    def say(self, text: str) -> None:
        self.said.append(text)

    def hear(self) -> None:
        self.hears -= 1
        if self.hears == 0:
            self.stop()

    def zero_ns(self) -> int:
        return time.monotonic_ns()

    def fail(self, text: str) -> None:
        self.failed.append(text)
