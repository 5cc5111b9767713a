"""A box whose node runs in another process, as the course of a run sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Event
from typing import Any

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.engine.ezmsg.channel import GoneError, RefusedError
from syntalos_miniscope.engine.ezmsg.plan import Link
from syntalos_miniscope.engine.ezmsg.process import Process
from syntalos_miniscope.engine.ezmsg.views import RemoteTap
from syntalos_miniscope.engine.ezmsg.wire_format import metadata_from_json
from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.engine.run import BoxState, WireLoad, describe
from syntalos_miniscope.node import Settings, is_source
from syntalos_miniscope.project import GraphNode, GraphWire
from syntalos_miniscope.streams import Control

LOOK_S = 2.0
"""How long a view waits for what it asks for."""


class RemoteBox:
    """Passes on what is asked of a box, and keeps what its process tells of it."""

    def __init__(self, entry: GraphNode, clock: RunClock) -> None:
        self.id = entry.box.id
        self.type = entry.box.type
        self.state = BoxState()
        self.described: dict[str, dict[str, Any]] = {p.id: {} for p in entry.type.outputs}
        self.lost = False
        """Whether its process has gone, and with it what was on the way to it."""
        self._source = is_source(entry.type)
        self._clock = clock
        self._process: Process | None = None
        self._senders: dict[str, tuple[RemoteBox, str, Link | None]] = {}
        self._links: Mapping[str, Mapping[str, int]] = {}
        self._told: dict[str, Any] = {"idle": True, "waiting": {}}
        self._report: dict[str, Any] = {"counters": {}, "outputs": [], "inputs": []}
        self._ended = Event()
        self._taps: list[tuple[str, RemoteTap]] = []

    def hear_from(self, wire: GraphWire, sender: RemoteBox, link: Link | None) -> None:
        """Note a wire into the box, and the link that it takes."""
        self._senders[wire.into.id] = (sender, wire.out.id, link)

    def settle(self, process: Process, links: Mapping[str, Mapping[str, int]]) -> None:
        """Say in which process the node is; `links` are the counts of all links, kept up."""
        self._process = process
        self._links = links
        for port, tap in self._taps:
            self._attach(tap, port)

    def take(self, told: dict[str, Any]) -> None:
        """Keep what the process tells of the box."""
        self._told, self._report = told, told["report"]
        state, report = self.state, self._report
        if state.phase != "failed" and not self.lost:
            state.phase = report["status"]
        state.error = state.error or report["error"]
        state.text, state.trouble = told["text"], told["trouble"]
        state.counters = Counter(report["counters"])
        state.notes = report["notes"]
        if told["ended"]:
            self._ended.set()

    def lose(self, why: str) -> None:
        """Give the box up: its process has gone."""
        self.lost = True
        if not self._ended.is_set():
            self.fail(RuntimeError(why))
        self._ended.set()

    # What the course of a run asks

    @property
    def idle(self) -> bool:
        """Whether the box waits for something to do."""
        return self._told["idle"]

    def prepare(self) -> None:
        """Prepare the node, telling it what the streams from other processes are."""
        self.state.phase = "preparing"
        heard = {
            f"{sender.id}.{port}": sender.described[port]
            for sender, port, link in self._senders.values()
            if link is not None
        }
        described = self._call("prepare", heard=heard)
        for port, metadata in described.items():
            self.described[port].update(metadata_from_json(metadata))
        self.state.phase = "ready"

    def begin(self) -> None:
        """Start the node, with t = 0 on the clock of its machine."""
        assert self._process is not None
        self._call("begin", zero_ns=self._clock.zero_ns + self._process.offset.ns)
        self.state.phase = "running"

    def launch(self) -> None:
        """Let the process of the node run."""
        assert self._process is not None
        self._process.launch()

    def stop_unlaunched(self) -> None:
        """Stop a node whose thread never ran, if it was prepared; errors are kept in its state."""
        if self.state.phase == "idle" or not self._alive:
            return
        try:
            self._call("stop_unlaunched")
        except (RefusedError, GoneError) as error:
            self.fail(error)
        if self.state.phase != "failed":
            self.state.phase = "ended"

    def request_stop(self) -> None:
        """Tell a source to return; never waits."""
        if self._source:
            self._post("request_stop")

    def close(self) -> None:
        """Let nobody wait for room in front of the box any more."""
        self._post("close")

    def abandon(self, grace_s: float) -> None:
        """Stop a node whose thread does not end, from outside, or else its process."""
        if not self._alive or self._process is None:
            return
        try:
            self._process.channel.call("abandon", 2 * grace_s, node=self.id, grace_s=grace_s)
        except TimeoutError:
            self._process.kill()
        except (GoneError, RefusedError) as error:
            self.fail(error)

    def ended(self, timeout_s: float) -> bool:
        """Wait for the node's thread to end."""
        return self._ended.wait(timeout_s)

    def fail(self, error: BaseException) -> None:
        """Keep the first error of a node."""
        self.state.error = self.state.error or describe(error)
        self.state.phase = "failed"

    def change(self, settings: Settings) -> None:
        """Leave changed live settings."""
        self._post("change", settings=settings.model_dump(mode="json"))

    def order(self, control: Control) -> None:
        """Leave a person's command."""
        self._post("order", kind=control.kind.value, command=control.command)

    def tap(self, port: str, depth: int) -> Tap:
        """Listen at an input."""
        tap = RemoteTap(depth)
        self._taps.append((port, tap))
        if self._process is not None:
            self._attach(tap, port)
        return tap

    def metadata(self, port: str) -> Mapping[str, Any]:
        """Give the metadata of the stream into an input."""
        if port not in self._senders:
            return {}
        sender, out, _ = self._senders[port]
        return sender.described[out]

    def loads(self) -> list[WireLoad]:
        """Give what each wire into the box has carried."""
        return [
            WireLoad(
                source=tuple(wire["from"].split(".")),
                target=(self.id, wire["port"]),
                items=wire["items"],
                dropped=wire["dropped"] + self._on_the_way(wire["port"])["dropped"],
                waiting=self._told["waiting"].get(wire["port"], 0)
                + self._on_the_way(wire["port"])["waiting"],
            )
            for wire in self._report["inputs"]
        ]

    def report(self, length_s: float) -> dict[str, Any]:
        """Give the box's entry of the run's report."""
        rate = length_s and 1 / length_s
        return {
            "id": self.id,
            "type": self.type,
            "status": self.state.phase,
            "error": self.state.error,
            "cpu_s": self._report.get("cpu_s", 0.0),
            "counters": self._report["counters"],
            "notes": list(self.state.notes),
            "outputs": [
                out | {"rate_hz": round(out["items"] * rate, 3)} for out in self._report["outputs"]
            ],
            "inputs": [wire | self._dropped(wire) for wire in self._report["inputs"]],
        }

    def sent(self, port: str) -> int:
        """Give how many items an output has sent."""
        return sum(out["items"] for out in self._report["outputs"] if out["port"] == port)

    def _dropped(self, wire: dict[str, Any]) -> dict[str, int]:
        """Say what was lost before the box: in its queue, in that of the link, and on the way."""
        sender, out, link = self._senders[wire["port"]]
        unsent = self._on_the_way(wire["port"])["dropped"]
        told = {"dropped": wire["dropped"] + unsent}
        if self.lost or sender.lost:
            told["dropped"] = max(sender.sent(out) - wire["items"], told["dropped"])
        return told | {"dropped_unsent": unsent} if link else told

    def _on_the_way(self, port: str) -> Mapping[str, int]:
        link = self._senders[port][2]
        return self._links.get(link.topic if link else "", {"dropped": 0, "waiting": 0})

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.alive

    def _call(self, verb: str, **args: Any) -> Any:
        assert self._process is not None
        return self._process.channel.call(verb, node=self.id, **args)

    def _post(self, verb: str, **args: Any) -> None:
        if self._process is not None:
            self._process.channel.post(verb, node=self.id, **args)

    def _attach(self, tap: RemoteTap, port: str) -> None:
        number = self._call("tap", port=port, depth=tap.depth)
        channel = self._process.channel if self._process else None

        def ask() -> tuple[dict[str, Any], bytes] | None:
            try:
                return channel.ask("take", tap=number).result(LOOK_S) if channel else None
            except (GoneError, TimeoutError):
                return None

        tap.ask = ask
