"""`syntalos-miniscope analyze`: cells, traces and events of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError, progress, say

if TYPE_CHECKING:
    from syntalos_miniscope.analysis.cell_finder import CellSearch
    from syntalos_miniscope.analysis.movie_analysis import Crop, MovieAnalysis


def analyze(
    recording: Annotated[Path, typer.Argument(help="EDL or DAQ folder, zarr, AVI, MKV or MP4.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder; saved_movies beside it.")
    ] = None,
    crop: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Pixels; y from the bottom.")
    ] = None,
    rois: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Regions, instead of finding cells.")
    ] = None,
    decay_s: Annotated[float, typer.Option(min=0.01, help="Of the indicator, s.")] = 0.4,
    most_cells: Annotated[int, typer.Option(min=1, help="No more are looked for.")] = 1000,
    diameter_px: Annotated[float, typer.Option(min=4, max=60, help="How large a cell looks.")] = 12,
) -> None:
    """Stabilise a recording, find its cells, and write their traces and events with a report."""
    from syntalos_miniscope.analysis.cell_finder import CellSearch
    from syntalos_miniscope.analysis.movie_page import write_movie_page
    from syntalos_miniscope.recording import RecordingError

    folder = _new_folder(out, recording)
    search = CellSearch(diameter_px, most_cells=most_cells)
    try:
        found = _analyse(recording, _corners(crop), rois, search, decay_s)
        folder.mkdir(parents=True)
        found.save(folder)
        write_movie_page(folder / "report.html", f"Analysis of {recording.name}", found)
    except (RecordingError, ValueError, OSError) as error:
        raise BadInputError(str(error)) from error
    say(f"{len(found.rois)} cells; {folder} written")


def _analyse(
    recording: Path, crop: Crop | None, rois: Path | None, search: CellSearch, decay_s: float
) -> MovieAnalysis:
    from syntalos_miniscope.analysis.movie_analysis import analyse, cropped_shape
    from syntalos_miniscope.analysis.rois import load_rois
    from syntalos_miniscope.recording.player import open_recording

    opened = open_recording(recording)
    given = None if rois is None else load_rois(rois, cropped_shape(opened, crop))
    with progress(known_length=True) as bar:
        task = bar.add_task("Analysing", total=None, told="")
        return analyse(
            opened,
            crop_coords=crop,
            rois=given,
            search=search,
            decay_s=decay_s,
            on_frame=lambda done, of: bar.update(task, completed=done, total=of),
        )


def _new_folder(out: Path | None, recording: Path) -> Path:
    alone = recording.is_file() or recording.suffix == ".zarr"
    beside = recording.parent if alone else recording
    folder = out or beside / "saved_movies"
    if folder.exists():
        raise BadInputError(f"{folder} is there already, and nothing is overwritten; give --out")
    return folder


def _corners(text: str | None) -> Crop | None:
    if text is None:
        return None
    try:
        x0, y0, x1, y1 = (float(part) for part in text.strip("() ").split(","))
    except ValueError as error:
        raise BadInputError(f"--crop is X0,Y0,X1,Y1, such as 67,503,555,61, not {text}") from error
    return x0, y0, x1, y1
