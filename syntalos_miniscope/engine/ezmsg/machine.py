"""What one machine does for a run: graph servers for its wires, and processes for its boxes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from syntalos_miniscope.engine.run import RunError

LOOPBACK = "127.0.0.1"
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Site:
    """What a machine gives to each of its processes."""

    nodes: tuple[str, ...]
    """Folders of node folders."""
    inner: Address
    """The graph server of the wires inside the machine."""
    outer: Address
    """The graph server of the wires that leave it."""
    export_dir: str
    lost_after_s: float | None = None
    """How long the engine may be silent; None if it is on this machine."""

    def to_json(self) -> str:
        """Write it, for a command line."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Site:
        """Read what `to_json` wrote."""
        told = json.loads(text)
        for name in ("nodes", "inner", "outer"):
            told[name] = tuple(told[name])
        return Site(**told)


def versions() -> dict[str, str]:
    """Give the versions that have to be the same on all machines; RunError without ezmsg."""
    try:
        return {name: version(name) for name in ("syntalos-miniscope", "ezmsg")}
    except PackageNotFoundError as missing:
        raise RunError(
            None,
            "the distributed engine needs ezmsg: pip install 'syntalos-miniscope[distributed]'",
        ) from missing


class Machine:
    """Graph servers in a process of their own, and the processes started beside it.

    A machine that listens has a second graph server, at that address, so that the wires inside it
    neither depend on the cable nor can be heard on it.
    """

    def __init__(self, listen: str, nodes: Sequence[Path], export_dir: Path) -> None:
        self._listen = listen
        self._nodes = nodes
        self._export_dir = export_dir
        self._servers: subprocess.Popen[str] | None = None
        self.site: Site

    def open(self) -> None:
        """Start the graph servers; RunError if the address is not one of this machine."""
        if sys.platform == "win32":
            raise RunError(None, "the distributed engine runs on Linux and macOS only")
        versions()
        hosts = list(dict.fromkeys([LOOPBACK, self._listen]))
        words = [sys.executable, "-P", "-m", "syntalos_miniscope.engine.ezmsg.exchange", *hosts]
        pipe = subprocess.PIPE
        # In a session of its own Ctrl-C, which ends a run in order, does not reach it.
        self._servers = subprocess.Popen(
            words, stdin=pipe, stdout=pipe, text=True, start_new_session=True
        )
        assert self._servers.stdout is not None
        told = json.loads(self._servers.stdout.readline() or '{"error": "no graph server"}')
        if "error" in told:
            raise RunError(None, f"cannot listen on {told['error']}")
        inner, *outer = zip(hosts, told["ports"], strict=True)
        self.site = Site(
            nodes=tuple(map(str, self._nodes)),
            inner=inner,
            outer=outer[0] if outer else inner,
            export_dir=str(self._export_dir),
        )

    def start(self, sock: socket.socket, site: Site) -> subprocess.Popen[bytes]:
        """Start a process that is in conversation over a socket, which is closed here."""
        words = [sys.executable, "-P", "-m", "syntalos_miniscope.engine.ezmsg.group"]
        with sock:
            return subprocess.Popen(
                [*words, str(sock.fileno()), site.to_json()],
                pass_fds=[sock.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def join(self) -> None:
        """Wait for the end of the graph servers."""
        if self._servers is not None:
            self._servers.wait()

    def close(self) -> None:
        """End the graph servers."""
        if self._servers is None:
            return
        self._servers.communicate()
