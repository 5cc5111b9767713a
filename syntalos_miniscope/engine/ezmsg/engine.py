"""The distributed engine: the course of a run as in the local one, with boxes in processes."""

from __future__ import annotations

import json
import logging
import socket
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.course import STOP_GRACE_S, Engine
from syntalos_miniscope.engine.ezmsg.channel import Call
from syntalos_miniscope.engine.ezmsg.machine import LOOPBACK, Address, Machine
from syntalos_miniscope.engine.ezmsg.plan import Place, plan
from syntalos_miniscope.engine.ezmsg.process import Process, call_machine
from syntalos_miniscope.engine.ezmsg.remote_box import RemoteBox
from syntalos_miniscope.engine.ezmsg.shared_folder import offer
from syntalos_miniscope.engine.hosted import Hosted
from syntalos_miniscope.engine.run import RunError, RunOptions, describe
from syntalos_miniscope.project import Graph

log = logging.getLogger(__name__)


class EzmsgEngine(Engine):
    """Runs a graph once, in a process for each group of boxes, on one machine or several.

    `catalog` is the one that the graph was checked with. `machines` gives the address of each
    machine that the project names, where `syntalos-miniscope serve` runs; `listen` is the address
    of this one at which they can have what is sent to them.
    """

    def __init__(
        self,
        graph: Graph,
        options: RunOptions,
        catalog: Catalog,
        machines: Mapping[str, Address] | None = None,
        listen: str = LOOPBACK,
    ) -> None:
        super().__init__(graph, options)
        self._plan = plan(graph, uuid.uuid4().hex[:8])
        self._addresses = dict(machines or {})
        self._listen = listen
        folders = dict.fromkeys(
            catalog.folders[entry.box.type].path.absolute().parent for entry in graph.nodes.values()
        )
        self._machine = Machine(listen, list(folders), options.export_dir)
        self._processes: dict[Place, Process] = {}
        self._keepers: dict[str, Process] = {}
        """The process of each other machine that holds the folder of the run there."""
        self._folders: dict[str, str] = {}
        self._links: dict[str, dict[str, int]] = {}
        self._lost: list[str] = []
        self._refused = False
        self._releasing = False
        self._remote = {
            node_id: RemoteBox(entry, self.clock) for node_id, entry in graph.nodes.items()
        }
        self._boxes = self._remote
        link_of = {wire.target: link for link in self._plan.links for wire in link.wires}
        for wire in graph.wires:
            sender = self._remote[wire.source[0]]
            self._remote[wire.target[0]].hear_from(wire, sender, link_of.get(wire.target))

    def prepare(self) -> None:
        """Start the processes, connect them, and prepare every node in topological order; slow."""
        try:
            self._open()
        except BaseException as error:
            self._refuse(None, error)
            if isinstance(error, (RunError, KeyboardInterrupt)):
                raise
            raise RunError(None, describe(error)) from error
        try:
            super().prepare()
        except RunError:
            self._release()
            raise

    def report(self) -> dict[str, Any]:
        """Give the run report, and what is known of the other machines."""
        told = super().report()
        if self._plan.machines:
            told["machines"] = [self._machine_report(name) for name in self._plan.machines]
        return told

    # Beginning

    def _open(self) -> None:
        self._check_machines()
        self._machine.open()
        Thread(target=self._watch_servers, name="graph servers", daemon=True).start()
        # Other machines first: one that is not there is known before anything was started here.
        for where in sorted(set(self._plan.places.values()), key=lambda at: not at.machine):
            self._processes[where] = self._start(where)
        # All at once: one that is there waits no longer than LOST_AFTER_S for the first word.
        with ThreadPoolExecutor(len(self._processes) or 1) as threads:
            list(threads.map(Process.open, self._processes.values()))
        shares = {where: self._plan.share(where) for where in self._processes}
        asked = [
            process.channel.ask("open", boxes=shares[where].boxes, wires=shares[where].wires)
            for where, process in self._processes.items()
        ]
        for answer in asked:
            answer.result()
        for where, process in self._processes.items():
            process.channel.call("publish", links=shares[where].out)
        outer = {link.topic: self._processes[link.sender].outer
                 for link in self._plan.links if link.other_machine}  # fmt: skip
        for where, process in self._processes.items():
            links = [told | {"server": outer.get(told["topic"])} for told in shares[where].into]
            self._take_state(process.channel.call("subscribe", links=links))
        for node_id, box in self._remote.items():
            box.settle(self._processes[self._plan.places[node_id]], self._links)
        for name in self._plan.machines:
            there = [process for where, process in self._processes.items() if where.machine == name]
            offset = there[0].measure_clock()
            for process in there:
                # One for all of them: they have one monotonic clock, and one t = 0.
                process.offset = offset
            self._hold(name, there[0])

    def _check_machines(self) -> None:
        for name in self._plan.machines:
            if name not in self._addresses:
                [node, *_] = [n for n, p in self._plan.places.items() if p.machine == name]
                raise RunError(
                    node, f"is placed on machine '{name}', whose address is not given; "
                    f"give --machine {name}=ADDRESS:PORT"
                )  # fmt: skip
        for name, (host, _) in self._addresses.items():
            if name not in self._plan.machines:
                raise RunError(None, f"machine '{name}': the project places no node on it")
            near = socket.gethostbyname(host).startswith("127.")
            if self._plan.leaves_here and self._listen == LOOPBACK and not near:
                raise RunError(
                    None, f"machine '{name}' is to have frames from this one, which listens on "
                    f"{LOOPBACK} only; give its address on their network with --listen ADDRESS"
                )  # fmt: skip

    def _start(self, where: Place) -> Process:
        if where.machine:
            sock, outer = call_machine(where.machine, self._addresses[where.machine])
            return Process(where, sock, None, outer, self._hear, self._on_gone)
        ours, theirs = socket.socketpair()
        child = self._machine.start(theirs, self._machine.site)
        outer = self._machine.site.outer
        return Process(where, ours, child, outer, self._hear, self._on_gone)

    def _hold(self, machine: str, process: Process) -> None:
        """Have a process of another machine make the folder of the run there."""
        if not self._options.record:
            return
        self._keepers[machine] = process
        self._folders[machine] = process.channel.call(
            "hold",
            subject=self._options.subject,
            experiment=self._options.experiment or self._graph.project.title,
        )

    # What the processes tell

    def _hear(self, process: Process, call: Call) -> None:
        if call.verb == "state":
            self._take_state(call.args)
        elif call.verb == "failed":
            self._on_failed(self._remote[call.args["node"]])
        elif call.verb == "dataset":
            # Another process may have to be asked: never on the thread that reads this one.
            Thread(target=self._place, args=[process, call], daemon=True).start()

    def _take_state(self, told: dict[str, Any]) -> None:
        self._links.update(told["links"])
        for node_id, state in told["boxes"].items():
            self._remote[node_id].take(state)

    def _place(self, process: Process, call: Call) -> None:
        try:
            keeper = self._keepers.get(process.place.machine)
            if keeper is not None:
                call.answer(keeper.channel.call("place", name=call.args["name"]))
            elif self._experiment is None or process.place.machine:
                call.answer(None)
            else:
                with self._place_lock:
                    call.answer(offer(self._experiment, call.args["name"]))
        except Exception as error:  # noqa: BLE001 - the box that asked is told
            call.refuse(error)

    def _on_gone(self, process: Process, lost: bool) -> None:
        """Give up the boxes of a process that has gone; a machine that is lost ends no run."""
        where = process.place
        if lost:
            why = f"machine '{where.machine}' showed no sign of life for {process.lost_after_s:g} s"
        else:
            why = process.how_it_ended()
        boxes = [box for node, box in self._remote.items() if self._plan.places[node] == where]
        for other in self._processes.values():
            if other.alive:
                other.channel.post("cut", peer=str(where))
        gone = [
            node
            for node, at in self._plan.places.items()
            if at == where or (lost and at.machine == where.machine)
        ]
        running = [node for node in gone if not self._remote[node].ended(0)]
        told = f"{', '.join(running or [str(where)])}: {why}"
        for box in boxes:
            box.lose(why)
        if not lost:
            self._end("failed", told)
        elif where.machine not in self._lost:
            self._lost.append(where.machine)
            if self.began:
                log.error("%s; the rest goes on", told)
            with self._end_lock:
                if self._reason != "failed":
                    self._reason, self._error = "failed", told

    def _watch_servers(self) -> None:
        self._machine.join()
        if not self._done.is_set() and not self._releasing:
            self._end("failed", "the graph server of this machine was killed")
            for process in self._processes.values():
                for where in self._processes:
                    process.channel.post("cut", peer=str(where))

    # Ending

    def _refuse(self, culprit: Hosted | None, error: BaseException) -> None:
        self._refused = True
        super()._refuse(culprit, error)

    def _release(self) -> None:
        """Take the last counts, and let every process end."""
        if self._releasing:
            return
        self._releasing = True
        alive = [process for process in self._processes.values() if process.alive]
        for process in alive:
            try:
                self._take_state(process.channel.call("finish", 2 * STOP_GRACE_S))
            except (RuntimeError, TimeoutError) as error:
                log.warning("%s: the last counts are missing: %s", process.place, describe(error))
        for name, keeper in self._keepers.items():
            if keeper.alive:
                self._keep(name, keeper)
        for process in self._processes.values():
            process.close()
        for process in self._processes.values():
            process.join()
        self._machine.close()

    def _keep(self, name: str, keeper: Process) -> None:
        """Finish the folder of the run on another machine, or remove that of a refused one."""
        try:
            if self._refused:
                keeper.channel.call("discard", STOP_GRACE_S)
                return
            text = json.dumps(self.report(), indent=2) + "\n"
            keeper.channel.call(
                "keep",
                STOP_GRACE_S,
                files={"project.toml": self._project, "report.json": text},
                success=self._reason != "failed",
                length_ms=self._length_s * 1000,
            )
        except (RuntimeError, TimeoutError) as error:
            self._end("failed", f"machine '{name}': {describe(error)}")

    def _machine_report(self, name: str) -> dict[str, Any]:
        process = next((p for w, p in self._processes.items() if w.machine == name), None)
        return {
            "name": name,
            "address": ":".join(map(str, self._addresses.get(name, ()))),
            "export_dir": self._folders.get(name),
            "clock_offset_us": process.offset.ns / 1000 if process else None,
            "clock_uncertainty_us": process.offset.uncertainty_ns / 1000 if process else None,
        }
