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


def settled(value) -> int:
    """Wait until a number has stood still for a while."""
    last = -1
    while last != (now := value()):
        last = now
        threading.Event().wait(0.3)
    return last


def test_a_full_ring_discards_the_newest_and_counts(monkeypatch):
    monkeypatch.setattr(scope_module, "ABANDONED_S", 0.05)
    scope = Endless()
    capture = Capture(scope, ring=4)
    capture.start(RunClock())
    settled(lambda: scope.reads)
    kept = [exposure for _ in range(4) if (exposure := capture.read(0.1))]
    assert [exposure.frame.index for exposure in kept] == [1, 2, 3, 4]
    assert capture.overflowed > 0
    capture.close()
    assert scope.closed


def test_when_nobody_takes_exposures_the_scope_is_left_alone_until_somebody_does(monkeypatch):
    monkeypatch.setattr(scope_module, "ABANDONED_S", 0.05)
    scope = Endless()
    capture = Capture(scope, ring=4)
    capture.start(RunClock())
    left = settled(lambda: scope.reads)
    for _ in range(20):
        assert capture.read(1.0) is not None
    assert scope.reads > left
    capture.close()


def test_what_a_scope_raises_reaches_the_reader_after_the_last_exposure():
    scope = Endless()
    scope.reads = 9_990
    capture = Capture(scope)
    capture.start(RunClock())
    for _ in range(9):
        assert capture.read(5.0) is not None
    with pytest.raises(RuntimeError, match="lost for good"):
        capture.read(5.0)
    capture.close()
