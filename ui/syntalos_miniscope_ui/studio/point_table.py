"""Points of a Spec as a table: centres of cells, or shifts of the brain, a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

Point = tuple[float, ...]
FURTHEST_UM = 1e5


@dataclass(frozen=True, slots=True)
class PointTable:
    """What a table has in it: `columns`, all in µm, are those of a point in reverse."""

    noun: str
    columns: tuple[str, ...]
    most: int

    @property
    def row(self) -> str:
        """A row in words."""
        return ", ".join(self.columns)

    def read(self, text: str) -> list[Point]:
        """Read a table whose columns are separated by commas, semicolons or tabs.

        A first row with the names of the columns allows any order, and other columns beside them;
        without one a row is `columns`. ValueError says in one line which row is wrong, and what it
        should be.
        """
        separator = _separator(text)
        rows = [
            (number, [cell.strip(' "\t') for cell in line.split(separator)])
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip(f" {separator}")
        ]
        places: Sequence[int] = range(len(self.columns))
        if rows and not _is_number(rows[0][1][0]):
            places = self._places(rows.pop(0)[1])
        elif rows and any(rows[0][1][len(places) :]):
            raise ValueError(
                f"row {rows[0][0]}: {len(rows[0][1])} columns without their names; "
                f"there must be {self.row}"
            )
        if not rows:
            raise ValueError(f"there are no {self.noun}; a row is {self.row}")
        if len(rows) > self.most:
            raise ValueError(f"{len(rows):,} {self.noun} are too many; at most {self.most:,}")
        return [self._point(number, row, places) for number, row in rows]

    def load(self, file: Path) -> list[Point]:
        """Read a CSV file; ValueError names the file."""
        try:
            return self.read(file.read_text("utf-8-sig"))
        except OSError as error:
            raise ValueError(f"cannot read {file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{file.name} is no text; a CSV of {self.row} is") from None
        except ValueError as error:
            raise ValueError(f"{file.name}: {error}") from None

    def write(self, points: Sequence[Point]) -> str:
        """Give a table that `read` reads as the same numbers."""
        rows = [",".join(map(repr, reversed(point))) for point in points]
        return "\n".join([",".join(self.columns), *rows]) + "\n"

    def _places(self, header: Sequence[str]) -> list[int]:
        names = [name.casefold() for name in header]
        missing = [name for name in self.columns if name not in names]
        if missing:
            raise ValueError(
                f"there is no column {missing[0]} among {', '.join(header)[:60]}; "
                f"there must be {self.row}"
            )
        return [names.index(name) for name in self.columns]

    def _point(self, number: int, row: Sequence[str], places: Sequence[int]) -> Point:
        if len(row) <= max(places):
            raise ValueError(f"row {number}: {len(row)} columns; there must be {self.row}")
        for name, place in zip(self.columns, places, strict=True):
            cell = row[place]
            if not _is_number(cell) or abs(float(cell)) > FURTHEST_UM:
                raise ValueError(f"row {number}: {name} is {cell[:20]!r}; it must be µm")
            if name == "z_um" and float(cell) < 0:
                raise ValueError(
                    f"row {number}: z_um is {float(cell):g}; the surface is 0 and depth counts up"
                )
        return tuple(float(row[place]) for place in reversed(places))


POSITIONS = PointTable("positions", ("x_um", "y_um", "z_um"), most=50_000)
"""Centres of cells, from the optical axis and the surface: (z, y, x) in a Spec."""
SHIFTS = PointTable("shifts", ("dx_um", "dy_um"), most=250_000)
"""The motion of the brain, a row for each frame: (dy, dx) in a Spec."""


def _separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((sign for sign in "\t;," if sign in first), ",")


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
