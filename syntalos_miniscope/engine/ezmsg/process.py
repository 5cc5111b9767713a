"""One process of a distributed run, as the engine sees it."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syntalos_miniscope.engine.ezmsg.channel import Call, Channel, read_message, send_message
from syntalos_miniscope.engine.ezmsg.machine import Address, versions
from syntalos_miniscope.engine.ezmsg.plan import Place
from syntalos_miniscope.engine.run import RunError, describe

LOST_AFTER_S = 3.0
"""How long a machine may show no sign of life. A scope has room for about four seconds of frames
(its ring, and the queue of the wire), so that recording elsewhere loses none meanwhile."""

START_S = 120.0
CLOSE_S = 5.0
PINGS = 20


@dataclass(frozen=True, slots=True)
class Offset:
    """The monotonic clock of another machine minus the engine's, ns, and how far off it may be."""

    ns: int
    uncertainty_ns: int


class Process:
    """A process of boxes, on this machine or behind a network.

    `hear` gets what it asks for or tells; `gone` is called when it has ended unasked.
    """

    def __init__(
        self,
        place: Place,
        sock: socket.socket,
        child: subprocess.Popen[bytes] | None,
        outer: Address,
        hear: Callable[[Process, Call], None],
        gone: Callable[[Process, bool], None],
    ) -> None:
        self.place = place
        self.outer = outer
        """Where wires to other machines can be had."""
        self.alive = False
        """Whether it is in conversation."""
        self.offset = Offset(0, 0)
        self._sock = sock
        self._child = child
        self._gone = gone
        self._closing = False
        self._launched = False
        self.lost_after_s = LOST_AFTER_S if child is None else None
        self.channel = Channel(
            sock, lambda call: hear(self, call), self._on_gone, self.lost_after_s
        )

    def open(self) -> None:
        """Wait until it is there, then begin the conversation; RunError if it does not come."""
        self._sock.settimeout(START_S)
        try:
            ready = read_message(self._sock, 100)
        except (OSError, ValueError):
            ready = None
        if ready is None:
            raise RunError(None, f"the process of {self.place} did not start")
        self.alive = True
        self.channel.open()

    def measure_clock(self) -> Offset:
        """Estimate the offset of its clock, from the quickest of some round trips."""
        trips: list[tuple[int, int]] = []
        for _ in range(PINGS):
            before_ns = time.monotonic_ns()
            there_ns = self.channel.call("time")
            after_ns = time.monotonic_ns()
            trips.append((after_ns - before_ns, there_ns - (before_ns + after_ns) // 2))
        trip_ns, offset_ns = min(trips)
        return Offset(offset_ns, trip_ns // 2)

    def launch(self) -> None:
        """Let its boxes and links run; once for all of them."""
        if not self._launched:
            self._launched = True
            self.channel.call("launch")

    def close(self) -> None:
        """Hang up: it ends by itself."""
        self._closing = True
        if self.alive:
            self.channel.close()
        else:
            self._sock.close()

    def join(self) -> None:
        """Wait for its end, and see to it."""
        if self._child is None:
            return
        try:
            self._child.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._child.wait()

    def kill(self) -> None:
        """End it at once, if it is on this machine; its files stay as they are."""
        if self._child is not None:
            self._child.kill()

    def how_it_ended(self) -> str:
        """Say what became of it."""
        if self._child is None:
            return f"its process on {self.place.machine} was killed"
        try:
            code = self._child.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            return "its process hung up"
        if code < 0:
            return f"its process was killed ({signal.Signals(-code).name})"
        return f"its process ended by itself (exit code {code})"

    def _on_gone(self, lost: bool) -> None:
        self.alive = False
        if not self._closing:
            self._gone(self, lost)


def call_machine(name: str, address: Address) -> tuple[socket.socket, Address]:
    """Ask a machine for a process; give the conversation with it and its graph server.

    RunError if it is not there, is another machine than was meant, or runs other versions.
    """
    where = f"machine '{name}' at {address[0]}:{address[1]}"
    try:
        sock = socket.create_connection(address, timeout=LOST_AFTER_S)
    except OSError as error:
        raise RunError(
            None, f"{where}: {describe(error)}; is 'syntalos-miniscope serve' running there?"
        ) from error
    try:
        # Beats and answers are small, and must not wait for one another.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send_message(sock, {"machine": name, "lost_after_s": LOST_AFTER_S})
        message = read_message(sock, 10_000)
        told: dict[str, Any] = message[0] if message else {"refused": "it hung up"}
        if "refused" in told:
            raise RunError(None, f"{where}: {told['refused']}")
        for program, ours in versions().items():
            if (theirs := told["versions"].get(program)) != ours:
                raise RunError(
                    None, f"{where}: has {program} {theirs}, and this machine has {ours}; "
                    "install the same version"
                )  # fmt: skip
        return sock, (address[0], told["port"])
    except (OSError, ValueError, KeyError) as error:
        sock.close()
        raise RunError(None, f"{where}: what answers there is no such machine") from error
    except RunError:
        sock.close()
        raise
