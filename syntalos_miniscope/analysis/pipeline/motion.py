"""How well the motion was taken out of a movie, seen and in figures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.stabilise import BACKGROUND_PX, SMOOTH_PX

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MotionView:
    """A movie before and after; pictures are of the band that shows structure."""

    before: Image
    """(H/2, W/2): mean of the pictures."""
    after: Image
    lines_before: Image
    """(picture, W/2): the row of most structure, picture under picture."""
    lines_after: Image
    fit_before: NDArray[np.float64]
    """(picture,): correlation with the mean of all."""
    fit_after: NDArray[np.float64]

    @property
    def crispness(self) -> tuple[float, float]:
        """Norm of the gradient of the mean, before and after (Pnevmatikakis, Giovannucci 2017)."""
        return crispness(self.before), crispness(self.after)


class MotionWitness:
    """Keeps up to `pictures` frames, spread evenly, as they were and as they became."""

    def __init__(self, frames: int, pictures: int) -> None:
        self._every = max(-(-frames // pictures), 1)
        self._before: list[Image] = []
        self._after: list[Image] = []

    def add(self, place: int, before: Image, after: Image) -> None:
        """Take a frame (H, W), before and after."""
        if place % self._every == 0:
            self._before.append(structure(before))
            self._after.append(structure(after))

    def corrected(self, movie: NDArray[np.float32]) -> None:
        """Take what became of all frames (frame, H, W) where another program moved them."""
        self._after = [structure(frame) for frame in movie[:: self._every]]

    def view(self) -> MotionView:
        """Give what is to be seen."""
        before, after = np.stack(self._before), np.stack(self._after)
        mean_before, mean_after = before.mean(axis=0), after.mean(axis=0)
        row = int(np.argmax(_inner(mean_after).std(axis=1))) + len(mean_after) // 8
        return MotionView(
            mean_before,
            mean_after,
            before[:, row],
            after[:, row],
            fits(before, mean_before),
            fits(after, mean_after),
        )


def structure(frame: Image) -> Image:
    """Give a picture at half its resolution, without haze and without pixel noise."""
    half = cv2.resize(
        frame, (frame.shape[1] // 2, frame.shape[0] // 2), interpolation=cv2.INTER_AREA
    )
    smooth = cv2.GaussianBlur(half, (9, 9), SMOOTH_PX)
    haze = cv2.blur(half, (BACKGROUND_PX, BACKGROUND_PX))
    return cv2.subtract(smooth, haze).astype(np.float32, copy=False)


def crispness(picture: Image) -> float:
    """Give the norm of the gradient of a picture."""
    gy, gx = np.gradient(_inner(picture).astype(np.float64))
    return float(np.sqrt((gy**2 + gx**2).sum()))


def fits(pictures: Image, mean: Image) -> NDArray[np.float64]:
    """Give the correlation of each picture with a mean, away from the edge."""
    flat = _inner(pictures).reshape(len(pictures), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    seen = _inner(mean).ravel().astype(np.float64)
    seen -= seen.mean()
    size = np.linalg.norm(flat, axis=1) * np.linalg.norm(seen)
    return (flat @ seen) / np.maximum(size, 1e-12)


def _inner(pictures: Image) -> Image:
    """Leave out an eighth at each side, into which the edge may have been moved."""
    y, x = pictures.shape[-2] // 8, pictures.shape[-1] // 8
    return pictures[..., y : pictures.shape[-2] - y, x : pictures.shape[-1] - x]
