"""`syntalos-miniscope info` and `export`: what is in a recording, and it for other programs."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from syntalos_miniscope.cli.console import BadInputError, progress, say
from syntalos_miniscope.cli.interrupts import interrupted_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from syntalos_miniscope.recording.export import Target


def info(
    recording: Annotated[Path, typer.Argument(help="EDL or DAQ folder, zarr, AVI, MKV or MP4.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say what is in a recording and what is missing in it; exit code 1 if it is damaged."""
    from syntalos_miniscope.recording import RecordingError
    from syntalos_miniscope.recording.info import as_lines, inspect_all

    try:
        with _bar("Reading") as advance:
            found = inspect_all(recording, advance)
    except RecordingError as error:
        raise BadInputError(str(error)) from error
    if as_json:
        print(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        print("\n".join(as_lines(found)))
    if found.damaged:
        sys.exit(1)


def export(
    recording: Annotated[Path, typer.Argument(help="EDL or DAQ folder, zarr, AVI, MKV or MP4.")],
    to: Annotated[str, typer.Option(metavar="LAYOUT", help="daq, edl, zarr, nwb or csv.")],
    out: Annotated[Path, typer.Option(metavar="PATH", help="A new folder or file.")],
    euler: Annotated[bool, typer.Option(help="Roll, pitch and yaw beside the quaternion.")] = False,
    join_frames: Annotated[
        bool, typer.Option(help="The frame that each orientation sample belongs to.")
    ] = False,
    validity: Annotated[
        bool, typer.Option(help="1 or 0, and a row also where the sensor gave nothing.")
    ] = False,
    external: Annotated[
        bool, typer.Option(help="NWB only: leave the frames in their videos and name those.")
    ] = False,
) -> None:
    """Export a recording; never touches it, never overwrites, goes on where it was stopped."""
    from syntalos_miniscope.recording import RecordingError
    from syntalos_miniscope.recording.export import TARGETS, export_recording
    from syntalos_miniscope.recording.partial import partial_of
    from syntalos_miniscope.recording.quaternion_table import TableColumns

    if to not in TARGETS:
        raise BadInputError(f"--to {to} is none of {', '.join(TARGETS)}")
    columns = TableColumns(euler=euler, join_frames=join_frames, validity=validity)
    try:
        with interrupted_by(signal.SIGINT, signal.SIGTERM), _bar("Exporting") as advance:
            remarks = export_recording(
                recording,
                cast("Target", to),
                out,
                columns=columns,
                external=external,
                progress=advance,
            )
    except RecordingError as error:
        raise BadInputError(str(error)) from error
    except KeyboardInterrupt:
        if partial_of(out).exists():
            say(f"Stopped; the same command goes on with what is done, {partial_of(out)}.")
        raise
    for remark in remarks:
        say(f"Mind: {remark}")
    say(f"{out} written")


@contextmanager
def _bar(what: str) -> Generator[Callable[[int, int], None]]:
    with progress(known_length=True) as bar:
        task = bar.add_task(what, total=None, told="")

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, told=f"{done} of {total} frames")

        yield advance
