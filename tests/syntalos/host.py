"""Syntalos's part of the stand-in: starts a module as a child process and talks to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sinks import Sink, dataset_names

HERE = Path(__file__).parent
LINK = HERE / "stand_in"
NODES = HERE / "nodes"
PATIENCE_S = 60.0
"""How long anything may take here; what Syntalos itself grants is measured, not tested."""


def saved(node: str, settings: dict[str, Any]) -> bytes:
    """Give settings as a module saves them."""
    return json.dumps({"format": 1, "node": node, "settings": settings}).encode()


class Host:
    """One module in a child process. Every wait has an end; `close` ends the process."""

    def __init__(
        self,
        node: str | Path,
        folder: Path,
        *,
        version: str = "3.1.2",
        command: list[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.inputs: dict[str, tuple[str, int]] = {}
        self.outputs: dict[str, tuple[str, int]] = {}
        self.metadata: dict[str, dict[str, Any]] = {}
        self.items: dict[str, list[Any]] = defaultdict(list)
        self.submitted_us: dict[str, list[int]] = defaultdict(list)
        """When the module called `submit` for each item, in its run's own time."""
        self.arrivals_ns: dict[str, list[int]] = defaultdict(list)
        self.sent_outside_a_run: list[str] = []
        self.errors: list[str] = []
        self.statuses: list[str] = []
        self.states: list[str] = []
        self.refused: list[str] = []
        """What Syntalos's own writers, one behind every output, would fail the run for."""
        self.taken = 0
        self.hold: Callable[[str], None] = lambda port: None
        """Called before an item's slot is freed: a receiver that takes its time."""
        self._sinks: dict[str, Sink] = {}
        self._replies: list[tuple[str, Any]] = []
        self._changed = threading.Condition()
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        acks, their_acks = socket.socketpair()
        shown = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PYTHONPATH")
        env = {name: value for name, value in os.environ.items() if name not in shown}
        env |= {
            "SYNTALOS_VERSION": version,
            "SYNTALOS_MODULE_ID": f"{Path(node).name}_0",
            "STAND_IN_WIRE": str(theirs.fileno()),
            "STAND_IN_ACKS": str(their_acks.fileno()),
            "PYTHONUNBUFFERED": "1",
        } | dict(environment or {})
        if command is None:
            command = [sys.executable, "-P", "-m", "syntalos_miniscope.syntalos", str(node)]
            env["SYNTALOS_MINISCOPE_LINK"] = str(LINK)
            env["SYNTALOS_MINISCOPE_BEGAN"] = str(time.monotonic())
        else:
            env["PYTHONPATH"] = str(LINK)
        self._log = (folder / "log.txt").open("wb")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=folder,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno(), their_acks.fileno()],
        )
        theirs.close()
        their_acks.close()
        self._acks = acks
        self._wire = Connection(ours.detach())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        self.close()
        assert kind is not None or not self.refused, self.refused

    def close(self) -> None:
        try:
            self._wire.send(("shutdown",))
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        self._wire.close()
        self._acks.close()
        self._log.close()

    def log(self) -> str:
        return (self.folder / "log.txt").read_text("utf-8", errors="replace")

    # What Syntalos does

    def wait_ready(self, timeout_s: float = PATIENCE_S) -> float:
        """Wait for IDLE; gives the time since the process was started, s."""
        self.wait(lambda: "IDLE" in self.states, timeout_s)
        return time.monotonic() - self.began

    def connect(self, port: str, **metadata: Any) -> None:
        self._wire.send(("connect", port, metadata | {"src_mod_name": "Test"}))

    def load(self, data: bytes) -> bool:
        return self._ask("load", PATIENCE_S, data, str(self.folder))

    def save(self) -> bytes:
        return self._ask("save", PATIENCE_S, str(self.folder))

    def prepare(self, run: str = "run", timeout_s: float = PATIENCE_S) -> bool:
        """Prepare a run; one without a name keeps nothing."""
        self._root = self.folder / run
        self._sinks.clear()
        return self._ask("prepare", timeout_s, str(self._root) if run else "")

    def start(self) -> None:
        """Begin, with a writer of Syntalos's own behind every output."""
        self._sinks = {
            port: Sink(kind, self.metadata.get(port, {}))
            for port, (_, kind) in self.outputs.items()
        }
        own = [path.name for path in self._root.iterdir()] if self._root.is_dir() else []
        names = [*own, *dataset_names(self.outputs, self.metadata, "Display Name")]
        twice = sorted({name for name in names if names.count(name) > 1})
        self.refused += [f"dataset '{name}' was already in use" for name in twice]
        self._ask("start", PATIENCE_S)

    def stop(self, timeout_s: float = PATIENCE_S) -> float:
        """Stop; gives how long that took, s."""
        began = time.monotonic()
        self._ask("stop", timeout_s)
        return time.monotonic() - began

    def show(self, window: str) -> None:
        self._ask(window, PATIENCE_S)

    def give(self, port: str, payload: Any) -> None:
        self._wire.send(("data", port, payload))

    def run(self, seconds: float, run: str = "run") -> float:
        """Do a whole run; gives how long the stop took."""
        assert self.prepare(run), (self.errors, self.log())
        self.start()
        time.sleep(seconds)
        return self.stop()

    def dataset(self, name: str) -> dict[str, Any]:
        """Give what was known about a dataset when Syntalos saved it."""
        return json.loads((self._root / name / "saved.json").read_text())

    def report(self) -> dict[str, Any]:
        name = next(path for path in self._root.iterdir() if path.name.endswith("-report"))
        return json.loads((name / "report.json").read_text())

    def wait(self, true: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not true():
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._reader.is_alive():
                    raise TimeoutError(f"{self.states} {self.errors} {self.log()}")
                self._changed.wait(min(left_s, 0.2))

    def _ask(self, verb: str, timeout_s: float, *words: Any) -> Any:
        self._replies.clear()
        self._wire.send((verb, *words))
        self.wait(lambda: any(name == verb for name, _ in self._replies), timeout_s)
        return next(value for name, value in self._replies if name == verb)

    def _read(self) -> None:
        while True:
            try:
                verb, *words = self._wire.recv()
            except (EOFError, OSError):
                return
            with self._changed:
                getattr(self, f"_on_{verb}")(*words)
                self._changed.notify_all()
            if verb == "item":
                self.hold(words[0])
                try:
                    self._acks.send(bytes([list(self.outputs).index(words[0])]))
                except OSError:
                    continue

    def _on_in(self, port: str, title: str, kind: int) -> None:
        self.inputs[port] = (title, kind)

    def _on_out(self, port: str, title: str, kind: int) -> None:
        self.outputs[port] = (title, kind)

    def _on_state(self, state: str) -> None:
        self.states.append(state)

    def _on_metadata(self, port: str, metadata: dict[str, Any]) -> None:
        self.metadata[port] = metadata

    def _on_item(self, port: str, payload: Any, state: str, submitted_us: int) -> None:
        self.items[port].append(payload)
        self.submitted_us[port].append(submitted_us)
        self.arrivals_ns[port].append(time.monotonic_ns())
        if state != "RUNNING":
            self.sent_outside_a_run.append(port)
        if port in self._sinks and (refusal := self._sinks[port].take(payload)) is not None:
            self.refused.append(f"{port}: {refusal}")

    def _on_taken(self, port: str) -> None:
        self.taken += 1

    def _on_error(self, text: str) -> None:
        self.errors.append(text)

    def _on_status(self, text: str) -> None:
        self.statuses.append(text)

    def _on_reply(self, verb: str, value: Any) -> None:
        self._replies.append((verb, value))
