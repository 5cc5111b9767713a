"""What a box is: its ports, its settings, its verbs, and what the host of a run offers it.

The same class runs under the local engine, in Syntalos, on ezmsg and in a plain loop: a node
knows only its `Context`. All verbs of one node are called by one thread at a time, so a node
needs no locks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.streams import Control, Item, ItemType, Metadata, MetadataValue


class Policy(StrEnum):
    """What an input does when its box is slower than what arrives."""

    LOSSLESS = "lossless"
    """The sender waits: for whatever records or computes."""
    NEWEST = "newest"
    """The oldest waiting item is dropped and counted: for whatever shows."""


@dataclass(frozen=True, slots=True)
class In:
    """An input port. `depth` is how many items may wait in front of the box; commands all may."""

    id: str
    title: str
    type: ItemType
    policy: Policy = Policy.LOSSLESS
    depth: int = 64


@dataclass(frozen=True, slots=True)
class Out:
    """An output port."""

    id: str
    title: str
    type: ItemType


class Settings(BaseModel):
    """The knobs of a box: frozen, checked, and strict about unknown names.

    Bounds and help stand in the fields (`Field(ge=…, description=…)`); the unit stands in the
    field's name, and a field made with `live(…)` may be changed while the run goes on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def live(default: Any, **field: Any) -> Any:
    """Give a pydantic field that may change during a run; takes what `pydantic.Field` takes."""
    return Field(default, json_schema_extra={"live": True}, **field)


def live_fields(settings: type[Settings]) -> frozenset[str]:
    """Give the names of the fields that may change during a run."""
    return frozenset(
        name
        for name, field in settings.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("live")
    )


class Dataset(Protocol):
    """A node's own place on disk, kept with the run."""

    @property
    def path(self) -> Path:
        """The folder, which exists."""
        ...

    @property
    def collection_id(self) -> str:
        """The run's UUID, which the headers of its files carry."""
        ...

    def data_file(self, name: str) -> Path:
        """Claim a file of the data proper and give its path; parts keep the order of the calls."""
        ...

    def aux_file(self, name: str) -> Path:
        """Claim a file that goes with the data, such as its times, and give its path."""
        ...

    def describe(self, attributes: Mapping[str, Any]) -> None:
        """Add to the dataset's attributes; values are what TOML can hold."""
        ...


class Context(Protocol):
    """What the host of a run offers a node."""

    @property
    def clock(self) -> RunClock:
        """The run clock; it stands at 0 until the common start."""
        ...

    def describe(self, port: str, **metadata: MetadataValue) -> None:
        """Set metadata of an output; in `prepare` only."""
        ...

    def metadata(self, port: str) -> Metadata:
        """Give the metadata of the stream that is wired to an input; empty if none is."""
        ...

    def wired(self, port: str) -> bool:
        """Whether anything is connected to a port, so that work for nobody can be left out."""
        ...

    def emit(self, port: str, item: Item) -> None:
        """Send an item; waits while a lossless receiver is full."""
        ...

    def stopping(self) -> bool:
        """Whether a source should return from `run`.

        This is also the moment when a source hears: waiting commands and changed settings are
        handed to its `on_data` and `apply` inside this call.
        """
        ...

    def sleep_until(self, time_us: int) -> bool:
        """Wait for a run time, hearing as in `stopping`; False if the source should return."""
        ...

    def dataset(self, name: str) -> Dataset | None:
        """Give the node a place on disk; None in a run that records nothing.

        `name` is a folder of the run, or `group/folder`; one that is taken gets `_2`.
        """
        ...

    def status(self, text: str, *, trouble: bool = False) -> None:
        """Show a short line on the box; `trouble` alarms, until the next line."""
        ...

    def note(self, text: str) -> None:
        """Put a sentence that a person should read into the run's report."""
        ...

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter of the run's report."""
        ...


class Node:
    """A box. A subclass declares its ports and settings and overrides the verbs it needs."""

    inputs: ClassVar[tuple[In, ...]] = ()
    outputs: ClassVar[tuple[Out, ...]] = ()
    Settings: ClassVar[type[Settings]] = Settings
    own_process: ClassVar[bool] = False
    """Whether a source waits on hardware that cannot wait for the program around it: a host that
    may hold Python's lock for long gives it a process of its own."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def prepare(self, ctx: Context) -> None:
        """Do the slow work: open devices and files, set metadata. Raising refuses the run."""

    def start(self, ctx: Context) -> None:
        """Begin: t = 0 has just been set. Must be quick."""

    def run(self, ctx: Context) -> None:
        """Emit until `ctx.stopping()`: the verb of a source, which is a box without data inputs."""

    def on_data(self, ctx: Context, port: str, item: Any) -> None:
        """Take one item from an input; it is of the type that the port declares."""

    def apply(self, ctx: Context, settings: Any) -> None:
        """Take changed live settings; `self.settings` still holds the old ones."""

    def stop(self, ctx: Context) -> None:
        """Close everything. Always called if `prepare` was, whatever failed; may still emit."""


def is_source(node: type[Node]) -> bool:
    """Whether a box makes data by itself: it has outputs, and no input but commands."""
    return bool(node.outputs) and all(port.type is Control for port in node.inputs)
