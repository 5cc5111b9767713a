"""What a source and the module around it say to each other over a channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syntalos_miniscope.node import Settings
from syntalos_miniscope.streams import Item, Metadata, MetadataValue

# From the module to the source


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a node with these settings and prepare it; `inputs` is the metadata of wired inputs."""

    settings: Settings
    inputs: Mapping[str, Metadata]


@dataclass(frozen=True, slots=True)
class Start:
    """Begin: t = 0 was at this time of the host's monotonic clock, ns."""

    zero_ns: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A command for an input, or changed settings."""

    what: Settings | tuple[str, Item]


@dataclass(frozen=True, slots=True)
class Freed:
    """These slots may be used again."""

    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question: a folder and the run's id, a path, or None."""

    value: tuple[int, Path, str] | Path | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Return from `run`."""


# From the source to the module


@dataclass(frozen=True, slots=True)
class Sent:
    """An item for an output; its slot is taken until it is freed."""

    port: str
    item: Item
    slot: int


@dataclass(frozen=True, slots=True)
class Described:
    """Metadata of an output."""

    port: str
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class Status:
    """A short line for the box."""

    text: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A sentence for a person."""

    text: str


@dataclass(frozen=True, slots=True)
class Counted:
    """An amount to add to a counter."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class AskDataset:
    """Wants a place on disk; answered by a number, the folder and the run's id, or None."""

    name: str


@dataclass(frozen=True, slots=True)
class AskFile:
    """Wants a file of a dataset; answered by its path."""

    dataset: int
    name: str
    aux: bool


@dataclass(frozen=True, slots=True)
class Attributes:
    """Attributes of a dataset."""

    dataset: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """The node is prepared."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The node is stopped, and why if it failed: one line."""

    error: str | None


Message = (
    Prepare | Start | Heard | Freed | Reply | Stop | Sent | Described | Status | Noted | Counted
    | AskDataset | AskFile | Attributes | Ready | Ended
)  # fmt: skip
