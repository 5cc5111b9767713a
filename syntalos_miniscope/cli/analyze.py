"""`syntalos-miniscope analyze`: cells, traces and events of a recording, or of a project's line."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syntalos_miniscope.cli.console import BadInputError, progress, say
from syntalos_miniscope.cli.interrupts import interrupted_by

if TYPE_CHECKING:
    from syntalos_miniscope.analysis.backends import Progress
    from syntalos_miniscope.analysis.pipeline import MiniscopePipeline
    from syntalos_miniscope.analysis.pipeline.preprocessing import Crop


def analyze(
    recording: Annotated[
        Path | None, typer.Argument(help="EDL, DAQ or ONIX folder, zarr, AVI, MKV or MP4.")
    ] = None,
    line_num: Annotated[
        int | None, typer.Option(metavar="N", help="Of experiments.csv, instead of RECORDING.")
    ] = None,
    project_path: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where experiments.csv lies.")
    ] = None,
    data_path: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where recordings lie; else the project.")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Without windows.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Default: saved_movies, beside the frames.")
    ] = None,
    crop: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Pixels; y from the bottom.")
    ] = None,
    rois: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Regions, instead of finding cells.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=VALUE", help="As in analysis_parameters.csv."),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(metavar="NAME", help="What extracts: caiman, suite2p, built-in…")
    ] = None,
    keep_movie: Annotated[
        bool, typer.Option("--keep-movie", help="Keep the motion-corrected movie (float32).")
    ] = False,
) -> None:
    """Stabilise a recording, find its cells, and write their traces and events with a report.

    Stopped, the same command goes on with the step that it was in.
    """
    from syntalos_miniscope.analysis.backends import BackendError
    from syntalos_miniscope.recording import RecordingError

    options = _options(set_ or [], crop, rois, backend, keep_movie)
    if (recording is None) == (line_num is None):
        raise BadInputError("give a RECORDING, or --line-num N with --project-path DIR")
    if line_num is not None and (project_path is None or out is not None):
        why = "--project-path is missing" if project_path is None else "--out is for a RECORDING"
        raise BadInputError(f"--line-num {line_num}: {why}")
    alone = {"--project-path": project_path, "--data-path": data_path}
    for name, given in alone.items():
        if recording is not None and given is not None:
            raise BadInputError(f"{name} goes with --line-num, not with a RECORDING")
    try:
        with interrupted_by(signal.SIGTERM), progress(known_length=True) as bar:
            task = bar.add_task("Reading", total=1.0, told="")

            def tell(what: str, share: float | None) -> None:
                bar.update(task, description=what, completed=share or 0.0)

            pipeline = _pipeline(headless, tell)
            if recording is not None:
                _analyse_alone(pipeline, recording, out, options, headless)
            elif line_num is not None and project_path is not None:
                pipeline.run(line_num, project_path, data_path, headless, **options)
    except (RecordingError, BackendError, ValueError, OSError) as error:
        raise BadInputError(str(error)) from error
    _tell_the_end(pipeline)


def _analyse_alone(
    pipeline: MiniscopePipeline,
    recording: Path,
    out: Path | None,
    options: dict[str, Any],
    headless: bool,
) -> None:
    from syntalos_miniscope.analysis.pipeline import SAVED, configs_of
    from syntalos_miniscope.recording.player import open_recording

    opened = open_recording(recording)
    alone = recording.is_file() or recording.suffix == ".zarr"
    beside = recording.parent / SAVED / recording.stem if alone else recording / SAVED
    pipeline.run_recording(opened, configs_of({}, options), out or beside, headless)


def _pipeline(headless: bool, tell: Progress) -> MiniscopePipeline:
    """Give the pipeline, with windows if they are wanted and there is a display."""
    from syntalos_miniscope.analysis.pipeline import MiniscopePipeline

    if headless:
        return MiniscopePipeline(progress=tell, say=say)
    from syntalos_miniscope_ui.screen import missing_screen

    if reason := missing_screen():
        say(f"{reason}: nobody is asked, as with --headless")
        return MiniscopePipeline(progress=tell, say=say)
    from syntalos_miniscope_ui.analysis import choose_crop, review_components

    return MiniscopePipeline(choose_crop, review_components, tell, say)


def _options(
    changes: list[str],
    crop: str | None,
    rois: Path | None,
    backend: str | None,
    keep_movie: bool,
) -> dict[str, Any]:
    from syntalos_miniscope.analysis.pipeline import parse_cell

    options: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not (equals and name):
            raise BadInputError(
                f"--set {change}: what is right is COLUMN=VALUE, such as gSig=(3,3)"
            )
        options[name.strip()] = parse_cell(text)
    if crop is not None:
        options["crop_coords"] = _corners(crop)
    if rois is not None:
        options["rois"] = rois
    if backend is not None:
        options["backend"] = backend
    if keep_movie:
        options["keep_movie"] = True
    return options


def _corners(text: str) -> Crop:
    try:
        x0, y0, x1, y1 = (float(part) for part in text.strip("() ").split(","))
    except ValueError as error:
        raise BadInputError(f"--crop is X0,Y0,X1,Y1, such as 67,503,555,61, not {text}") from error
    return x0, y0, x1, y1


def _tell_the_end(pipeline: MiniscopePipeline) -> None:
    from syntalos_miniscope.analysis.pipeline.outputs import REPORT

    found = pipeline.processing_result.extraction
    cells = f"{len(found)} cells; " if found is not None else ""
    say(f"{cells}{pipeline.saved_movies / REPORT} written")
