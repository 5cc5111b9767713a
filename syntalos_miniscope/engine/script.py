"""The plain Python host: one node driven by hand, for scripts, notebooks and tests."""

from __future__ import annotations

import queue
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event, Thread

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.node import Dataset, Node, Settings, is_source
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.streams import Item, Metadata, MetadataValue


class Script:
    """Drives one node and is its `Context`.

    `inputs` gives the metadata of the streams that will be fed; `wired` the ports that count as
    connected (None: all). `record_to` is a folder for what the node records (None: nothing is).
    With `paced=False` waiting takes no time: the clock jumps to the moment waited for.

    `emitted` holds all that the node has sent, by port; clear it in a long loop.
    """

    def __init__(
        self,
        node: Node,
        inputs: Mapping[str, Metadata] | None = None,
        *,
        wired: set[str] | None = None,
        record_to: Path | None = None,
        paced: bool = True,
    ) -> None:
        self.node = node
        self.emitted: dict[str, list[Item]] = {port.id: [] for port in node.outputs}
        self.described: dict[str, dict[str, MetadataValue]] = {p.id: {} for p in node.outputs}
        self.notes: list[str] = []
        self.statuses: list[str] = []
        self.counters: Counter[str] = Counter()
        self._inputs = dict(inputs or {})
        self._wired = wired
        self._record_to = record_to
        self._experiment: ExperimentDir | None = None
        self._jumped_ns = 0
        self._paced = paced
        self._clock = RunClock() if paced else RunClock(lambda: self._jumped_ns)
        self._heard: deque[Settings | tuple[str, Item]] = deque()
        self._sending: queue.Queue[tuple[str, Item]] | None = None
        self._enough = Event()

    def prepare(self) -> None:
        """Prepare the node."""
        self.node.prepare(self)

    def start(self) -> None:
        """Set t = 0 and start the node."""
        self._clock.start()
        self.node.start(self)

    def feed(self, port: str, item: Item) -> None:
        """Hand one item to the node; a running source takes it at its next `ctx.stopping()`."""
        if is_source(type(self.node)):
            self._heard.append((port, item))
        else:
            self.node.on_data(self, port, item)

    def apply(self, settings: Settings) -> None:
        """Change live settings."""
        self._heard.append(settings)
        if not is_source(type(self.node)):
            self._hear()

    def run(self, *, until_us: int | None = None, items: int | None = None) -> None:
        """Let a source run to its end, to a run time, or until it has sent so many items."""
        for count, (port, item) in enumerate(self.stream(until_us=until_us), start=1):
            self.emitted[port].append(item)
            if count == items:
                return

    def stream(self, *, until_us: int | None = None) -> Iterator[tuple[str, Item]]:
        """Give what a source sends, as `(port, item)`, in a `for` loop that may break off."""
        sending = self._sending = queue.Queue(maxsize=64)
        failure: list[Exception] = []
        self._enough.clear()
        thread = Thread(target=self._run_source, args=[failure], daemon=True)
        thread.start()
        try:
            while thread.is_alive() or not sending.empty():
                if until_us is not None and self._clock.now_us() >= until_us:
                    self._enough.set()
                try:
                    yield sending.get(timeout=0.01)
                except queue.Empty:
                    continue
        finally:
            self._enough.set()
            thread.join()
            self._sending = None
        if failure:
            raise failure[0]

    def stop(self) -> None:
        """Stop the node and finish its folder."""
        self.node.stop(self)
        if self._experiment:
            self._experiment.finish(success=True, length_ms=self._clock.now_us() / 1000)

    def _run_source(self, failure: list[Exception]) -> None:
        try:
            self.node.run(self)
        except Exception as error:  # noqa: BLE001 - raised again where the loop stands
            failure.append(error)

    def _hear(self) -> None:
        while self._heard:
            heard = self._heard.popleft()
            if isinstance(heard, Settings):
                self.node.apply(self, heard)
                self.node.settings = heard
            else:
                self.node.on_data(self, *heard)

    # What the node calls: its Context

    @property
    def clock(self) -> RunClock:
        """The run clock."""
        return self._clock

    def describe(self, port: str, **metadata: MetadataValue) -> None:
        """Set metadata of an output."""
        self.described[port].update(metadata)

    def metadata(self, port: str) -> Metadata:
        """Give the metadata of an input."""
        return self._inputs.get(port, {})

    def wired(self, port: str) -> bool:
        """Whether a port counts as connected."""
        return self._wired is None or port in self._wired

    def emit(self, port: str, item: Item) -> None:
        """Collect an item, or hand it to the loop over `stream`."""
        sending = self._sending
        if sending is None:
            self.emitted[port].append(item)
            return
        while not self._enough.is_set():
            try:
                return sending.put((port, item), timeout=0.1)
            except queue.Full:
                continue

    def stopping(self) -> bool:
        """Whether the source should return; hands over what was fed first."""
        self._hear()
        return self._enough.is_set()

    def sleep_until(self, time_us: int) -> bool:
        """Wait for a run time; False if the source should return."""
        left_us = time_us - self._clock.now_us()
        if not self._paced:
            self._jumped_ns += max(left_us, 0) * 1000
        while self._paced and left_us > 0 and not self.stopping():
            time.sleep(min(left_us, 10_000) / 1e6)
            left_us = time_us - self._clock.now_us()
        return not self.stopping()

    def dataset(self, name: str) -> Dataset | None:
        """Give the node a place below `record_to`."""
        if self._record_to is None:
            return None
        if self._experiment is None:
            self._experiment = ExperimentDir.create(self._record_to, "script", "run")
        return self._experiment.dataset(name)

    def status(self, text: str, *, trouble: bool = False) -> None:
        """Keep a status line."""
        self.statuses.append(text)

    def note(self, text: str) -> None:
        """Keep a note."""
        self.notes.append(text)

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] += amount
