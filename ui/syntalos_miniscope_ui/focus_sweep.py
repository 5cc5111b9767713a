"""Steps the focus of a scope that is running and finds where the picture is sharpest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.streams import Frame
from syntalos_miniscope.zstack import ZStack, sharpness

SETTLE_FRAMES = 4
"""A changed setting waits for the box, the frame and the lens before it is in the picture."""


class FocusSweep:
    """Wants one focus setting after the other, and takes the frames made at each.

    Set the scope to `ewl`, then hand over frames until `ewl` is another; None is the end.
    """

    def __init__(self, ewl: Sequence[int], frames: int = 5) -> None:
        self._steps = list(ewl)
        self._frames = frames
        self._settling = SETTLE_FRAMES
        self._pictures: list[NDArray[np.float32]] = []
        self._planes: list[NDArray[np.float32]] = []
        self.sharpness: list[float] = []
        """The figure of each plane so far."""

    @property
    def ewl(self) -> int | None:
        """The focus setting that is wanted now."""
        done = len(self._planes)
        return self._steps[done] if done < len(self._steps) else None

    def take(self, frames: Iterable[Frame]) -> None:
        """Take frames in the order in which they were made."""
        for frame in frames:
            if self.ewl is None:
                return
            if self._settling:
                self._settling -= 1
                continue
            self._pictures.append(frame.mat.astype(np.float32))
            if len(self._pictures) == self._frames:
                self._finish_plane()

    def _finish_plane(self) -> None:
        plane = np.stack(self._pictures).mean(axis=0, dtype=np.float32)
        self._planes.append(plane)
        self.sharpness.append(sharpness(plane))
        self._pictures = []
        self._settling = SETTLE_FRAMES

    def stack(self) -> ZStack:
        """Give the planes so far; ValueError if there is none."""
        if not self._planes:
            raise ValueError("there is no plane yet")
        steps = np.array(self._steps[: len(self._planes)], np.int64)
        return ZStack(steps, np.stack(self._planes), np.array(self.sharpness))
