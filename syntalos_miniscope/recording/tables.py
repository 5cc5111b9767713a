"""Tables as text: CSV that opens in a spreadsheet and in pandas, and quaternions in it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.recorded import Orientation
from syntalos_miniscope.scope import QUATERNION_NAMES

_TO_US = {"us": 1, "µs": 1, "μs": 1, "ms": 1000, "s": 1_000_000}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table as it was read; `damage` says in sentences what was left out."""

    path: Path
    header: tuple[str, ...]
    rows: list[list[str]]
    damage: tuple[str, ...]

    def column(self, name: str) -> NDArray[np.float64]:
        """Give a column as numbers, NaN where there is none. KeyError if it is not there."""
        if name not in self.header:
            raise KeyError(name)
        at = self.header.index(name)
        return np.array([_number(row[at]) for row in self.rows], np.float64)

    def time_us(self) -> NDArray[np.float64] | None:
        """Give the column whose header says a unit of time, in µs; None if there is none."""
        for name in self.header:
            unit = re.search(r"[\[(]\s*(\w+)\s*[\])]", name)
            if name.lower().startswith("time") and unit and unit[1].lower() in _TO_US:
                return self.column(name) * _TO_US[unit[1].lower()]
        return None

    def orientation(self) -> Orientation | None:
        """Give the quaternions; None if the table holds none. Incomplete rows are left out."""
        time_us = self.time_us()
        if time_us is None or any(name not in self.header for name in QUATERNION_NAMES):
            return None
        quaternion = np.stack([self.column(name) for name in QUATERNION_NAMES], axis=1)
        whole = np.isfinite(time_us) & np.isfinite(quaternion).all(axis=1)
        # A time beyond three centuries is damage, and would not fit an int64 of µs.
        whole &= np.abs(np.where(whole, time_us, 0)) < 1e16
        order = np.argsort(time_us[whole], kind="stable")
        times = np.rint(time_us[whole][order]).astype(np.int64)
        return Orientation(times, quaternion[whole][order])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def read_table(path: Path) -> Table:
    """Read a table separated by `;` or `,`, whichever its header holds more of.

    RecordingError if it cannot be read or is empty. A row of too few cells, such as the last one
    of a file that was cut, is left out and counted; surplus cells are cut off.
    """
    lines = list(_lines(path))
    if not lines:
        raise RecordingError(f"{path} is empty: not even a header is there")
    header = _names(lines[0])
    rows = [line[: len(header)] for line in lines[1:] if len(line) >= len(header)]
    lost = len(lines) - 1 - len(rows)
    damage = (f"{path.name}: {lost} rows are incomplete and left out",) if lost else ()
    return Table(path, header, rows, damage)


def read_header(path: Path) -> tuple[str, ...]:
    """Read the names of the columns of a table; RecordingError as from `read_table`."""
    return _names(next(_lines(path), []))


def _names(line: list[str]) -> tuple[str, ...]:
    names = [name.strip() for name in line]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _lines(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            head = file.readline(100_000)
            separator = ";" if head.count(";") > head.count(",") else ","
            file.seek(0)
            yield from (line for line in csv.reader(file, delimiter=separator) if line)
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    except csv.Error as error:
        raise RecordingError(f"{path} is not a table: {error}") from error


class TableWriter:
    """Writes a table row by row, each on disk when `add` returns.

    RecordingError if the disk refuses. `close` may be called twice.
    """

    def __init__(self, path: Path, header: Sequence[str], separator: str = ";") -> None:
        self.path = path
        self.rows = 0
        try:
            self._file = path.open("x", newline="", encoding="utf-8", buffering=1)
            self._csv = csv.writer(self._file, delimiter=separator, lineterminator="\n")
            if header:
                self._csv.writerow(header)
        except OSError as error:
            raise disk_error(path, error) from error

    def add(self, cells: Iterable[str]) -> None:
        """Write one row."""
        try:
            self._csv.writerow(cells)
        except OSError as error:
            raise disk_error(self.path, error) from error
        self.rows += 1

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            raise disk_error(self.path, error) from error
