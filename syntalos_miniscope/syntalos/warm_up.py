"""Compiles a node's kernels before a run needs them; Syntalos grants `prepare` 15 s."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs

import syntalos_miniscope
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.node import Node, is_source
from syntalos_miniscope.streams import FloatSignalBlock, Frame
from syntalos_miniscope.syntalos.nodes import load_node


def warm_up(address: str) -> None:
    """Run a node for a moment, with test data; what it has compiled stays on disk."""
    node = load_node(address)
    if not node.own_process:
        # A node that refuses its defaults, such as a player without a file, has nothing to warm.
        with suppress(Exception):
            _exercise(node)
    stamp = _stamp(address)
    with suppress(OSError):
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()


def warm_up_beside(address: str) -> subprocess.Popen[bytes] | None:
    """Let another process warm a node up; None if it has no kernels, or is warm already.

    Where nothing can be kept, nothing is warmed.
    """
    if "numba" not in sys.modules:
        return None
    stamp = _stamp(address)
    try:
        stamp.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if stamp.exists():
        return None
    words = [sys.executable, "-P", "-m", __name__, address]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(words, stdin=nowhere, stdout=nowhere, stderr=nowhere)


def _exercise(node: type[Node]) -> None:
    frames = {p.id: {"framerate": 20.0, "size": (608, 608)} for p in node.inputs if p.type is Frame}
    script = Script(node(node.Settings()), inputs=frames)
    try:
        script.prepare()
        script.start()
        if is_source(node):
            script.run(items=4 * len(node.outputs))
        for number in range(4):
            for port in node.inputs:
                if port.type is Frame:
                    mat = np.full((608, 608), 40 + number, np.uint8)
                    script.feed(port.id, Frame(number, number * 50_000, mat))
                elif port.type is FloatSignalBlock:
                    times = np.array([number * 50_000], np.int64)
                    script.feed(port.id, FloatSignalBlock(times, np.ones((1, 4), np.float32)))
    finally:
        script.stop()


def _stamp(address: str) -> Path:
    """Give the file whose presence says that this node, of this very source, is warm."""
    library = Path(syntalos_miniscope.__file__).parent
    key = hashlib.sha1(f"{sys.implementation.cache_tag} {address}".encode())
    for file in sorted(library.rglob("*.py")):
        key.update(f"{file} {file.stat().st_mtime_ns}".encode())
    cache = Path(platformdirs.user_cache_dir("syntalos-miniscope", appauthor=False))
    return cache / "warm" / key.hexdigest()


def main(addresses: Iterable[str]) -> None:
    """Warm nodes up."""
    for address in addresses:
        warm_up(address)


if __name__ == "__main__":
    main(sys.argv[1:])
