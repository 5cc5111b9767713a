"""One node during one run of Syntalos: what it says, sends and stores. A node's `Context`."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.run import BoxState, tidy
from syntalos_miniscope.node import Dataset, Node
from syntalos_miniscope.streams import Control, Item, Metadata, MetadataValue


class Link(Protocol):
    """What a run needs of the connection to Syntalos."""

    instance: str
    """The name of this module among all of the project, such as `simulated_scope_0`."""

    def describe(self, port: str, metadata: Mapping[str, MetadataValue]) -> None:
        """Set all metadata of an output."""
        ...

    def inputs(self) -> Mapping[str, Metadata]:
        """Give the metadata of every input that is connected."""
        ...

    def submit(self, port: str, item: Item) -> None:
        """Send an item; waits, holding Python's lock, while a receiver's queue is full."""
        ...

    def dataset(self, name: str) -> Dataset | None:
        """Make a dataset of this module's own, in `prepare`; None in a run that keeps nothing."""
        ...

    def status(self, text: str) -> None:
        """Show a short line on the box, if this Syntalos can."""
        ...

    def say(self, text: str) -> None:
        """Print a line into Syntalos's log."""
        ...


class Box:
    """Keeps the books of a run: counters, notes, items per port, and `report.json` at its end.

    `show` is handed everything that is sent, for whoever looks.
    """

    def __init__(
        self,
        link: Link,
        node: type[Node],
        type_id: str,
        show: Callable[[str, Item], None] = lambda port, item: None,
    ) -> None:
        self.state = BoxState()
        self.sent: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.described: dict[str, dict[str, MetadataValue]] = {p.id: {} for p in node.outputs}
        self.running = False
        self._link, self._node, self._type_id, self._show = link, node, type_id, show
        self._inputs = link.inputs()
        self._clock = RunClock()
        self._report: Path | None = None
        self.closed = False

    def announce(self) -> None:
        """Tell Syntalos what the streams are like, and claim the report; ends `prepare`."""
        for port, metadata in self.described.items():
            self._link.describe(port, metadata)
        try:
            dataset = self._link.dataset("report")
            self._report = dataset.data_file("report.json") if dataset else None
        except Exception as error:  # noqa: BLE001 - the data is worth more than the books
            self._link.say(f"this run gets no report: {error}")

    def begin(self, zero_ns: int) -> None:
        """Set t = 0."""
        self._clock.start(zero_ns)
        self.running = True

    def close(self) -> None:
        """Store the report, and print what was sent; a second time does nothing."""
        if self.closed:
            return
        self.closed = True
        if self.running:
            self._note_silence()
        self.running = False
        if self._report is not None:
            self._report.write_text(json.dumps(self.report(), indent=2) + "\n", "utf-8")
        sent = ", ".join(f"{port} {items}" for port, items in self.sent.items())
        lost = ", ".join(f"{port} {items}" for port, items in (+self.dropped).items())
        self._link.say(f"sent {sent or 'nothing'}; dropped {lost or 'nothing'}")

    def _note_silence(self) -> None:
        """Say it if nothing came over a wire: Syntalos calls such a run a success."""
        for port in self._node.inputs:
            if port.type is not Control and port.id in self._inputs and not self.taken[port.id]:
                self.note(f"Nothing arrived on {port.id}.")

    def report(self) -> dict[str, Any]:
        """Give this box's entry of a run report."""
        return {
            "id": self._link.instance,
            "type": self._type_id,
            "status": "failed" if self.state.error else "ended",
            "error": self.state.error,
            "counters": tidy(self.state.counters),
            "notes": list(self.state.notes),
            "outputs": [{"port": p.id, "items": self.sent[p.id]} for p in self._node.outputs],
            "inputs": [
                {"port": p.id, "items": self.taken[p.id], "dropped": self.dropped[p.id]}
                for p in self._node.inputs
            ],
        }

    # What the node calls: its Context

    @property
    def clock(self) -> RunClock:
        """The run clock, with the zero that Syntalos gave this process."""
        return self._clock

    def describe(self, port: str, **metadata: MetadataValue) -> None:
        """Set metadata of an output."""
        self.described[port].update(metadata)

    def metadata(self, port: str) -> Metadata:
        """Give the metadata of the stream wired to an input."""
        return self._inputs.get(port, {})

    def wired(self, port: str) -> bool:
        """Whether an input is connected; of an output Syntalos does not tell, so it counts as."""
        return port in self._inputs or port in self.described

    def emit(self, port: str, item: Item) -> None:
        """Send an item."""
        self._link.submit(port, item)
        self.sent[port] += 1
        self._show(port, item)

    def stopping(self) -> bool:
        """Whether the run is over."""
        return not self.running

    def sleep_until(self, time_us: int) -> bool:
        """Wait for a run time."""
        time.sleep(max(time_us - self._clock.now_us(), 0) / 1e6)
        return self.running

    def dataset(self, name: str) -> Dataset | None:
        """Give the node a place on disk."""
        return self._link.dataset(name)

    def status(self, text: str, *, trouble: bool = False) -> None:
        """Show a short line on the box, in one colour: Syntalos has no other."""
        self.state.text = text
        self._link.status(text)

    def note(self, text: str) -> None:
        """Keep a sentence for the report, and print it into the log."""
        self.state.notes.append(text)
        self._link.say(text)

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter of the report."""
        self.state.counters[name] += amount
