"""`syntalos-miniscope sweep`: many synthetic recordings, each analysed and scored."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError, progress, say
from syntalos_miniscope.cli.interrupts import interrupted_by

if TYPE_CHECKING:
    from syntalos_miniscope.sweep.grid import Grid
    from syntalos_miniscope.sweep.run import OnCell, Result


def sweep(
    grid: Annotated[Path, typer.Argument(metavar="GRID.toml", help="Base Spec, axes, seeds.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A folder; one of before is resumed.")],
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes; as many as cores.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A dask scheduler to use instead.")
    ] = None,
) -> None:
    """Render, analyse and score a recording for each point of a grid; go on where it was stopped.

    Exit code 1 if a cell failed; the others are there all the same.
    """
    from syntalos_miniscope.recording import RecordingError
    from syntalos_miniscope.sweep.grid import GridError, load_grid

    if workers is not None and dask is not None:
        raise BadInputError("give either --workers N or --dask ADDRESS")
    try:
        wanted = load_grid(grid)
        with interrupted_by(signal.SIGINT, signal.SIGTERM), _bar() as on_cell:
            results = _run(wanted, out, workers or os.cpu_count() or 1, dask, on_cell)
    except (GridError, RecordingError) as error:
        raise BadInputError(str(error)) from error
    except KeyboardInterrupt:
        say(f"Stopped; what is done is kept in {out}, and the same command goes on with it.")
        raise
    failed = [result for result in results if result.failed]
    for result in failed:
        say(f"Failed: {result.cell.name}: {result.failed}")
    say(f"{len(results) - len(failed)} of {len(results)} cells; {out / 'results.csv'} written")
    if failed:
        sys.exit(1)


def _run(grid: Grid, out: Path, workers: int, dask: str | None, on_cell: OnCell) -> list[Result]:
    from syntalos_miniscope.sweep.pools import dask_pool, process_pool
    from syntalos_miniscope.sweep.run import sweep as run_sweep

    if dask is None:
        return run_sweep(grid, out, lambda: process_pool(workers), workers, on_cell)
    with dask_pool(dask) as (pool, slots):
        return run_sweep(grid, out.resolve(), lambda: nullcontext(pool), slots, on_cell)


@contextmanager
def _bar() -> Generator[OnCell]:
    with progress(known_length=True) as bar:
        task = bar.add_task("Sweeping", total=None, told="")

        def on_cell(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of, told=f"{done} of {of} cells")

        yield on_cell
