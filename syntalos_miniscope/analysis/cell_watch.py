"""Looks for cells beside a live stream, on a thread of its own."""

from __future__ import annotations

from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.cell_finder import CellSearch, Image, find_cells, half_band
from syntalos_miniscope.analysis.rois import Rois

KEPT_HZ = 10.0
"""Frames are averaged to no more than this before cells are looked for."""


class CellWatch:
    """Collects frames for `find_after_s`, then finds cells while the stream goes on.

    All kernels are loaded when it is made, so that the stream does not wait for them.
    """

    def __init__(self, search: CellSearch, find_after_s: float, rate_hz: float) -> None:
        self.status = ""
        self._search = search
        self._bin = max(round(rate_hz / KEPT_HZ), 1)
        self._wanted = max(round(find_after_s * rate_hz / self._bin), 10)
        self._rate_hz = rate_hz
        self._movie: list[Image] = []
        self._sum: Image | None = None
        self._summed = 0
        self._shape = (0, 0)
        self._thread: Thread | None = None
        self._found: list[Rois | Exception] = []
        noise = np.random.default_rng(0).normal(size=(20, 16, 16))
        find_cells(noise.astype(np.float32), (32, 32), search)

    def add(self, frame: NDArray[Any]) -> Rois | None:
        """Take a frame (H, W); gives the cells, once, when they are known."""
        if self._found:
            found = self._found.pop()
            if isinstance(found, Exception):
                raise found
            return found
        if self._thread is not None:
            return None
        self._shape = (frame.shape[0], frame.shape[1])
        band = half_band(frame, self._search.diameter_px)
        self._sum = band if self._sum is None else self._sum + band
        self._summed += 1
        if self._summed == self._bin:
            self._movie.append(self._sum / np.float32(self._bin))
            self._sum, self._summed = None, 0
        left_s = (self._wanted - len(self._movie)) * self._bin / self._rate_hz
        self.status = f"looking for cells: {left_s:.0f} s to go" if left_s > 0 else "finding cells"
        if left_s <= 0:
            self._thread = Thread(target=self._find, name="find cells", daemon=True)
            self._thread.start()
        return None

    def close(self) -> None:
        """Wait for a search that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _find(self) -> None:
        try:
            self._found.append(find_cells(self._movie, self._shape, self._search))
        except Exception as error:  # noqa: BLE001 - raised again where the frames come
            self._found.append(error)
        self._movie = []
