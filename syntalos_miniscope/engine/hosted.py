"""What the course of a run asks of a box, wherever its node runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.engine.run import BoxState, WireLoad
from syntalos_miniscope.node import Settings
from syntalos_miniscope.streams import Control


class Hosted(Protocol):
    """A box as the course of a run sees it, wherever its node runs."""

    id: str
    type: str
    state: BoxState

    @property
    def idle(self) -> bool:
        """Whether the box waits for something to do."""
        ...

    def prepare(self) -> None:
        """Prepare the node; raises what it raises."""
        ...

    def begin(self) -> None:
        """Start the node: t = 0 has just been set."""
        ...

    def launch(self) -> None:
        """Let the node's own thread run it to its end."""
        ...

    def stop_unlaunched(self) -> None:
        """Stop a node whose thread never ran, if it was prepared."""
        ...

    def request_stop(self) -> None:
        """Tell a source to return; never waits."""
        ...

    def close(self) -> None:
        """Let nobody wait for room in front of the box any more."""
        ...

    def abandon(self, grace_s: float) -> None:
        """Stop a node whose thread does not end, from outside."""
        ...

    def ended(self, timeout_s: float) -> bool:
        """Wait for the node's thread to end."""
        ...

    def fail(self, error: BaseException) -> None:
        """Keep the first error of a node."""
        ...

    def change(self, settings: Settings) -> None:
        """Leave changed live settings."""
        ...

    def order(self, control: Control) -> None:
        """Leave a person's command."""
        ...

    def tap(self, port: str, depth: int) -> Tap:
        """Listen at an input."""
        ...

    def metadata(self, port: str) -> Mapping[str, Any]:
        """Give the metadata of the stream into an input."""
        ...

    def loads(self) -> list[WireLoad]:
        """Give what each wire into the box has carried."""
        ...

    def report(self, length_s: float) -> dict[str, Any]:
        """Give the box's entry of the run's report."""
        ...
