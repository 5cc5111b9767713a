"""Orientation as a table that opens in a spreadsheet and in pandas with no options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.recorded import Recording
from syntalos_miniscope.recording.tables import TableWriter
from syntalos_miniscope.scope import ORIENTATION_HEADER, QUATERNION_TOLERANCE

EULER_HEADER = ("Roll [deg]", "Pitch [deg]", "Yaw [deg]")


@dataclass(frozen=True, slots=True)
class TableColumns:
    """What an orientation table holds beside time and quaternion."""

    euler: bool = False
    """Roll, pitch and yaw in degrees."""
    join_frames: bool = False
    """The index of the frame that each sample belongs to."""
    validity: bool = False
    """1 or 0, and a row without numbers for every frame that has no sample."""

    def header(self) -> tuple[str, ...]:
        """Give the names of the columns."""
        return (
            *ORIENTATION_HEADER,
            *(EULER_HEADER if self.euler else ()),
            *(("Frame",) if self.join_frames else ()),
            *(("Valid",) if self.validity else ()),
        )


def euler_deg(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give roll, pitch and yaw (n, 3) in degrees of quaternions (n, 4) as (w, x, y, z).

    The rotations about x, y and z, as PoMiDAQ and the official DAQ software show them; a
    quaternion is taken as it is, without being brought to length 1.
    """
    w, x, y, z = quaternion.T
    roll = np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = np.arcsin(np.clip(2 * (w * y - z * x), -1, 1))
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return np.degrees(np.stack([roll, pitch, yaw], axis=1))


def is_valid(quaternion: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say of each quaternion (n, 4) whether the sensor can have meant it."""
    return np.abs(np.linalg.norm(quaternion, axis=1) - 1) < QUATERNION_TOLERANCE


def frame_of_samples(recording: Recording) -> NDArray[np.int64]:
    """Give the place of the frame of each orientation sample, -1 for a sample without one.

    It is the nearest frame within half a period; a table in whole milliseconds may be up to one
    of them off.
    """
    assert recording.orientation is not None
    samples, frames = recording.orientation.time_us, recording.time_us
    right = np.clip(np.searchsorted(frames, samples), 1, len(frames) - 1)
    if len(frames) == 1:
        right = np.zeros(len(samples), np.int64)
    left = np.maximum(right - 1, 0)
    nearest = np.where(samples - frames[left] < frames[right] - samples, left, right)
    reach_us = max(0.5e6 / recording.frame_rate_hz, 1000)
    return np.where(np.abs(frames[nearest] - samples) <= reach_us, nearest, -1)


def write_orientation(
    recording: Recording, path: Path, columns: TableColumns | None = None, separator: str = ","
) -> int:
    """Write the orientation of a recording as CSV and give the number of rows.

    Times are milliseconds with three decimals, quaternions have six. RecordingError if the
    recording holds no orientation.
    """
    columns = columns or TableColumns()
    orientation = recording.orientation
    if orientation is None:
        raise RecordingError(f"{recording.path} holds no orientation")
    place = frame_of_samples(recording)
    valid = is_valid(orientation.quaternion)
    angles = euler_deg(orientation.quaternion) if columns.euler else None
    rows: list[tuple[int, tuple[str, ...]]] = []
    for i, time_us in enumerate(orientation.time_us.tolist()):
        cells = [f"{time_us / 1000:.3f}", *(f"{v:.6f}" for v in orientation.quaternion[i])]
        if angles is not None:
            cells += [f"{angle:.4f}" for angle in angles[i]]
        if columns.join_frames:
            cells.append(str(recording.index[place[i]]) if place[i] >= 0 else "")
        if columns.validity:
            cells.append("1" if valid[i] else "0")
        rows.append((time_us, tuple(cells)))
    if columns.validity:
        rows += _missing_rows(recording, place, columns)
        rows.sort(key=lambda row: row[0])
    table = TableWriter(path, columns.header(), separator)
    for _, cells in rows:
        table.add(cells)
    table.close()
    return len(rows)


def _missing_rows(
    recording: Recording, place: NDArray[np.int64], columns: TableColumns
) -> list[tuple[int, tuple[str, ...]]]:
    missing = np.setdiff1d(np.arange(len(recording)), place)
    blank = [""] * (4 + 3 * columns.euler)
    return [
        (
            int(recording.time_us[i]),
            (
                f"{recording.time_us[i] / 1000:.3f}",
                *blank,
                *((str(recording.index[i]),) if columns.join_frames else ()),
                "0",
            ),
        )
        for i in missing.tolist()
    ]
