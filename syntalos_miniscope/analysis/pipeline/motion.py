"""How well the motion was taken out of a movie, seen and in figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.alignment import band_passed

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
        self._kept = -(-frames // self._every)
        self._before = self._after = np.zeros((0, 0, 0), np.float32)

    def add(self, place: int, before: Image, after: Image) -> None:
        """Take a frame (H, W), before and after."""
        if place % self._every:
            return
        seen = band_passed(before)
        if not len(self._before):
            self._before = np.zeros((self._kept, *seen.shape), np.float32)
            self._after = np.zeros_like(self._before)
        self._before[place // self._every] = seen
        self._after[place // self._every] = band_passed(after)

    def view(self) -> MotionView:
        """Give what is to be seen."""
        before, after = self._before.mean(axis=0), self._after.mean(axis=0)
        row = int(np.argmax(_inner(after).std(axis=1))) + len(after) // 8
        return MotionView(
            before,
            after,
            self._before[:, row].copy(),
            self._after[:, row].copy(),
            fits(self._before, before),
            fits(self._after, after),
        )


def crispness(picture: Image) -> float:
    """Give the norm of the gradient of a picture."""
    gy, gx = np.gradient(_inner(picture).astype(np.float64))
    return float(np.sqrt((gy**2 + gx**2).sum()))


def fits(pictures: Image, mean: Image) -> NDArray[np.float64]:
    """Give the correlation of each picture with a mean, away from the edge."""
    seen = _centred(mean)
    found = np.zeros(len(pictures))
    for place, picture in enumerate(pictures):
        one = _centred(picture)
        size = np.linalg.norm(one) * np.linalg.norm(seen)
        found[place] = float(one @ seen) / max(float(size), 1e-12)
    return found


def _centred(picture: Image) -> NDArray[np.float64]:
    inner = _inner(picture).ravel().astype(np.float64)
    return inner - inner.mean()


def _inner(pictures: Image) -> Image:
    """Leave out an eighth at each side, into which the edge may have been moved."""
    y, x = pictures.shape[-2] // 8, pictures.shape[-1] // 8
    return pictures[..., y : pictures.shape[-2] - y, x : pictures.shape[-1] - x]
