"""An outlet of this machine is not heard at the other end of a network cable; one of the site is.

Two network namespaces with a cable between them stand for two computers; that needs root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

pytest.importorskip("pylsl", reason="the extra lsl is not installed")
pytestmark = pytest.mark.net

HERE, THERE = f"here{os.getpid()}", f"there{os.getpid()}"
OPEN = """
import sys
from syntalos_miniscope.lsl import Channel, Lsl, StreamKind
kind = StreamKind("cable", "test", "float32", [Channel("a")])
outlet = Lsl(sys.argv[1]).outlet(kind)
print(kind.source_id, flush=True)
sys.stdin.read()
"""
FIND = "import pylsl, sys; print(len(pylsl.resolve_byprop('source_id', sys.argv[1], 1, 5)))"
KNOCK = "import socket; socket.create_connection(('10.123.0.1', 16572), 5); print('open')"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def cable() -> Iterator[None]:
    for name in (HERE, THERE):
        ip("netns", "add", name)
    try:
        ip("link", "add", "left", "netns", HERE, "type", "veth", "peer", "name", "right",
           "netns", THERE)  # fmt: skip
        for name, end, address in ((HERE, "left", "10.123.0.1"), (THERE, "right", "10.123.0.2")):
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", end, "up")
            ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
            ip("-n", name, "route", "add", "default", "dev", end)
        yield
    finally:
        for name in (HERE, THERE):
            ip("netns", "del", name)


def at(place: str, *words: str) -> str:
    call = ["ip", "netns", "exec", place, sys.executable, "-c", *words]
    return subprocess.run(call, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("visibility", ["machine", "site"])
def test_who_hears_an_outlet(cable: None, visibility: str) -> None:
    call = ["ip", "netns", "exec", HERE, sys.executable, "-c", OPEN, visibility]
    pipe = subprocess.PIPE
    with subprocess.Popen(call, stdin=pipe, stdout=pipe, text=True) as outlet:
        assert outlet.stdout is not None
        source_id = outlet.stdout.readline().strip()
        heard_elsewhere = visibility == "site"
        assert at(HERE, FIND, source_id) == "1"
        assert at(THERE, FIND, source_id) == str(int(heard_elsewhere))
        assert at(THERE, KNOCK) == ("open" if heard_elsewhere else "")
        outlet.communicate("")
