"""The times of signals and rows, in microseconds."""

from __future__ import annotations

from collections.abc import Sequence

from syntalos_miniscope.streams import Metadata, TableRow

_NAME_TO_US = {"microseconds": 1, "milliseconds": 1000, "seconds": 1_000_000}

_HEADER_TO_US = {"us": 1, "µs": 1, "ms": 1000, "s": 1_000_000}


def signal_unit_us(metadata: Metadata) -> int:
    """Give the microseconds in the `time_unit` of a signal; ValueError for an unknown one."""
    unit = metadata.get("time_unit", "microseconds")
    if unit not in _NAME_TO_US:
        raise ValueError(f"the times of the signal are in {unit!r}, not in microseconds or longer")
    return _NAME_TO_US[str(unit)]


def row_unit_us(header: Sequence[str]) -> int:
    """Give the microseconds in the unit of a table's first column, such as `Time [ms]`.

    ValueError if the column is not a time with a unit.
    """
    first = header[0] if header else ""
    unit = first.rpartition("[")[2].rstrip("] ")
    if not first.lower().startswith("time") or unit not in _HEADER_TO_US:
        raise ValueError(f"the first column of the rows must be such as Time [us], not {first!r}")
    return _HEADER_TO_US[unit]


def row_time_us(row: TableRow, unit_us: int) -> int | None:
    """Give the time of a row; None if it does not begin with a number."""
    try:
        return round(float(row.cells[0]) * unit_us)
    except (ValueError, IndexError, OverflowError):
        return None
