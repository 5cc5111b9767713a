"""Opens a video of an experiment directory, with its times, orientation and notes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from math import isfinite
from pathlib import Path

import numpy as np

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.containment import refuse_links_out
from syntalos_miniscope.recording.controls import CONTROLS_HEADER
from syntalos_miniscope.recording.daq import is_daq, open_daq
from syntalos_miniscope.recording.edl_tree import EdlUnit, open_unit, root_of
from syntalos_miniscope.recording.recorded import (
    Findings,
    Orientation,
    Recording,
    Times,
    VideoParts,
    believable_rate_hz,
    settle,
)
from syntalos_miniscope.recording.tables import read_header, read_table
from syntalos_miniscope.recording.tsync import Mode, Unit, read_tsync
from syntalos_miniscope.scope import QUATERNION_NAMES


def open_edl(path: Path) -> Recording:
    """Open the video below an EDL folder, with its times and the orientation that goes with it.

    RecordingError if there is no video or more than one, naming them.
    """
    videos = [unit for unit in open_unit(path).units() if unit.is_video()]
    if not videos:
        raise RecordingError(f"{path} holds no video: it has no dataset of video files")
    if len(videos) > 1:
        names = ", ".join(str(unit.path) for unit in videos)
        raise RecordingError(f"{path} holds {len(videos)} videos; give one of them: {names}")
    # A recorder can write the layout of the DAQ software into a run; that says more than EDL.
    video = videos[0]
    return open_daq(video.path) if is_daq(video.path) else _open_video(video)


def _open_video(unit: EdlUnit) -> Recording:
    found = Findings()
    parts = VideoParts(unit.data(), found)
    index, time_us = _frame_times(unit, parts, found)
    index, time_us = settle(index, time_us, found)
    root = root_of(unit)
    refuse_links_out(root.path)
    orientation = _orientation(unit, root, time_us, found)
    started = unit.attributes.get("started", root.manifest.get("time_created"))
    return Recording(
        path=unit.path,
        layout="edl",
        name=unit.path.name,
        source=parts,
        index=index,
        time_us=time_us,
        orientation=orientation,
        remarks=tuple(found.remarks),
        damage=tuple(found.damage),
        started=started if isinstance(started, datetime) else None,
        device={
            "subject_id": root.attributes.get("subject_id", ""),
            "experimentName": root.path.name,
            **unit.attributes,
        },
        segments=_segments(unit),
        marks=marks_of(root, found),
        controls=_controls(root),
        nominal_rate_hz=_nominal_rate_hz(unit, parts),
    )


def _nominal_rate_hz(unit: EdlUnit, parts: VideoParts) -> float:
    video = unit.attributes.get("video")
    rate = video.get("framerate") if isinstance(video, dict) else None
    return believable_rate_hz(rate) or parts.readers[0].nominal_rate_hz


def _segments(unit: EdlUnit) -> frozenset[int]:
    begins = unit.attributes.get("segments_begin_at")
    return (
        frozenset(n for n in begins if isinstance(n, int))
        if isinstance(begins, list)
        else frozenset()
    )


def _frame_times(unit: EdlUnit, parts: VideoParts, found: Findings) -> tuple[Times, Times]:
    """Give index and time of every frame, of each part of the video from its own time file."""
    files = [path for path in unit.aux() if path.suffix.lower() == ".tsync"]
    if not sum(parts.counts):
        raise RecordingError(f"{unit.path} holds no frames: its video is empty")
    if not files:
        found.odd("there is no time file; times are the video's own")
        return np.arange(sum(parts.counts), dtype=np.int64), np.concatenate(parts.part_times_us)
    rows: list[Times] = []
    stored = parts.part_times_us
    if len(files) < len(stored):
        # One time file may go with all parts of a video.
        return _columns(_aligned(files, np.concatenate(stored), -1, found))
    for path, part_us in zip(files, stored, strict=False):
        last_index = int(rows[-1][-1, 0]) if rows and len(rows[-1]) else -1
        rows.append(_aligned([path], part_us, last_index, found))
    return _columns(np.concatenate(rows))


def _columns(rows: Times) -> tuple[Times, Times]:
    index, time_us = rows.T.copy()
    return index, time_us


def _aligned(paths: list[Path], stored: Times, last_index: int, found: Findings) -> Times:
    """Read time files and give one row (index, µs) for each stored frame.

    Rows that they lack are filled with the video's own times, if both agree as far as they go.
    """
    entries: list[Times] = []
    for path in paths:
        file = read_tsync(path)
        if file.mode is not Mode.CONTINUOUS or file.columns[0].unit is not Unit.INDEX:
            raise RecordingError(f"{path} does not hold the times of frames, but points of clocks")
        found.broken(*(f"{path.name}: {text}" for text in file.damage))
        entries.append(np.stack([file.entries[:, 0], file.times_us()], axis=1))
    rows = np.concatenate(entries)
    frames, missing = len(stored), len(stored) - len(rows)
    if missing < 0:
        found.broken(
            f"{len(rows)} times for {frames} frames: the last {-missing} times have no frame in "
            f"the video and are left out"
        )
    if missing <= 0:
        return rows[:frames]
    # A recorder that is killed may have stored a frame and not yet its time.
    apart_us = np.abs(rows[:, 1] - stored[: len(rows)]).max(initial=0)
    if apart_us > 1000 or (missing > 1 and not len(rows)):
        raise RecordingError(
            f"{paths[-1]} has {len(rows)} times for {frames} frames: it belongs to another video "
            f"or was cut; the video file itself can be played, with its own times"
        )
    found.broken(
        f"the time file lacks the last {missing} of {frames} frames; their times are the video's "
        f"own, to the millisecond"
    )
    first = int(rows[-1, 0]) + 1 if len(rows) else last_index + 1
    more = np.stack([first + np.arange(missing), stored[len(rows) :]], axis=1)
    return np.concatenate([rows, more])


def _orientation(
    unit: EdlUnit, root: EdlUnit, time_us: Times, found: Findings
) -> Orientation | None:
    """Find the quaternions: beside the video, else the only ones in the tree."""
    beside = unit.tables()
    others = [path for other in root.units() if not other.is_video() for path in other.tables()]
    for paths in (beside, others):
        tables: dict[Path, Orientation] = {}
        for path in paths:
            if set(_header(path)).issuperset(QUATERNION_NAMES):
                table = read_table(path)
                found.broken(*table.damage)
                orientation = table.orientation()
                if orientation is not None and len(orientation.time_us):
                    tables[path] = orientation
        if not tables:
            continue
        first, *more = tables.values()
        if any(not _alike(first, other) for other in more):
            names = ", ".join(str(path.relative_to(root.path)) for path in tables)
            found.odd(f"orientation is left out: it is not clear which belongs here, {names}")
            return None
        finest = max(tables.values(), key=lambda each: np.count_nonzero(each.time_us % 1000))
        ours = str(root.manifest.get("generator", "")).startswith("syntalos-miniscope")
        return finest if ours else _in_true_units(finest, time_us, found)
    return None


def _alike(first: Orientation, other: Orientation) -> bool:
    """Whether two tables hold the same samples, one of them perhaps in whole milliseconds."""
    same = first.time_us.shape == other.time_us.shape
    return same and int(np.abs(first.time_us - other.time_us).max()) <= 1000


def _in_true_units(orientation: Orientation, time_us: Times, found: Findings) -> Orientation:
    """Undo a habit of Syntalos's own scope module: microseconds under the header "Time [ms]"."""
    times = orientation.time_us
    if len(times) < 2 or times[-1] < 100 * max(int(time_us[-1]), 1):
        return orientation
    found.odd("the orientation table says milliseconds and holds microseconds; read as such")
    return Orientation(times // 1000, orientation.quaternion)


def marks_of(root: EdlUnit, found: Findings) -> tuple[tuple[int, str], ...]:
    """Read the notes of the run: a table of them, or what the report of the run holds."""
    for path in _tables_with(root, {"Note"}):
        table = read_table(path)
        times = table.time_us()
        if times is not None:
            at = table.header.index("Note")
            pairs = zip(times.tolist(), table.rows, strict=True)
            return tuple((round(time), row[at]) for time, row in pairs if isfinite(time))
    report = root.path / "report.json"
    if not report.is_file():
        return ()
    try:
        marks = json.loads(report.read_text("utf-8")).get("marks", [])
        matches = [re.fullmatch(r"(\d+\.\d+) ms: (.*)", mark, re.DOTALL) for mark in marks]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        found.broken(f"report.json is not sound: {error}")
        return ()
    return tuple((round(float(match[1]) * 1000), match[2]) for match in matches if match)


def _controls(root: EdlUnit) -> tuple[tuple[int, str, str, str], ...]:
    """Read what was turned during the run; of several scopes with the name of each."""
    paths = list(_tables_with(root, set(CONTROLS_HEADER)))
    changes = [
        (
            int(row[0]) * 1000,
            f"{path.parent.name}/{row[1]}" if paths[1:] else row[1],
            row[2],
            row[3],
        )
        for path in paths
        for row in read_table(path).rows
        if len(row) == 4 and re.fullmatch(r"-?\d{1,12}", row[0])
    ]
    return tuple(sorted(changes, key=lambda change: change[0]))


def _tables_with(root: EdlUnit, columns: set[str]) -> Iterator[Path]:
    for unit in root.units():
        for path in unit.tables():
            if set(_header(path)) >= columns:
                yield path


def _header(path: Path) -> tuple[str, ...]:
    try:
        return read_header(path)
    except RecordingError:
        # A table that is empty or no text is of no use here, and of no concern to the video.
        return ()
