"""The truth of a live stream goes to the disk without holding up a frame."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.truth import FrameTruth
from syntalos_miniscope.simulation.live_truth import TruthFile


class SlowDisk:
    """A writer that waits until it is let go, and may then be full."""

    def __init__(self, refuses_at: int = -1) -> None:
        self.free = threading.Event()
        self.written: list[float] = []
        self.closed = False
        self._refuses_at = refuses_at

    def append(self, movie: None, truth: FrameTruth) -> None:
        assert self.free.wait(60)
        if len(self.written) == self._refuses_at:
            raise RecordingError("the disk is full")
        self.written.append(float(truth.C[0]))

    def close(self, truth: Any) -> None:
        self.closed = True


def frame(number: int) -> FrameTruth:
    return FrameTruth(C=np.array([float(number)]), S=np.zeros(1))


def test_a_disk_that_hangs_holds_up_no_frame_and_loses_none():
    disk: Any = SlowDisk()
    file = TruthFile(disk)
    for number in range(100):
        file.add(frame(number))
    assert disk.written == []
    disk.free.set()
    file.close(None)  # pyright: ignore[reportArgumentType] - the disk does not look at it
    assert disk.written == list(range(100)) and disk.closed


def test_what_the_disk_refuses_is_raised_and_what_was_written_is_closed():
    disk: Any = SlowDisk(refuses_at=3)
    file = TruthFile(disk)
    for number in range(10):
        file.add(frame(number))
    disk.free.set()
    with pytest.raises(RecordingError, match="the disk is full"):
        file.close(None)  # pyright: ignore[reportArgumentType]
    assert disk.written == [0, 1, 2] and disk.closed
