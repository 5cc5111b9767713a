"""What a node under a script has sent."""

from typing import Any

from syntalos_miniscope.engine.script import Script


def sent(script: Script, port: str) -> list[Any]:
    """Give the items of an output, of whatever type the port is."""
    return list(script.emitted[port])
