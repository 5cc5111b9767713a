"""Runs the cells of a grid on whatever `concurrent.futures` offers, and keeps a table."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syntalos_miniscope.recording import disk_error, in_short
from syntalos_miniscope.recording.partial import write_whole
from syntalos_miniscope.sweep.cell import FIGURES, Figures, run_cell, stored_figures
from syntalos_miniscope.sweep.grid import Cell, Grid, GridError, shown
from syntalos_miniscope.sweep.picture import results_picture

OpenPool = Callable[[], AbstractContextManager[Executor]]
OnCell = Callable[[int, int], None]
"""Is told how many cells are done, and how many there are."""

DIED = "the process that worked on it died; perhaps there was too little memory"


@dataclass(frozen=True, slots=True)
class Result:
    """A cell with its figures, or with what went wrong; with neither if it was not reached."""

    cell: Cell
    figures: Figures | None
    failed: str = ""


def sweep(
    grid: Grid, out: Path, open_pool: OpenPool, slots: int, on_cell: OnCell | None = None
) -> list[Result]:
    """Run all cells that are not there yet, `slots` at a time, and write the table and picture.

    What is done is kept whatever happens: after KeyboardInterrupt too, table and picture say what
    there is. A pool that breaks is opened anew, and of the cells that were in it the one that
    breaks it again alone has failed. GridError if the folder holds a result of something else.
    """
    _prepare(grid, out)
    going = _Sweep(grid, out, open_pool, on_cell)
    try:
        while waiting := going.left():
            for suspect in going.run(waiting, slots):
                if going.run([suspect], 1):
                    going.failed[suspect.name] = DIED
    finally:
        results = [
            Result(cell, stored_figures(cell, out), going.failed.get(cell.name, ""))
            for cell in grid.cells
        ]
        _write(grid, results, out)
    return results


class _Sweep:
    """Cells under way, and what went wrong so far."""

    def __init__(self, grid: Grid, out: Path, open_pool: OpenPool, on_cell: OnCell | None) -> None:
        self.failed = {cell.name: cell.fault for cell in grid.cells if cell.fault}
        self._grid, self._out, self._open_pool, self._on_cell = grid, out, open_pool, on_cell
        self._there = {c.name for c in grid.cells if stored_figures(c, out) is not None}

    def left(self) -> list[Cell]:
        """Give the cells that are neither there nor failed."""
        ended = self._there | self.failed.keys()
        if self._on_cell is not None:
            self._on_cell(len(ended), len(self._grid.cells))
        return [cell for cell in self._grid.cells if cell.name not in ended]

    def run(self, cells: Sequence[Cell], slots: int) -> list[Cell]:
        """Run cells until all have ended or the pool breaks; give those that were in it then."""
        left = list(reversed(cells))
        under_way: dict[Future[str], Cell] = {}
        with self._open_pool() as pool:
            while left or under_way:
                try:
                    while left and len(under_way) < slots:
                        under_way[pool.submit(run_cell, left[-1], self._out)] = left[-1]
                        left.pop()
                    ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in ended:
                        self._end(under_way[future], _fault(future))
                        del under_way[future]
                except BrokenExecutor:
                    break
        return [cell for cell in under_way.values() if not self._found(cell)]

    def _found(self, cell: Cell) -> bool:
        """Whether a cell was made whole by a worker that could not say so any more."""
        whole = stored_figures(cell, self._out) is not None
        if whole:
            self._end(cell, "")
        return whole

    def _end(self, cell: Cell, fault: str) -> None:
        if fault:
            self.failed[cell.name] = fault
        else:
            self._there.add(cell.name)
        if self._on_cell is not None:
            self._on_cell(len(self._there) + len(self.failed), len(self._grid.cells))


def _fault(future: Future[str]) -> str:
    try:
        return future.result()
    except BrokenExecutor:
        raise
    except Exception as error:  # noqa: BLE001 - such as dask's, when it gives a cell up
        return in_short(error)


def _prepare(grid: Grid, out: Path) -> None:
    for cell in grid.cells:
        if (out / cell.name).exists() and stored_figures(cell, out) is None:
            raise GridError(
                f"{out / cell.name} was made from another grid or by another version of this "
                f"program, and nothing is overwritten; give another --out"
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for left in out.glob(".*.part"):
            shutil.rmtree(left, ignore_errors=True)
        write_whole(out / "grid.toml", grid.text.encode())
    except OSError as error:
        raise disk_error(out, error) from error


def _write(grid: Grid, results: Iterable[Result], out: Path) -> None:
    results = list(results)
    try:
        write_whole(out / "results.csv", table(grid, results).encode())
        picture = results_picture(
            [(axis, [shown(value) for value in values]) for axis, values in grid.axes],
            grid.seeds,
            [(tuple(map(shown, r.cell.values)), r.figures, bool(r.failed)) for r in results],
        )
        write_whole(out / "results.png", picture)
    except OSError as error:
        raise disk_error(out / "results.csv", error) from error


def table(grid: Grid, results: Sequence[Result]) -> str:
    """Give the table as CSV: a row for each cell, in the order of the grid."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["cell", *(axis for axis, _ in grid.axes), "seed", *FIGURES, "failed"])
    for result in results:
        figures: Mapping[str, Any] = result.figures or {}
        numbers = [_number(figures.get(name)) for name in FIGURES]
        values = [shown(value) for value in result.cell.values]
        rows.writerow([result.cell.name, *values, result.cell.seed, *numbers, result.failed])
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
