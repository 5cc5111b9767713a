"""A machine that waits for runs from elsewhere and starts their processes here."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import Any

from syntalos_miniscope.engine.ezmsg.channel import read_message, send_message
from syntalos_miniscope.engine.ezmsg.machine import Address, Machine, versions
from syntalos_miniscope.engine.run import RunError

HELLO_S = 5.0
END_S = 30.0
"""How long processes may take to close their files when this program is ended."""


class MachineServer:
    """Listens at one address; a caller that means this machine gets a process of boxes."""

    def __init__(self, name: str, address: Address, machine: Machine) -> None:
        self._name = name
        self._address = address
        self._machine = machine
        self._children: list[subprocess.Popen[bytes]] = []
        self._sock: socket.socket | None = None

    def open(self) -> list[Address]:
        """Listen, and give what has been opened: for runs, and for wires; RunError if it cannot."""
        self._machine.open()
        try:
            self._sock = socket.create_server(self._address)
        except OSError as error:
            self._machine.close()
            host, port = self._address
            raise RunError(None, f"cannot listen on {host}:{port}: {error.strerror}") from error
        return [self._sock.getsockname(), self._machine.site.outer]

    def serve(self) -> None:
        """Admit callers, until `close` or an exception on this thread."""
        assert self._sock is not None
        while True:
            try:
                caller, _ = self._sock.accept()
            except OSError:
                return
            Thread(target=self._admit, args=[caller], daemon=True).start()

    def close(self) -> None:
        """Listen no more, and have every process end in order, its files closed."""
        if self._sock is not None:
            with suppress(OSError):  # it wakes whoever waits in accept
                self._sock.shutdown(socket.SHUT_RDWR)
            self._sock.close()
        for child in self._children:
            child.terminate()
        for child in self._children:
            try:
                child.wait(END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._machine.close()

    def _admit(self, caller: socket.socket) -> None:
        with caller, suppress(OSError, ValueError, KeyError, TypeError):
            caller.settimeout(HELLO_S)
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            hello = read_message(caller, 10_000)
            if hello is None:
                return
            lost_after_s = float(hello[0]["lost_after_s"])
            send_message(caller, self._answer(hello[0]["machine"]))
            if hello[0]["machine"] == self._name:
                site = replace(self._machine.site, lost_after_s=lost_after_s)
                child = self._machine.start(caller, site)
                self._children = [c for c in self._children if c.poll() is None] + [child]

    def _answer(self, name: str) -> dict[str, Any]:
        if name != self._name:
            return {"refused": f"this is machine '{self._name}'"}
        return {"versions": versions(), "port": self._machine.site.outer[1]}
