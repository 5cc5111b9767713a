"""Reads the folder of the official Miniscope DAQ software: numbered AVIs, times, orientation."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.containment import inside
from syntalos_miniscope.recording.recorded import (
    Findings,
    Orientation,
    Recording,
    Times,
    VideoParts,
    settle,
)
from syntalos_miniscope.recording.tables import Table, read_table
from syntalos_miniscope.recording.tsync import read_tsync

TIMES = "timeStamps.csv"
ORIENTATION = "headOrientation.csv"
METADATA = "metaData.json"
USER_CONFIG = "userConfig.json"
SIDECAR = "frames.tsync"
"""Our addition, which the readers of the format pass over: index and time in µs of every frame."""


def is_daq(path: Path) -> bool:
    """Whether a folder is one of a device, or of a session that holds some."""
    return bool(devices_in(path))


def devices_in(path: Path) -> list[Path]:
    """Give the device folders, cameras too, of a root, a session, or the only one of itself."""
    if (path / TIMES).is_file():
        return [path]
    # A root is told by its configuration; between lie folders for researcher, animal and so on.
    found = path.rglob(TIMES) if (path / USER_CONFIG).is_file() else path.glob(f"*/{TIMES}")
    return sorted(file.parent for file in found)


def open_daq(path: Path) -> Recording:
    """Open a device folder, or the only Miniscope of a session or of a root."""
    if (path / TIMES).is_file():
        return _open_device(path)
    devices = devices_in(path)
    scopes = [device for device in devices if _is_miniscope(device)]
    if len(scopes) == 1:
        return _open_device(scopes[0])
    names = ", ".join(str(folder) for folder in scopes or devices)
    raise RecordingError(f"{path} holds {len(scopes)} Miniscopes; give one of them: {names}")


def _is_miniscope(device: Path) -> bool:
    session = inside(device.parent, METADATA, device)
    named = _json(session).get("miniscopes") if session.is_file() else None
    if isinstance(named, list):
        return device.name in named
    own = _json(device / METADATA) if (device / METADATA).is_file() else {}
    return "miniscope" in str(own.get("deviceType", "miniscope")).lower()


def _open_device(path: Path) -> Recording:
    found = Findings()
    parts = VideoParts(_chunks(path), found)
    table = read_table(path / TIMES)
    found.broken(*table.damage)
    frames = sum(parts.counts)
    index, time_us = _frame_times(path, table, frames, found)
    zero_us = min(int(time_us[0]), 0)
    index, time_us = settle(index, time_us, found)
    orientation = None
    if (path / ORIENTATION).is_file():
        rows = read_table(path / ORIENTATION)
        found.broken(*rows.damage)
        if turned := rows.orientation():
            orientation = Orientation(turned.time_us - zero_us, turned.quaternion)
    above = inside(path.parent, METADATA, path)
    session = _json(above) if above.is_file() else {}
    device = _json(path / METADATA) if (path / METADATA).is_file() else {}
    rate = re.match(r"\d{1,6}(\.\d{1,9})?", str(device.get("frameRate", "")))
    return Recording(
        path=path,
        layout="daq",
        name=path.name,
        source=parts,
        index=index,
        time_us=time_us,
        orientation=orientation,
        remarks=tuple(found.remarks),
        damage=tuple(found.damage),
        started=_started(session),
        device={**{k: v for k, v in session.items() if isinstance(v, str)}, **device},
        marks=tuple((time - zero_us, text) for time, text in _marks(path)),
        nominal_rate_hz=float(rate[0]) if rate else 0.0,
    )


def _chunks(path: Path) -> list[Path]:
    chunks = {int(file.stem): file for file in path.glob("*.avi") if file.stem.isdecimal()}
    for number in range(max(chunks, default=-1) + 1):
        if number not in chunks:
            raise RecordingError(
                f"{path} lacks {number}.avi: its videos count from 0 without a gap"
            )
    if not chunks:
        raise RecordingError(f"{path} holds no video: 0.avi is absent")
    return [chunks[number] for number in sorted(chunks)]


def _frame_times(path: Path, table: Table, frames: int, found: Findings) -> tuple[Times, Times]:
    if "Time Stamp (ms)" not in table.header:
        raise RecordingError(f"{table.path} has no column 'Time Stamp (ms)'")
    times_ms = table.column("Time Stamp (ms)")
    if not np.isfinite(times_ms).all() or np.abs(times_ms).max(initial=0) > 1e13:
        raise RecordingError(f"{table.path} holds a time that is not a number of milliseconds")
    rows = len(times_ms)
    if rows > frames:
        found.broken(f"{rows} times for {frames} frames: the last {rows - frames} are left out")
    elif frames - rows > 1:
        raise RecordingError(f"{table.path} has {rows} times for {frames} frames")
    elif frames > rows:
        found.broken("the last frame has no time and is left out")
    count = min(rows, frames)
    if not count:
        raise RecordingError(f"{path} holds no frames")
    time_us = np.rint(times_ms[:count] * 1000).astype(np.int64)
    if (path / SIDECAR).is_file():
        sidecar = read_tsync(path / SIDECAR)
        if len(sidecar.entries) >= count:
            return sidecar.entries[:count, 0].copy(), sidecar.times_us()[:count]
        found.broken(f"{SIDECAR} has fewer times than there are frames and is not used")
    return _index(table, count, found), time_us


def _index(table: Table, count: int, found: Findings) -> Times:
    """Give the index of every frame: its row, plus the frames that the DAQ box counted as lost.

    The box is asked for its 16 bit counter after the frame, so single values may be one off, and a
    read that failed is -1: what three neighbours agree on counts. A counter that begins anew says
    nothing about losses.
    """
    order = np.arange(count, dtype=np.int64)
    if "DAQ Frame Number" not in table.header:
        return order
    counter = table.column("DAQ Frame Number")[:count]
    failed = ~(np.isfinite(counter) & (counter >= 0) & (counter < 2**40))
    if failed.all():
        found.odd("the box counted no frames, so what was lost is not known")
        return order
    # A failed read takes the lead over the rows that the last good one had.
    good = np.maximum.accumulate(np.where(failed, -1, order))
    good[good < 0] = np.flatnonzero(~failed)[0]
    steps = np.diff(counter[good].astype(np.int64), prepend=int(counter[good[0]]))
    steps = (steps + 0x8000) % 0x10000 - 0x8000
    if np.any(steps < -1):
        found.odd("the frame counter of the box began anew, so what was lost is not known")
        return order
    lost = np.cumsum(steps) - good
    edged = np.pad(lost, 1, mode="edge")
    calm = np.median(np.stack([edged[:-2], edged[1:-1], edged[2:]]), axis=0).astype(np.int64)
    calm = np.maximum.accumulate(calm)
    wavered = int(np.count_nonzero((calm != lost) | failed))
    if wavered:
        found.odd(f"the frame counter of the box wavered at {wavered} of {count} frames")
    return order + calm - calm[0]


def _started(session: dict[str, Any]) -> datetime | None:
    start = session.get("recordingStartTime")
    if not isinstance(start, dict):
        return None
    start = cast("dict[str, Any]", start)
    try:
        names = ("year", "month", "day", "hour", "minute", "second")
        year, month, day, hour, minute, second = (int(start[name]) for name in names)
        microsecond = int(start.get("msec", 0)) * 1000
        return datetime(year, month, day, hour, minute, second, microsecond).astimezone()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _marks(path: Path) -> tuple[tuple[int, str], ...]:
    """Read the notes of the session or, where they are copied, of the device."""
    for file in (path / "notes.csv", inside(path.parent, "notes.csv", path)):
        if file.is_file():
            lines = file.read_text("utf-8", errors="replace").splitlines()[1:]
            # A note may hold commas without quotes, so only the first one separates.
            pairs = [line.partition(",") for line in lines]
            return tuple(
                (round(float(time) * 1000), text.strip())
                for time, _, text in pairs
                if re.fullmatch(r"\s*-?\d{1,12}(\.\d+)?\s*", time)
            )
    return ()


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path} is not sound JSON: {error}") from error
    if not isinstance(value, dict):
        raise RecordingError(f"{path} is not a JSON object")
    return cast("dict[str, Any]", value)
