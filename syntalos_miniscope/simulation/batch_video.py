"""A rendered movie as an 8-bit grey video with its Spec beside it."""

from __future__ import annotations

import shutil
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.partial import partial_of
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.simulation.renderer import Picture
from syntalos_miniscope.simulation.spec import Spec

Codec = Literal["Y800", "FFV1"]
"""Bare pixels, which any program reads, or lossless compression to about half."""


def white_point(spec: Spec, until: str | None, vmax: float | None) -> float:
    """Give the value that is shown white; ValueError if it is neither given nor natural."""
    if vmax is not None:
        return vmax
    if "sensor" not in spec.kinds_until(until):
        raise ValueError("without a sensor intensity has no natural white: give vmax")
    return float(spec.acquisition.image_sensor.max_count)


def free_disk_bytes(path: Path) -> float:
    """Give the room where a file would come to lie."""
    folder = path.resolve().parent
    return float(shutil.disk_usage(folder).free) if folder.is_dir() else inf


class VideoSink:
    """Writes frames as grey bytes; the video gets its name, and its Spec a file, when it is closed.

    `levels` are the values that become 0 and 255. After a KeyboardInterrupt what was written is
    kept, after any other error nothing. A video that has its Spec beside it is replaced; any other
    is left alone, with a RecordingError.
    """

    def __init__(
        self,
        path: Path,
        spec: Spec,
        fps: float | None,
        levels: tuple[float, float],
        codec: Codec,
    ) -> None:
        if path.suffix.lower() not in (".avi", ".mkv"):
            raise ValueError(f"{path} must end in .avi or .mkv")
        if not levels[0] < levels[1] < inf:
            raise ValueError(
                f"white (vmax, {levels[1]:g}) must be a number above black (vmin, {levels[0]:g})"
            )
        self._beside = path.with_name(f"{path.stem}.spec.json")
        if path.exists() and not self._beside.exists():
            raise RecordingError(
                f"{path} is there and is no synthetic recording; give another name"
            )
        self._path, self._spec, self._levels = path, spec, levels
        self._rate_hz = fps or spec.acquisition.fps
        self._raw = codec == "Y800" and path.suffix.lower() == ".avi"
        self._unfinished = partial_of(path)
        self._writer: VideoWriter | None = None

    def __enter__(self) -> VideoSink:
        """Begin; the file appears with the first frame."""
        return self

    def add(self, picture: Picture | NDArray[np.float64]) -> None:
        """Write one frame."""
        grey = self._grey(picture)
        if self._writer is None:
            self._unfinished.unlink(missing_ok=True)
            self._writer = VideoWriter(self._unfinished, self._rate_hz, grey, raw=self._raw)
        self._writer.add(grey, round(self._writer.frames * 1e6 / self._rate_hz))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish, or clean up."""
        if self._writer is None:
            if kind is None:
                raise ValueError(f"there is no frame to write to {self._path}")
            return
        self._writer.close()
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            self._unfinished.unlink(missing_ok=True)
            return
        try:
            self._beside.write_text(self._spec.json_text(indent=2))
            self._unfinished.replace(self._path)
        except OSError as refused:
            raise disk_error(self._path, refused) from refused

    def _grey(self, picture: Picture | NDArray[np.float64]) -> NDArray[np.uint8]:
        black, white = self._levels
        if picture.dtype == np.uint8 and (black, white) == (0.0, 255.0):
            return np.asarray(picture, np.uint8)
        grey = picture.astype(np.float32)
        grey -= np.float32(black)
        grey *= np.float32(255 / (white - black))
        grey += np.float32(0.5)
        return np.clip(grey, 0, 255, out=grey).astype(np.uint8)
