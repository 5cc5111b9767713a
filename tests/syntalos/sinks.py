"""What Syntalos's own recorder, table and zarr writer make of a stream, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

ROWS, FRAMES, SIGNALS = 2, 3, 8
"""Numbers of the stream types that are recorded."""
DEPTHS = {np.dtype(np.uint8): 0, np.dtype(np.uint16): 2}
"""OpenCV's numbers; the recorder garbles a stream that says another one than its frames have."""
LEAST_PX = 64


class Sink:
    """A writer behind one output, in one run; refuses what the real one would fail the run for."""

    def __init__(self, kind: int, metadata: Mapping[str, Any]) -> None:
        self.kind, self.metadata = kind, metadata
        self._last: int | None = None

    def take(self, payload: Any) -> str | None:
        """Take an item; a sentence if the writer refuses it."""
        if self.kind == FRAMES:
            return self._frame(*payload)
        if self.kind == SIGNALS:
            return self._block(*payload)
        header = self.metadata.get("table_header")
        if self.kind == ROWS and (not isinstance(header, list) or len(header) != len(payload)):
            return f"a row of {len(payload)} cells under the header {header}"
        return None

    def _frame(self, _: int, time_us: int, mat: Any) -> str | None:
        about = self.metadata
        if type(about.get("framerate")) is not float or about["framerate"] <= 0:
            return "the source did not provide a framerate"
        height, width = mat.shape[:2]
        if "size" in about:
            width, height = about["size"][1:]
        if mat.shape[:2] != (height, width):
            return f"frames of {mat.shape} in a stream of {width} x {height}"
        if min(width, height) < LEAST_PX or width % 2 or height % 2:
            return f"{width} x {height} is too small or odd for a video"
        if DEPTHS.get(mat.dtype) != about.get("depth", 0):
            return f"frames of {mat.dtype} in a stream of depth {about.get('depth')}"
        if about.get("has_color", mat.ndim == 3) != (mat.ndim == 3):
            return f"frames of {mat.shape} in a stream with has_color {about['has_color']}"
        return self._later(time_us)

    def _block(self, times: Any, data: Any) -> str | None:
        names = self.metadata.get("signal_names", [])
        if data.shape[1] != len(names):
            return f"the stream names {len(names)} channels and a block has {data.shape[1]}"
        if self.metadata.get("time_unit") not in ("milliseconds", "microseconds"):
            return f"the time unit is {self.metadata.get('time_unit')}"
        return next(filter(None, map(self._later, times.tolist())), None)

    def _later(self, time: int) -> str | None:
        last, self._last = self._last, time
        if time < 0:
            return f"the time {time} is written without its sign"
        return f"time {time} follows {last}" if last is not None and time <= last else None


def dataset_names(
    outputs: Mapping[str, tuple[str, int]], metadata: Mapping[str, Mapping[str, Any]], source: str
) -> Iterable[str]:
    """Name what writers on all outputs at once would make: after the proposal, else the source."""
    for port, (_, kind) in outputs.items():
        if kind not in (ROWS, FRAMES, SIGNALS):
            continue
        proposal = str(metadata.get(port, {}).get("data_name_proposal", ""))
        name = proposal.partition("/")[0] if "/" in proposal else source
        name = name.replace(" ", "-").replace(":", "_").lower()
        yield f"videos/{name}" if kind == FRAMES else name
