"""What a frame looks like on the screen: limits, colours, saturation. No widgets."""

from __future__ import annotations

from collections import deque
from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from syntalos_miniscope.display import SATURATED

COLOURS = ("grey", "green", "red", "inferno", "viridis", "hot")
"""The look-up tables on offer; the first three and inferno are those of the official software."""
SATURATION_RED = (255, 40, 40, 255)


@cache
def ramp(name: str) -> NDArray[np.uint8]:
    """Give 256 colours from dark to bright, RGBA."""
    table = np.zeros((256, 4), np.uint8)
    table[:, 3] = 255
    steps = np.arange(256, dtype=np.uint8)
    if name == "grey":
        table[:, :3] = steps[:, None]
    elif name in ("green", "red"):
        table[:, 1 if name == "green" else 0] = steps
    elif name == "hot":
        for channel in range(3):
            table[:, channel] = np.clip(steps.astype(int) * 3 - 255 * channel, 0, 255)
    else:
        colours = pg.colormap.get(name)
        assert colours is not None
        table[:] = np.asarray(colours.getLookupTable(nPts=256, alpha=True), np.uint8)
    return table


def colour_table(name: str, low: float, high: float, show_saturation: bool) -> NDArray[np.uint8]:
    """Give the RGBA colour of every value 0…255 between two display limits.

    With `show_saturation`, values from 99 % of full scale on are red, wherever the limits are.
    """
    span = max(high - low, 1e-6)
    index = np.clip(np.rint((np.arange(256) - low) * (255 / span)), 0, 255).astype(np.uint8)
    table = ramp(name)[index]
    if show_saturation:
        table[SATURATED:] = SATURATION_RED
    return table


def as_bytes(mat: NDArray[np.uint8] | NDArray[np.uint16], full_scale: int) -> NDArray[np.uint8]:
    """Give the highest 8 of the bits that `full_scale` fills; bytes are passed on untouched."""
    if mat.dtype == np.uint8:
        return mat.astype(np.uint8, copy=False)
    return np.minimum(mat >> max(full_scale.bit_length() - 8, 0), 255).astype(np.uint8)


def auto_limits(counts: NDArray[np.int64], tail: float = 0.002) -> tuple[int, int]:
    """Give the limits that leave out a small share of the pixels at either end."""
    total = int(counts.sum())
    if not total:
        return 0, 255
    share = np.cumsum(counts) / total
    low = int(np.searchsorted(share, tail))
    high = int(np.searchsorted(share, 1 - tail))
    return (low, high) if high > low else (max(low - 1, 0), min(low + 1, 255))


class Pace:
    """How many per second, over the last two seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def count(self, now_s: float, total: int) -> None:
        """Take note of a running total."""
        self._seen.append((now_s, total))
        while len(self._seen) > 2 and now_s - self._seen[0][0] > 2.0:
            self._seen.popleft()

    @property
    def per_s(self) -> float:
        """The rate; 0 before there is one."""
        if len(self._seen) < 2:
            return 0.0
        (since_s, before), (now_s, after) = self._seen[0], self._seen[-1]
        return (after - before) / (now_s - since_s) if now_s > since_s else 0.0
