"""The two tables of a project folder: `experiments.csv` and `analysis_parameters.csv`."""

from __future__ import annotations

import ast
import csv
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syntalos_miniscope.analysis.pipeline.configs import ConfigError, Configs, configs_of

LINE_NUMBER = "line number"
EXPERIMENTS, PARAMETERS = "experiments.csv", "analysis_parameters.csv"


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
        return None if isinstance(value, float) and not math.isfinite(value) else value
    return text


def _line(path: Path, line_num: int) -> TableLine:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            found = list(_lines(path, csv.reader(file, strict=True)))
    except OSError as error:
        raise TableError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is not UTF-8 text (byte {error.start})") from error
    mine = [line for line in found if _number(line) == line_num]
    if not mine:
        raise TableError(f"{path} has no line number {line_num}")
    if len(mine) > 1:
        raise TableError(f"{mine[1].where}, column {LINE_NUMBER}: {line_num} is there twice")
    return mine[0]


def _lines(path: Path, rows: Any) -> Iterator[TableLine]:
    try:
        header = [name.strip() for name in next(rows, [])]
        if LINE_NUMBER not in header:
            raise TableError(
                f"{path}, line 1: there is no column {LINE_NUMBER!r}; commas separate columns"
            )
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield _whole(path, rows.line_num, header, cells)
    except csv.Error as error:
        raise TableError(
            f"{path}, line {rows.line_num}: {error}; a quote may not be closed, or stand alone"
        ) from error


def _whole(path: Path, at: int, header: list[str], cells: list[str]) -> TableLine:
    where = f"{path}, line {at}"
    if len(cells) != len(header):
        raise TableError(f"{where}: {len(cells)} fields where the header has {len(header)}")
    return TableLine(where, dict(zip(header, cells, strict=True)))


def _number(line: TableLine) -> int:
    text = line.cells[LINE_NUMBER]
    try:
        return int(text)
    except ValueError as error:
        raise TableError(
            f"{line.where}, column {LINE_NUMBER}: {text!r} is not a whole number"
        ) from error
