"""Centres of cells as a table of `x_um, y_um, z_um`, from a file or from a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

Position = tuple[float, float, float]
"""Depth, down, right (z, y, x), µm from the surface and the optical axis, as in a Spec."""

COLUMNS = ("x_um", "y_um", "z_um")
MOST = 50_000
FURTHEST_UM = 1e5


def read_positions(text: str) -> list[Position]:
    """Read a table whose columns are separated by commas, semicolons or tabs.

    A first row with the names of the columns allows any order, and other columns beside them;
    without one a row is x, y, z. ValueError says in one line which row is wrong, and what it
    should be.
    """
    separator = _separator(text)
    rows = [
        (number, [cell.strip(' "\t') for cell in line.split(separator)])
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip(f" {separator}")
    ]
    places = (0, 1, 2)
    if rows and not _is_number(rows[0][1][0]):
        places = _places(rows.pop(0)[1])
    if not rows:
        raise ValueError(f"there are no positions; a row is {', '.join(COLUMNS)}")
    if len(rows) > MOST:
        raise ValueError(f"{len(rows):,} positions are too many; at most {MOST:,}")
    return [_position(number, row, places) for number, row in rows]


def load_positions(file: Path) -> list[Position]:
    """Read a CSV file; ValueError names the file."""
    try:
        return read_positions(file.read_text("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} is no text; a CSV of {', '.join(COLUMNS)} is") from None
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from None


def write_positions(positions: Sequence[Position]) -> str:
    """Give a table that `read_positions` reads as the same numbers."""
    rows = [f"{x!r},{y!r},{z!r}" for z, y, x in positions]
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def _separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((sign for sign in "\t;," if sign in first), ",")


def _places(header: Sequence[str]) -> tuple[int, ...]:
    names = [name.casefold() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(
            f"there is no column {missing[0]} among {', '.join(header)[:60]}; "
            f"there must be {', '.join(COLUMNS)}"
        )
    return tuple(names.index(name) for name in COLUMNS)


def _position(number: int, row: Sequence[str], places: Sequence[int]) -> Position:
    if len(row) <= max(places):
        raise ValueError(f"row {number}: {len(row)} columns; there must be {', '.join(COLUMNS)}")
    for name, place in zip(COLUMNS, places, strict=True):
        if not _is_number(row[place]) or abs(float(row[place])) > FURTHEST_UM:
            raise ValueError(f"row {number}: {name} is {row[place][:20]!r}; it must be µm")
    x_um, y_um, z_um = (float(row[place]) for place in places)
    if z_um < 0:
        raise ValueError(f"row {number}: z_um is {z_um:g}; the surface is 0 and depth counts up")
    return z_um, y_um, x_um


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
