"""A movie of floats on disk, and the video that people and other programs look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import disk_error
from syntalos_miniscope.recording.partial import partial_of
from syntalos_miniscope.recording.video import VideoWriter

Image = NDArray[np.float32]


class MovieWriter:
    """Writes frames (H, W) of a `kind` to an `.npy` file, which is there only once it is whole.

    RecordingError when the disk refuses. An array mapped into memory would be killed by a full
    disk, so it is written as a plain file.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], kind: str = "<f4") -> None:
        self.path = path
        self._kind = kind
        self._partial = partial_of(path)
        self._left = shape[0]
        try:
            self._file = self._partial.open("wb")
            header = {"descr": kind, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._file, header)
        except OSError as error:
            raise disk_error(path, error) from error

    def add(self, frame: NDArray[Any]) -> None:
        """Write the next frame."""
        try:
            self._file.write(np.ascontiguousarray(frame, self._kind).data)
        except OSError as error:
            raise disk_error(self.path, error) from error
        self._left -= 1

    def __enter__(self) -> MovieWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise disk_error(self.path, error) from error
        if kind is None and not self._left:
            self._partial.replace(self.path)
        else:
            self._partial.unlink(missing_ok=True)


def open_movie(path: Path) -> NDArray[np.float32]:
    """Give the movie (frame, H, W) as an array that is read from disk as it is needed."""
    return np.load(path, mmap_mode="r")


@dataclass(frozen=True, slots=True)
class PixelScale:
    """What a pixel of a written video stands for: `offset + step * pixel`."""

    offset: float
    step: float
    depth: int
    """Bits of a pixel, 8 or 16."""
    unit: str

    def pixels(self, frame: Image) -> NDArray[Any]:
        """Give a frame as pixels, rounded, and clipped to what they can hold."""
        scaled = np.rint((frame - np.float32(self.offset)) / np.float32(self.step))
        most = 2**self.depth - 1
        return np.clip(scaled, 0, most).astype(np.uint8 if self.depth == 8 else np.uint16)


class PreprocessedWriter:
    """Writes FFV1 in an AVI, with the scale of its pixels in a `.json` beside it.

    It has `.partial` in its name until it is whole.
    """

    def __init__(self, path: Path, frame_rate_hz: float, scale: PixelScale) -> None:
        self.path = path
        self._rate = frame_rate_hz
        self._scale = scale
        self._partial = partial_of(path)
        self._partial.unlink(missing_ok=True)
        self._video: VideoWriter | None = None

    def add(self, frame: Image) -> None:
        """Write the next frame."""
        pixels = self._scale.pixels(frame)
        if self._video is None:
            self._video = VideoWriter(self._partial, self._rate, pixels)
        self._video.add(pixels, 0)

    def __enter__(self) -> PreprocessedWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._video is not None:
            self._video.close()
        if kind is not None:
            self._partial.unlink(missing_ok=True)
            return
        scale = self._scale
        told = {"value": "offset + step * pixel", "offset": scale.offset, "step": scale.step,
                "depth": scale.depth, "unit": scale.unit}  # fmt: skip
        self.path.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        self._partial.replace(self.path)
