"""`syntalos-miniscope serve`, and what `run` needs to know of other machines."""

from __future__ import annotations

import ipaddress
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError, say
from syntalos_miniscope.cli.interrupts import interrupted_by
from syntalos_miniscope.cli.nodes import NodesDir, find_nodes

if TYPE_CHECKING:
    from syntalos_miniscope.catalog import Catalog
    from syntalos_miniscope.engine.ezmsg.engine import EzmsgEngine
    from syntalos_miniscope.engine.run import RunOptions
    from syntalos_miniscope.project import Graph

PORT = 25970
LOOPBACK = "127.0.0.1"
WARNING = (
    "Nothing there is authenticated or encrypted: whoever reaches these ports can run this "
    "machine's nodes, and hear and change what they send. Use a cable of your own, or a tunnel."
)


def serve(
    machine: Annotated[str, typer.Option(metavar="NAME", help="What projects call this machine.")],
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS[:PORT]", help="Where to wait for runs.")
    ] = f"{LOOPBACK}:{PORT}",
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where nodes here keep their files.")
    ] = None,
    nodes: NodesDir = None,
) -> None:
    """Let runs on other machines place nodes on this one, until Ctrl-C."""
    from syntalos_miniscope.engine.ezmsg.machine import Machine
    from syntalos_miniscope.engine.ezmsg.serve import MachineServer
    from syntalos_miniscope.engine.run import RunError, default_export_dir

    if not machine:
        raise BadInputError("--machine: give a name, as projects call this machine")
    address = _address(listen, "--listen", PORT)
    places = list({folder.path.parent: None for folder in find_nodes(nodes).folders.values()})
    here = Machine(address[0], places, export or default_export_dir())
    server = MachineServer(machine, address, here)
    with interrupted_by(signal.SIGINT, signal.SIGTERM):
        try:
            (host, port), (_, wires) = server.open()
        except RunError as error:
            raise BadInputError(f"--listen {listen}: {error}") from error
        try:
            say(f"Machine '{machine}' waits for runs at {host}:{port}. Ctrl-C ends it.")
            say(f"Open on {host}: {port} (runs), {wires} (graph server), and from 25980 upward a")
            say("port for each wire that leaves a process here.")
            if host != LOOPBACK:
                say(WARNING)
            server.serve()
        except KeyboardInterrupt:
            say("Ending: what runs here is stopped in order.")
        finally:
            server.close()


def distributed(
    graph: Graph, options: RunOptions, catalog: Catalog, machines: list[str], listen: str
) -> EzmsgEngine:
    """Make the distributed engine for what `run` was told."""
    from syntalos_miniscope.engine.ezmsg.engine import EzmsgEngine
    from syntalos_miniscope.engine.run import RunError

    addresses: dict[str, tuple[str, int]] = {}
    for given in machines:
        name, equals, address = given.partition("=")
        if not (equals and name):
            raise BadInputError(f"--machine {given}: what is right is NAME=ADDRESS:PORT")
        addresses[name] = _address(address, f"--machine {name}", PORT)
    if listen != LOOPBACK:
        say(f"Open on {_ip(listen, '--listen')}: a graph server, and from 25980 upward a port for")
        say("each wire that leaves this machine.")
        say(WARNING)
    try:
        return EzmsgEngine(graph, options, catalog, addresses, listen)
    except RunError as error:
        raise BadInputError(str(error)) from error


def _address(text: str, option: str, port: int) -> tuple[str, int]:
    host, colon, digits = text.partition(":")
    if colon and not (digits.isdecimal() and int(digits) < 65536):
        raise BadInputError(f"{option} {text}: ADDRESS:PORT is right, such as 10.0.0.2:{PORT}")
    return _ip(host, option), int(digits) if colon else port


def _ip(text: str, option: str) -> str:
    """Take an IPv4 address: ezmsg knows no other, and a name might mean another address later."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise BadInputError(
            f"{option} {text}: an IPv4 address is right, such as 10.0.0.2"
        ) from error
