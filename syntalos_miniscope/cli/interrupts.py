"""Ctrl-C and SIGTERM, for the length of a command that must end in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupted_by(
    *numbers: signal.Signals, stop: Callable[[], None] | None = None
) -> Generator[None]:
    """Have signals call `stop`, which raises KeyboardInterrupt unless given.

    Also where the program was started deaf to them, as in the background of a shell.
    """

    def heard(number: int, frame: FrameType | None) -> None:
        if stop is None:
            raise KeyboardInterrupt
        stop()

    old = {number: signal.signal(number, heard) for number in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
