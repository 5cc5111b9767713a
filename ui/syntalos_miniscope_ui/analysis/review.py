"""Which cells a person keeps: decisions, filters and what can be undone. No widgets."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.extraction import Evaluation, Extraction

OUTLINE_SHARE = 0.3
"""Of its peak: where the outline of a footprint runs."""

FINE = 4
"""Outlines are followed on pixels split so many times."""


class Review:
    """Decisions about the cells of an extraction; all are accepted in the beginning.

    `current` is the cell that is looked at, -1 if there is none to look at.
    """

    def __init__(self, extraction: Extraction, evaluation: Evaluation | None = None) -> None:
        self.extraction = extraction
        self.evaluation = evaluation
        self.accepted: NDArray[np.bool_] = np.ones(len(extraction), np.bool_)
        self.show_accepted = self.show_rejected = True
        self.current = 0 if len(extraction) else -1
        self._footprints = list(extraction.footprints)
        self.outlines = [
            outline(patch) + np.array([left, top]) for top, left, patch in self._footprints
        ]
        self._done: list[tuple[int, bool]] = []

    @property
    def shown(self) -> NDArray[np.bool_]:
        """Which cells the filters let through, (cell,)."""
        return np.where(self.accepted, self.show_accepted, self.show_rejected)

    @property
    def can_undo(self) -> bool:
        """Whether a decision can be taken back."""
        return bool(self._done)

    def decide(self, accept: bool) -> None:
        """Accept or reject the cell that is looked at, and go on to the next that is shown."""
        at = self.current
        if at < 0:
            return
        if self.accepted[at] != accept:
            self._done.append((at, bool(self.accepted[at])))
            self.accepted[at] = accept
        self.step(1)

    def undo(self) -> None:
        """Take the last change back, and look at its cell."""
        if self._done:
            self.current, was = self._done.pop()
            self.accepted[self.current] = was

    def step(self, by: int) -> None:
        """Look at the next or the last cell that is shown; from the end to the beginning."""
        shown = np.flatnonzero(self.shown)
        if len(shown):
            after = shown[shown > self.current] if by > 0 else shown[shown < self.current][::-1]
            around = shown[0] if by > 0 else shown[-1]
            self.current = int(after[0] if len(after) else around)
        elif len(self.accepted):
            self.current = -1

    def filter(self, *, accepted: bool, rejected: bool) -> None:
        """Say who is shown; what is looked at is shown, if anything is."""
        self.show_accepted, self.show_rejected = accepted, rejected
        if self.current < 0 or not self.shown[self.current]:
            self.step(1)

    def look_at(self, x: float, y: float) -> None:
        """Look at the cell that is brightest at a point of the picture, if one is there."""
        row, column = int(np.floor(y)), int(np.floor(x))
        here = np.zeros(len(self._footprints))
        for k, (top, left, patch) in enumerate(self._footprints):
            inside = 0 <= row - top < patch.shape[0] and 0 <= column - left < patch.shape[1]
            here[k] = patch[row - top, column - left] if inside and self.shown[k] else 0
        if here.max(initial=0) > OUTLINE_SHARE / 2:
            self.current = int(here.argmax())

    def describe(self) -> str:
        """Say in a line what the cell that is looked at is, and how good."""
        at = self.current
        if at < 0:
            return "No cell is shown"
        parts = [f"Cell {at + 1} of {len(self.accepted)}"]
        if self.evaluation is not None:
            parts.append(f"SNR {self.evaluation.snr[at]:.1f}")
            parts.append(f"r {self.evaluation.r[at]:.2f}")
        parts.append("accepted" if self.accepted[at] else "rejected")
        return "   ·   ".join(parts)


def outline(footprint: NDArray[Any]) -> NDArray[np.float64]:
    """Give the corners (x, y) of the line round the brightest part of a footprint (H, W)."""
    rows, columns = np.nonzero(footprint > OUTLINE_SHARE * footprint.max())
    if not len(rows):
        return np.zeros((0, 2))
    top, left = int(rows.min()) - 2, int(columns.min()) - 2
    # With room around it, so that the line closes at the edge of the picture too.
    padded = np.pad(np.asarray(footprint, np.float32), 2)
    patch = padded[top + 2 : int(rows.max()) + 5, left + 2 : int(columns.max()) + 5]
    fine = cv2.resize(patch, None, fx=FINE, fy=FINE, interpolation=cv2.INTER_LINEAR)
    inside = (fine > OUTLINE_SHARE * float(patch.max())).astype(np.uint8)
    lines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not lines:
        return np.zeros((0, 2))
    line = max(lines, key=len)[:, 0, :].astype(np.float64)
    return (line + 0.5) / FINE + (left, top)
