"""Waiting for a state, never for a time: the limit matters only where something is broken."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 60


def wait_for(state: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    deadline_s = time.monotonic() + patience_s
    while not state():
        assert time.monotonic() < deadline_s, "it never came to that"
        time.sleep(0.01)
