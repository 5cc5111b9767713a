"""What every host of a run shares: its options, its errors and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import platformdirs

from syntalos_miniscope.recording import RecordingError

BoxPhase = Literal["idle", "preparing", "ready", "running", "ended", "failed"]
ExitReason = Literal["finished", "stopped", "failed"]


def default_export_dir() -> Path:
    """Give the folder `Miniscope` in the user's documents."""
    return Path(platformdirs.user_documents_dir()) / "Miniscope"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Where a run is kept, under which names, and how long it lasts.

    `record=False` keeps nothing: `Context.dataset` gives None. `seconds=None` runs until every
    source has ended or somebody stops it.
    """

    export_dir: Path = field(default_factory=default_export_dir)
    subject: str = ""
    experiment: str = ""
    record: bool = True
    seconds: float | None = None


class RunError(Exception):
    """A run that was refused or that failed; the text names the node and what is wrong."""

    def __init__(self, node: str | None, message: str) -> None:
        super().__init__(f"{node}: {message}" if node else message)
        self.node = node


def describe(error: BaseException) -> str:
    """Say in one line what went wrong; an error without words is named by its type."""
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = " ".join(str(error).split()) or type(error).__name__
    expected = (RunError, RecordingError, OSError, ValueError, RuntimeError, ImportError)
    return text if isinstance(error, expected) else f"{type(error).__name__}: {text}"


@dataclass(slots=True)
class BoxState:
    """How a box is doing: what its dot and its status line show."""

    phase: BoxPhase = "idle"
    text: str = ""
    trouble: bool = False
    """Whether `text` says what is wrong just now, though the box goes on."""
    error: str | None = None
    counters: Counter[str] = field(default_factory=Counter[str])
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class WireLoad:
    """What a wire has carried: items delivered, items dropped, items waiting now."""

    source: tuple[str, str]
    target: tuple[str, str]
    items: int
    dropped: int
    waiting: int


def tidy(counters: Mapping[str, int]) -> dict[str, Any]:
    """Give counters as a plain dictionary in the order of their names."""
    return {name: counters[name] for name in sorted(counters)}
