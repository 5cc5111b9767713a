"""Reads an experiment directory (EDL), of Syntalos or ours: what is in it, and a video of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.recorded import (
    Orientation,
    Recording,
    Times,
    VideoParts,
    settle,
)
from syntalos_miniscope.recording.tables import read_table
from syntalos_miniscope.recording.tsync import Mode, Unit, read_tsync

_VIDEO_ENDINGS = (".mkv", ".avi", ".mp4", ".mov", ".webm")


@dataclass(frozen=True, slots=True)
class EdlUnit:
    """A folder with a manifest: a collection, a group or a dataset."""

    path: Path
    manifest: Mapping[str, Any]
    attributes: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What it is: collection, group or dataset."""
        return str(self.manifest.get("type", ""))

    def data(self) -> list[Path]:
        """Give the files of the data proper, in order; they need not exist."""
        return self._files(self.manifest.get("data"))

    def aux(self) -> list[Path]:
        """Give the files that go with the data, in order."""
        blocks = self.manifest.get("data_aux", [])
        return [
            path
            for block in (blocks if isinstance(blocks, list) else [blocks])
            for path in self._files(block)
        ]

    def is_video(self) -> bool:
        """Whether the data is a video."""
        return any(path.suffix.lower() in _VIDEO_ENDINGS for path in self.data())

    def tables(self) -> list[Path]:
        """Give the tables among data and aux that exist."""
        files = [*self.data(), *self.aux()]
        return [path for path in files if path.suffix.lower() == ".csv" and path.is_file()]

    def units(self) -> Iterator[EdlUnit]:
        """Give this unit and all below it, sorted by name."""
        yield self
        if self.kind != "dataset":
            for folder in sorted(self.path.iterdir()):
                if (folder / "manifest.toml").is_file():
                    yield from open_unit(folder).units()

    def _files(self, block: object) -> list[Path]:
        parts = cast("Mapping[str, Any]", block).get("parts", []) if isinstance(block, dict) else []
        if not isinstance(parts, list) or not all(
            isinstance(part, dict)
            and isinstance(part.get("fname"), str)
            and isinstance(part.get("index", -1), int)
            for part in parts
        ):
            raise RecordingError(
                f"{self.path / 'manifest.toml'}: a part of data is not a file name"
            )
        # A part without an index comes first, as edlio sorts them.
        ordered = sorted(parts, key=lambda part: part.get("index", -1))
        return [self.path / Path(part["fname"]).name for part in ordered]


def open_unit(path: Path) -> EdlUnit:
    """Read the manifest and the attributes of a folder; RecordingError if they are not sound."""
    manifest = _toml(path / "manifest.toml")
    if str(manifest.get("format_version")) != "1":
        raise RecordingError(
            f"{path / 'manifest.toml'} has format version {manifest.get('format_version')!r}; "
            f"1 is what can be read"
        )
    attributes = path / "attributes.toml"
    return EdlUnit(path, manifest, _toml(attributes) if attributes.is_file() else {})


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise RecordingError(f"{path} is not sound TOML: {error}") from error


def open_edl(path: Path) -> Recording:
    """Open the video below an EDL folder, with its times and the orientation that goes with it.

    RecordingError if there is no video or more than one, naming them.
    """
    videos = [unit for unit in open_unit(path).units() if unit.is_video()]
    if not videos:
        raise RecordingError(f"{path} holds no video: it has no dataset of video files")
    if len(videos) > 1:
        names = ", ".join(str(unit.path) for unit in videos)
        raise RecordingError(f"{path} holds {len(videos)} videos; give one of {names}")
    return _open_video(videos[0])


def _open_video(unit: EdlUnit) -> Recording:
    for file in (*unit.data(), *unit.aux()):
        if not file.is_file():
            raise RecordingError(
                f"{unit.path / 'manifest.toml'} names {file.name}, which is absent"
            )
    remarks: list[str] = []
    parts = VideoParts(unit.data())
    remarks += parts.damage
    index, time_us = _frame_times(unit, parts, remarks)
    index, time_us = settle(index, time_us, remarks)
    root = _root(unit)
    orientation = _orientation(unit, root, time_us, remarks)
    created = root.manifest.get("time_created")
    return Recording(
        path=unit.path,
        layout="edl",
        name=unit.path.name,
        source=parts,
        index=index,
        time_us=time_us,
        orientation=orientation,
        remarks=tuple(remarks),
        started=created if isinstance(created, datetime) else None,
        device=dict(unit.attributes),
        segments=_segments(unit),
        nominal_rate_hz=_nominal_rate_hz(unit, parts),
    )


def _nominal_rate_hz(unit: EdlUnit, parts: VideoParts) -> float:
    video = unit.attributes.get("video")
    rate = video.get("framerate") if isinstance(video, dict) else None
    return float(rate) if isinstance(rate, int | float) else parts.readers[0].nominal_rate_hz


def _segments(unit: EdlUnit) -> frozenset[int]:
    begins = unit.attributes.get("segments_begin_at")
    return (
        frozenset(n for n in begins if isinstance(n, int))
        if isinstance(begins, list)
        else frozenset()
    )


def _root(unit: EdlUnit) -> EdlUnit:
    root = unit
    while (root.path.parent / "manifest.toml").is_file():
        root = open_unit(root.path.parent)
    return root


def _frame_times(unit: EdlUnit, parts: VideoParts, remarks: list[str]) -> tuple[Times, Times]:
    files = [path for path in unit.aux() if path.suffix.lower() == ".tsync"]
    stored = np.concatenate(parts.part_times_us)
    frames = len(stored)
    if not frames:
        raise RecordingError(f"{unit.path} holds no frames: its video is empty")
    if not files:
        remarks.append("there is no time file; times are the video's own")
        return np.arange(frames, dtype=np.int64), stored
    entries: list[Times] = []
    for path in files:
        file = read_tsync(path)
        if file.mode is not Mode.CONTINUOUS or file.columns[0].unit is not Unit.INDEX:
            raise RecordingError(f"{path} does not hold the times of frames, but points of clocks")
        remarks += [f"{path.name}: {text}" for text in file.damage]
        entries.append(np.stack([file.entries[:, 0], file.times_us()], axis=1))
    rows = np.concatenate(entries)
    if len(rows) > frames:
        remarks.append(
            f"{len(rows)} times for {frames} frames: the last {len(rows) - frames} times have no "
            f"frame in the video and are left out"
        )
    elif len(rows) < frames:
        rows = _with_stored_times(rows, stored, files[-1], remarks)
    return rows[:frames, 0].copy(), rows[:frames, 1].copy()


def _with_stored_times(rows: Times, stored: Times, time_file: Path, remarks: list[str]) -> Times:
    """Add the video's own times of the frames that the time file lacks, if both agree so far."""
    missing = len(stored) - len(rows)
    agree = len(rows) and np.abs(rows[:, 1] - stored[: len(rows)]).max() <= 1000
    if not agree:
        raise RecordingError(
            f"{time_file} has {len(rows)} times for {len(stored)} frames: it belongs to another "
            f"video or was cut; the video file itself can be played, with its own times"
        )
    remarks.append(
        f"the time file lacks the last {missing} of {len(stored)} frames; their times are the "
        f"video's own, to the millisecond"
    )
    more = np.stack([rows[-1, 0] + 1 + np.arange(missing), stored[len(rows) :]], axis=1)
    return np.concatenate([rows, more])


def _orientation(
    unit: EdlUnit, root: EdlUnit, time_us: Times, remarks: list[str]
) -> Orientation | None:
    """Find the quaternions: beside the video, else the only table of them in the tree."""
    beside = unit.tables()
    others = [path for other in root.units() if not other.is_video() for path in other.tables()]
    for tables in (beside, others):
        found = [(path, table) for path in tables if (table := read_table(path)).orientation()]
        if len(found) > 1:
            names = ", ".join(str(path.relative_to(root.path)) for path, _ in found)
            remarks.append(
                f"orientation is left out: it is not clear which of {names} belongs here"
            )
            return None
        for _, table in found:
            remarks += table.damage
            orientation = table.orientation()
            assert orientation is not None
            return _in_true_units(orientation, time_us, remarks)
    return None


def _in_true_units(orientation: Orientation, time_us: Times, remarks: list[str]) -> Orientation:
    """Undo a habit of Syntalos's own scope module: microseconds under the header "Time [ms]"."""
    times = orientation.time_us
    if len(times) < 2 or times[-1] < 100 * max(int(time_us[-1]), 1):
        return orientation
    remarks.append("the orientation table says milliseconds and holds microseconds; read as such")
    return Orientation(times // 1000, orientation.quaternion)
