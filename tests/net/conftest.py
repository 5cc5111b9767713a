"""Two machines on one: network namespaces with a cable between them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Machines:
    """Namespaces `a` and `b`, at addresses that only they know."""

    a: str
    b: str
    address_a: str = "10.77.0.1"
    address_b: str = "10.77.0.2"

    def on(self, name: str) -> list[str]:
        """Give the words that run a program on one of them, which has memory of its own."""
        alone = 'mount -t tmpfs tmpfs /dev/shm && exec "$@"'
        return ["ip", "netns", "exec", name, "sh", "-c", alone, "sh"]

    def pull(self) -> None:
        """Pull the cable at both ends: nothing is told to anybody."""
        for name in (self.a, self.b):
            ip("-n", name, "link", "set", "cable", "down")

    def put_back(self) -> None:
        for name in (self.a, self.b):
            ip("-n", name, "link", "set", "cable", "up")


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


@pytest.fixture
def machines() -> Generator[Machines]:
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2's ip")
    pair = Machines(f"ms-a-{os.getpid()}", f"ms-b-{os.getpid()}")
    try:
        for name in (pair.a, pair.b):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
    except OSError as error:
        pytest.skip(f"this kernel has no network namespaces: {error}")
    try:
        ip("link", "add", "cable", "netns", pair.a, "type", "veth",
           "peer", "name", "cable", "netns", pair.b)  # fmt: skip
        for name, address in ((pair.a, pair.address_a), (pair.b, pair.address_b)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
        pair.put_back()
        yield pair
    finally:
        for name in (pair.a, pair.b):
            ip("netns", "del", name)
