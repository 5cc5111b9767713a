"""Recordings as zarr: minisim's layout, and the same with times for what has no known truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from syntalos_miniscope.recording import RecordingError, disk_error, in_short
from syntalos_miniscope.recording.containment import MOST_FRAMES, ensure_believable
from syntalos_miniscope.recording.minisim_zarr import FRAME_AXIS
from syntalos_miniscope.recording.recorded import (
    Findings,
    Orientation,
    Recording,
    Times,
    believable_rate_hz,
    settle,
)
from syntalos_miniscope.recording.video import Image
from syntalos_miniscope.recording.zarr_arrays import (
    create_array,
    read_array,
    sound_array,
    store_array,
)
from syntalos_miniscope.streams import Frame

CHUNK_FRAMES = 16
"""Frames that are stored together, and so may be lost when the program is killed."""
COUNTS_BITS = "counts_bits"
"""Attribute of a movie that holds counts, whatever the type of its array: 8 or 16."""
TIMES = "frame_times"
"""Our group beside minisim's arrays: `index` and `time_us` of every frame of `observed`."""


@dataclass(frozen=True, slots=True, eq=False)
class ZarrFrames:
    """The frames of a zarr array (frame, height, width[, 3]).

    Counts are given as they are; a movie of floats is rounded to them, or, where it has no
    sensor, scaled so that its brightest value of the first frames is 255.
    """

    array: Any
    scale: float
    depth: int
    codec: str = "zarr"
    damage: list[str] = field(default_factory=list[str])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return int(self.array.shape[1]), int(self.array.shape[2])

    @property
    def has_color(self) -> bool:
        """Whether frames are (H, W, 3) in BGR order."""
        return self.array.ndim == 4

    @property
    def full_scale(self) -> int:
        """The brightest count that a stored pixel can have."""
        return 2**self.depth - 1

    def frames(self, first: int = 0) -> Iterator[tuple[int, Image]]:
        """Give the frames from the `first` on, each with its place."""
        kind = np.uint16 if self.depth == 16 else np.uint8
        for begin in range(first, self.array.shape[0], CHUNK_FRAMES):
            try:
                block = np.asarray(self.array[begin : begin + CHUNK_FRAMES])
                if block.dtype != kind:
                    top = np.iinfo(kind).max
                    block = np.clip(np.rint(block * self.scale), 0, top).astype(kind)
            except Exception as error:  # noqa: BLE001 - codecs raise errors of many kinds
                text = f"frames from {begin} on cannot be read: {in_short(error)}"
                if text not in self.damage:
                    self.damage.append(text)
                continue
            for at, mat in enumerate(block):
                yield begin + at, np.ascontiguousarray(mat)


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr group."""
    return (path / ".zgroup").is_file() or (path / "zarr.json").is_file()


def open_zarr(path: Path) -> Recording:
    """Open a zarr recording, ours or minisim's; RecordingError if it holds no movie."""
    try:
        return _open(path)
    except RecordingError:
        raise
    except Exception as error:
        raise RecordingError(f"{path} is not a sound zarr recording: {in_short(error)}") from error


def _open(path: Path) -> Recording:
    root = zarr.open_group(str(path), mode="r")
    observed: Any = root.get("observed")
    spec = _spec(path)
    if observed is None or observed.ndim not in (3, 4) or not observed.shape[0]:
        raise RecordingError(
            f"{path} holds no movie: there is no `observed` (frame, height, width)"
        )
    _ensure_believable(path, sound_array(observed))
    found = Findings()
    rate_hz = _rate_hz(spec)
    times: Any = root.get(TIMES)
    frames = observed.shape[0]
    if times is not None:
        index, time_us = read_array(times["index"]), read_array(times["time_us"])
        if len(index) != frames:
            found.broken(f"{len(index)} times for {frames} frames: the surplus is left out")
            index, time_us = index[:frames], time_us[:frames]
    else:
        index = np.arange(frames, dtype=np.int64)
        time_us = np.rint(index * (1e6 / (rate_hz or 20.0))).astype(np.int64)
    index, time_us = settle(index, time_us, found)
    turned: Any = root.get("orientation")
    orientation = turned and Orientation(
        read_array(turned["time_us"]), read_array(turned["quaternion"])
    )
    return Recording(
        path=path,
        layout="zarr",
        name=path.stem,
        source=_frames_of(observed, root.attrs.get(COUNTS_BITS), found),
        index=index,
        time_us=time_us,
        orientation=orientation or None,
        remarks=tuple(found.remarks),
        damage=tuple(found.damage),
        nominal_rate_hz=rate_hz,
    )


def _ensure_believable(path: Path, observed: Any) -> None:
    """Refuse a movie that says it is so large that reading a few frames would fill the memory."""
    frames, height, width = observed.shape[:3]
    if frames > MOST_FRAMES:
        raise RecordingError(f"{path} says that it holds {frames} frames, which is not believed")
    ensure_believable(CHUNK_FRAMES * height * width * 3 * 8, f"a few frames of {path}")


def _spec(path: Path) -> dict[str, Any]:
    file = path / "spec.json"
    spec: Any = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return spec if isinstance(spec, dict) else {}


def _rate_hz(spec: dict[str, Any]) -> float:
    acquisition = spec.get("acquisition")
    return believable_rate_hz(acquisition.get("fps") if isinstance(acquisition, dict) else None)


def _frames_of(observed: Any, counts_bits: object, found: Findings) -> ZarrFrames:
    if counts_bits in (8, 16):
        return ZarrFrames(observed, 1.0, 8 if counts_bits == 8 else 16)
    if observed.dtype in (np.uint8, np.uint16):
        return ZarrFrames(observed, 1.0, 8 * np.dtype(observed.dtype).itemsize)
    brightest = float(np.asarray(observed[:CHUNK_FRAMES]).max())
    if brightest > 2.0:
        return ZarrFrames(observed, 1.0, 8 if brightest <= 255 else 16)
    found.odd("the movie holds intensities, not counts; it is scaled for display")
    return ZarrFrames(observed, 255 / brightest if brightest > 0 else 1.0, 8)


class ZarrMovie:
    """Writes a movie of known length, and its times, into a zarr group, block by block.

    Goes on where an earlier one was stopped: `done` frames are there. The group may hold a truth
    already. RecordingError when the disk refuses.
    """

    def __init__(self, path: Path, frames: int, like: Image) -> None:
        self.path = path
        # minisim reads a movie of floats only; whole counts are exact in them, and pack well.
        self._kind = np.float32 if (path / "ground_truth").is_dir() else like.dtype
        try:
            self._root = zarr.open_group(str(path), mode="a", zarr_format=2)
            done: Any = self._root.attrs.get("frames_done", 0)
            self.done = int(done)
            if not self.done:
                self._create(frames, like)
        except OSError as error:
            raise disk_error(path, error) from error
        self._movie: Any = self._root["observed"]
        self._times: Any = self._root[TIMES]

    @property
    def last_index(self) -> int:
        """The index of the last frame that is there."""
        return int(self._times["index"][self.done - 1])

    def add(self, frames: list[Frame]) -> None:
        """Write a block of `CHUNK_FRAMES` frames, or the last, shorter one."""
        there = slice(self.done, self.done + len(frames))
        try:
            self._movie[there] = np.stack([frame.mat for frame in frames])
            self._times["index"][there] = [frame.index for frame in frames]
            self._times["time_us"][there] = [frame.time_us for frame in frames]
            self.done += len(frames)
            self._root.attrs["frames_done"] = self.done
        except OSError as error:
            raise disk_error(self.path, error) from error

    def finish(self, orientation: Orientation | None) -> None:
        """Write the orientation, and cut off what frames did not come."""
        try:
            for array in (self._movie, self._times["index"], self._times["time_us"]):
                array.resize((self.done, *array.shape[1:]))
            if orientation is not None:
                group = self._root.require_group("orientation")
                group.attrs["time_unit"] = "microseconds"
                for name in ("time_us", "quaternion"):
                    if name in group:
                        del group[name]
                    store_array(group, name, getattr(orientation, name))
            del self._root.attrs["frames_done"]
        except OSError as error:
            raise disk_error(self.path, error) from error

    def _create(self, frames: int, like: Image) -> None:
        for name in ("observed", TIMES):
            if name in self._root:
                del self._root[name]
        shape, chunk = (frames, *like.shape), (CHUNK_FRAMES, *like.shape)
        create_array(self._root, "observed", shape, self._kind, chunk)
        self._root.attrs[COUNTS_BITS] = 8 * like.dtype.itemsize
        times = self._root.create_group(TIMES)
        for name in ("index", "time_us"):
            create_array(times, name, (frames,), np.int64, (65536,))


def copy_truth(truth: Path, out: Path, index: Times) -> None:
    """Copy a truth into a folder, with the entries of the frames of an index and no others.

    RecordingError if it has none for some frame, or the disk refuses.
    """
    try:
        shutil.rmtree(out / "ground_truth", ignore_errors=True)
        shutil.copytree(truth / "ground_truth", out / "ground_truth")
        _choose_entries(out / "ground_truth", index, truth)
        # The folder is a group only when all of it is there, so a copy that was cut begins again.
        for name in ("spec.json", ".zattrs", ".zgroup"):
            shutil.copyfile(truth / name, out / name)
    except OSError as error:
        raise disk_error(out, error) from error


def _choose_entries(folder: Path, index: Times, truth: Path) -> None:
    group: Any = zarr.open_group(str(folder), mode="a", zarr_format=2)
    extras = group.get("extras")
    if extras is not None and "frame_index" in extras:
        known = read_array(extras["frame_index"]).astype(np.int64)
    else:
        known = np.arange(group["C"].shape[1])
    place = np.minimum(np.searchsorted(known, index), len(known) - 1)
    unknown = int(np.count_nonzero(known[place] != index))
    if unknown:
        raise RecordingError(f"{truth} knows nothing of {unknown} of {len(index)} frames")
    if len(place) == len(known):
        return
    along = [(group, name, axis) for name, axis in FRAME_AXIS.items() if name in group]
    if extras is not None:
        along += [(extras, name, 0) for name in list(extras.array_keys())]
    for where, name, axis in along:
        chosen = np.take(read_array(where[name]), place, axis)
        del where[name]
        store_array(where, name, chosen)
