"""Everything that is installed is pinned with its hashes."""

from __future__ import annotations

import re
from pathlib import Path

LOCK = Path(__file__).parents[2] / "requirements.lock"
PINNED = re.compile(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^ ]+( ;.*)?", re.IGNORECASE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def test_every_line_of_the_lock_is_one_version_with_its_hashes() -> None:
    lines = [line for line in LOCK.read_text("utf-8").splitlines() if not line.startswith("#")]
    text = "\n".join(line for line in lines if not line.startswith("    #"))
    entries = text.replace(" \\\n", "\n").split("\n")
    packages = [line for line in entries if line and not line.startswith(" ")]
    assert len(packages) > 50
    for package in packages:
        assert PINNED.fullmatch(package.strip()), f"{package} is no pinned version"
        following = entries[entries.index(package) + 1]
        assert HASH.search(following), f"{package} has no hash"
