"""The ring between a scope and the graph."""

import threading
import time

import numpy as np
import pytest

from syntalos_miniscope import scope as scope_module
from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.scope import Capture, Exposure
from syntalos_miniscope.streams import Frame


class Endless:
    """A scope that always has a frame."""

    size, frame_rate_hz, counters = (4, 4), 1000.0, {"dropped": 0}

    def __init__(self):
        self.reads, self.closed = 0, False

    def start(self, clock):
        pass

    def apply(self, settings):
        pass

    def read(self, timeout_s):
        time.sleep(0.001)
        self.reads += 1
        if self.reads == 10_000:
            raise RuntimeError("lost for good")
        return Exposure(Frame(self.reads, self.reads, np.zeros((4, 4), np.uint8)), None)

    def close(self):
        self.closed = True


def wait_until(there) -> None:
    """Wait for a state; a minute matters only where it never comes."""
    deadline_s = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_full_ring_discards_the_newest_and_counts(monkeypatch):
    monkeypatch.setattr(scope_module, "ABANDONED_S", 1000.0)
    scope = Endless()
    capture = Capture(scope, ring=4)
    capture.start(RunClock())
    wait_until(lambda: capture.overflowed)
    kept = [exposure for _ in range(4) if (exposure := capture.read(60))]
    assert [exposure.frame.index for exposure in kept] == [1, 2, 3, 4]
    capture.close()
    assert scope.closed


def left_alone() -> tuple[Endless, Capture]:
    """Give a scope and its capture once it has seen that nobody takes exposures."""
    scope = Endless()
    capture = Capture(scope, ring=4)
    capture.start(RunClock())
    wait_until(lambda: capture._ring.abandoned)
    return scope, capture


def test_when_nobody_takes_exposures_the_scope_is_left_alone_until_somebody_does(monkeypatch):
    monkeypatch.setattr(scope_module, "ABANDONED_S", 0.05)
    scope, capture = left_alone()
    # One read may have been under way.
    most = scope.reads + 1
    threading.Event().wait(0.3)
    assert scope.reads <= most
    for _ in range(20):
        assert capture.read(60) is not None
    assert scope.reads > most
    capture.close()


def test_a_scope_that_nobody_reads_can_be_closed(monkeypatch):
    monkeypatch.setattr(scope_module, "ABANDONED_S", 0.0)
    scope, capture = left_alone()
    capture.close()
    assert scope.closed


def test_what_a_scope_raises_reaches_the_reader_after_the_last_exposure():
    scope = Endless()
    scope.reads = 9_990
    capture = Capture(scope)
    capture.start(RunClock())
    for _ in range(9):
        assert capture.read(60) is not None
    with pytest.raises(RuntimeError, match="lost for good"):
        capture.read(60)
    capture.close()
