"""Rigid motion of the brain under the scope: found to a fraction of a pixel, and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.alignment import (
    HAZE_PX,
    absorb,
    band_passed,
    refine,
    translate,
)

Picture = NDArray[np.uint8] | NDArray[np.uint16]
Image = NDArray[np.float32]

LEAST_QUALITY, LEAST_SHARE = 0.1, 0.5
"""A frame that fits worse than this, or than this share of the usual quality, is strange: it
keeps the shift of the frame before and does not change the template."""

LEAST_SIDE_PX = 64

PATIENCE_FRAMES = 40
"""After so many strange frames in a row the template begins anew with the next one."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the picture has moved down and right, px, and how well it fits, from 0 to 1."""

    dy: float
    dx: float
    quality: float


class Stabiliser:
    """Follows the brain by a template that the frames themselves make.

    Each frame, at half the resolution and band-passed, is laid over the template: at a quarter of
    the resolution by normalised cross-correlation within ± `reach_px` (or an eighth of a small
    frame), then by two weighted least
    squares steps at half of it. Pixels count by the inverse of their variance, so that cells that
    flash pull less than vessels that stay. The frame, moved back, then renews the template: the
    n-th frame 1/n of it, but no less than `renewal`.

    The first frame with anything in it is where the picture is at rest. Frames are (H, W), of 8
    or 16 bits.
    """

    def __init__(self, reach_px: int = 24, renewal: float = 0.005) -> None:
        self.reach_px = reach_px
        self.renewal = renewal
        self._template: Image | None = None
        self._frames = 0
        self._usual = 0.0
        self._strange = 0
        self._last = Shift(0.0, 0.0, 0.0)

    def __call__(self, frame: Picture) -> tuple[Picture, Shift]:
        """Give the frame moved back to where the first one was, and how far it had moved."""
        shift = self.find(frame)
        moved = np.empty_like(frame)
        translate(frame, shift.dy, shift.dx, moved)
        return moved, shift

    def find(self, frame: Picture) -> Shift:
        """Give how far a frame has moved, and learn from it."""
        seen = band_passed(frame)
        template = self._template
        if template is None or template.shape != seen.shape or self._strange > PATIENCE_FRAMES:
            self._begin(seen)
            return self._last
        at, quality = self._held(self._coarse(seen, template)), 0.0
        for _ in range(2):
            dy, dx, quality = refine(seen, template, self._weight, at, self._margin, self._room)
            at = self._held((dy, dx))
        if quality < max(LEAST_QUALITY, LEAST_SHARE * self._usual):
            self._strange += 1
            return Shift(self._last.dy, self._last.dx, max(float(quality), 0.0))
        self._learn(seen, template, at, float(quality))
        self._last = Shift(2 * at[0], 2 * at[1], float(quality))
        return self._last

    def _begin(self, seen: Image) -> None:
        smallest = 2 * min(seen.shape)
        if smallest < LEAST_SIDE_PX:
            height, width = (2 * side for side in seen.shape)
            raise ValueError(
                f"frames of {width} x {height} pixels are too small to be stabilised; they must "
                f"have {LEAST_SIDE_PX} along each side"
            )
        self._reach = min(self.reach_px, smallest // 8)
        self._margin = self._reach // 2 + HAZE_PX // 2 + 2
        self._floor = float(seen.var())
        self._template = seen.copy() if self._floor > 0 else None
        self._variance = np.full_like(seen, self._floor)
        self._weight: Image = np.reciprocal(2 * self._variance + np.float32(1e-6))
        self._room = np.empty_like(seen)
        self._frames, self._strange = 1, 0
        self._usual = 0.0
        self._last = Shift(0.0, 0.0, 1.0 if self._floor > 0 else 0.0)

    def _coarse(self, seen: Image, template: Image) -> tuple[float, float]:
        """Give the shift in pixels of `seen` by the best match at half of its resolution."""
        half = (seen.shape[1] // 2, seen.shape[0] // 2)
        small = cv2.resize(seen, half, interpolation=cv2.INTER_AREA)
        known = cv2.resize(template, half, interpolation=cv2.INTER_AREA)
        reach = -(-self._reach // 4)
        inner = np.ascontiguousarray(known[reach:-reach, reach:-reach])
        match = cv2.matchTemplate(small, inner, cv2.TM_CCORR_NORMED)
        dy, dx = peak(match)
        return 2 * (dy - reach), 2 * (dx - reach)

    def _held(self, at: tuple[float, float]) -> tuple[float, float]:
        """Keep a shift, in pixels of half the resolution, within reach."""
        most = self._reach / 2
        return min(max(at[0], -most), most), min(max(at[1], -most), most)

    def _learn(self, seen: Image, template: Image, at: tuple[float, float], quality: float) -> None:
        self._strange = 0
        self._frames += 1
        share = max(1 / self._frames, self.renewal)
        self._usual += share * (quality - self._usual)
        self._floor = absorb(
            seen, template, self._variance, self._weight, at, share, self._floor + 1e-6
        )


def peak(match: NDArray[Any]) -> tuple[float, float]:
    """Give row and column of the highest point, to a fraction by a parabola along each axis."""
    _, _, _, (x, y) = cv2.minMaxLoc(match)
    return y + _vertex(match[:, x], y), x + _vertex(match[y], x)


def _vertex(values: NDArray[Any], at: int) -> float:
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
