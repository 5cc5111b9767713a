"""The two tables of a project folder: `experiments.csv` and `analysis_parameters.csv`."""

from __future__ import annotations

import ast
import csv
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syntalos_miniscope.analysis.pipeline.configs import ConfigError, Configs, configs_of

LINE_NUMBER = "line number"
EXPERIMENTS, PARAMETERS = "experiments.csv", "analysis_parameters.csv"
SHOWN_NUMBERS = 10
"""So many of the line numbers that there are stand in the answer to one that is not there."""
FIELD = re.compile(r'(?:"(?:[^"]|"")*"|[^",\r\n]*)(?:,|\r|\n|$)')


class TableError(ValueError):
    """A table that cannot be used; the text says in a line which file, line and column."""


@dataclass(frozen=True, slots=True, eq=False)
class TableLine:
    """One row of a table, by column, as text; `where` is its file and line."""

    where: str
    cells: Mapping[str, str]

    def parsed(self) -> dict[str, Any]:
        """Give the cells as values; empty ones are left out."""
        return {name: parse_cell(text) for name, text in self.cells.items() if text.strip()}


def read_experiment(project: Path, line_num: int) -> TableLine:
    """Give the row of `experiments.csv` with a line number; TableError if there is none."""
    return _line(project / EXPERIMENTS, line_num)


def read_parameters(project: Path, line_num: int) -> TableLine | None:
    """Give the row of `analysis_parameters.csv`; None if the project has no such table.

    TableError if the table lacks the line.
    """
    path = project / PARAMETERS
    return _line(path, line_num) if path.exists() else None


def configs_of_line(line: TableLine | None, options: Mapping[str, Any]) -> Configs:
    """Give what a row says, and over it some options.

    TableError if a cell cannot be, ConfigError if an option cannot.
    """
    try:
        return configs_of(line.parsed() if line else {}, options)
    except ConfigError as error:
        if line is None or error.name in options or error.name not in line.cells:
            raise
        raise TableError(
            f"{line.where}, column {error.name}: {error.why}, not {line.cells[error.name]!r}"
        ) from error


def parse_cell(text: str) -> Any:
    """Give what a cell means: a tuple, JSON, another literal, true or false, none, or text.

    `(7, 7)` is a tuple, `TRUE` is true, `15` and `0.4` are numbers, an empty cell or `None` is
    none; what is nothing of these stays text.
    """
    text = text.strip()
    if text.lower() in ("", "none", "null", "nan"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for read in (json.loads, ast.literal_eval, float):
        try:
            with warnings.catch_warnings():
                # Python frets over the backslashes of a path, each version in its own way.
                warnings.simplefilter("ignore")
                value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(value, str) and value.startswith(("(", "[")):
            # The quotes of the documents' examples were typed into the cell.
            return parse_cell(value)
        return None if isinstance(value, float) and math.isnan(value) else value
    return text


def _line(path: Path, line_num: int) -> TableLine:
    try:
        # What is no UTF-8 is kept, so that it can be said in which cell it stands.
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = file.readlines()
    except OSError as error:
        raise TableError(f"cannot read {path}: {error.strerror}") from error
    found = dict(_numbered(path, lines))
    if line_num not in found:
        numbers = ", ".join(str(number) for number in list(found)[:SHOWN_NUMBERS])
        more = "…" if len(found) > SHOWN_NUMBERS else ""
        has = f"; it has {numbers}{more}" if found else ""
        raise TableError(f"{path} has no line number {line_num}{has}")
    return found[line_num]


def _numbered(path: Path, lines: list[str]) -> Iterator[tuple[int, TableLine]]:
    """Give the lines of a table, each with its number; TableError at the first that cannot be."""
    header: list[str] = []
    seen = set[int]()
    for at, cells in _records(path, lines):
        where = f"{path}, line {at}"
        for name, cell in zip(header or range(1, len(cells) + 1), cells, strict=False):
            if cell.encode("utf-8", "ignore").decode() != cell:
                raise TableError(f"{where}, column {name}: it is not UTF-8 text; save it as such")
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = _header(where, cells)
        else:
            line = _whole(where, header, cells)
            number = _number(line)
            if number in seen:
                raise TableError(f"{where}, column {LINE_NUMBER}: {number} is there twice")
            seen.add(number)
            yield number, line
    if not header:
        _header(f"{path}, line 1", [])


def _records(path: Path, lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Give the rows of a CSV file, each with the line on which it begins."""
    rows = csv.reader(lines, strict=True)
    begin, first = 0, list[str]()
    try:
        for cells in rows:
            first = first or cells
            yield begin + 1, cells
            begin = rows.line_num
    except csv.Error as error:
        field = _whole_fields("".join(lines[begin:]))
        name = first[field] if field < len(first) else field + 1
        raise TableError(
            f"{path}, line {begin + 1}, column {name}: {error}; a quote may not be closed, or "
            f"stand alone"
        ) from error


def _whole_fields(record: str) -> int:
    """Count the fields of a row that are as they should be, before the first that is not."""
    count, at = 0, 0
    while (field := FIELD.match(record, at)) and field.group().endswith(","):
        count, at = count + 1, field.end()
    return count


def _header(where: str, cells: list[str]) -> list[str]:
    names = [name.strip() for name in cells]
    if LINE_NUMBER not in names:
        raise TableError(f"{where}: there is no column {LINE_NUMBER!r}; commas separate columns")
    for name in filter(None, names):
        if names.count(name) > 1:
            raise TableError(f"{where}, column {name}: it is there twice")
    return names


def _whole(where: str, header: list[str], cells: list[str]) -> TableLine:
    have, want = len(cells), len(header)
    if have != want:
        name = header[have] if have < want else want + 1
        raise TableError(f"{where}, column {name}: {have} fields where the header has {want}")
    return TableLine(where, dict(zip(header, cells, strict=True)))


def _number(line: TableLine) -> int:
    text = line.cells[LINE_NUMBER]
    value = parse_cell(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise TableError(f"{line.where}, column {LINE_NUMBER}: {text!r} is not a whole number")
    return int(value)
