"""Exports a recording into another layout: never touching it, never overwriting, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.export_layouts import (
    ExportJob,
    export_csv,
    export_daq,
    export_edl,
    export_zarr,
)
from syntalos_miniscope.recording.partial import partial_of
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.quaternion_table import TableColumns, write_orientation
from syntalos_miniscope.recording.recorded import Recording

Target = Literal["daq", "edl", "zarr", "nwb", "csv"]
TARGETS: tuple[str, ...] = get_args(Target)

_IDENTITY = ".export.json"

Progress = Callable[[int, int], None]
"""Called with the frames that are done and those there are."""


def export_recording(
    source: Path,
    target: Target,
    out: Path,
    *,
    columns: TableColumns | None = None,
    external: bool = False,
    progress: Progress = lambda done, total: None,
) -> tuple[str, ...]:
    """Export a recording and give the remarks about it.

    `out` is a new folder, or a new file for nwb and, if it ends in `.csv`, for the orientation
    table alone. Until it is whole it has `.partial` in its name, and the same export started again
    goes on from there. `external` leaves the frames of an NWB file where they are. RecordingError
    if `out` exists, lies in the source, or the source cannot be read.
    """
    recording = open_recording(source)
    if out.exists():
        raise RecordingError(f"{out} exists, and nothing is overwritten; give another name")
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise RecordingError(
            f"{out} lies in the recording, which is not touched; give another name"
        )
    partial = partial_of(out)
    columns = columns or TableColumns()
    identity = _identity(recording, target, columns, external)
    job = ExportJob(recording, partial, columns, progress, identity)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if target == "nwb":
            from syntalos_miniscope.recording.nwb import export_nwb

            export_nwb(job, external=external)
        elif target == "csv" and out.suffix == ".csv":
            partial.unlink(missing_ok=True)
            write_orientation(recording, partial, job.columns)
        else:
            _begin(job)
            _LAYOUTS[target](job)
            (partial / _IDENTITY).unlink()
        partial.rename(out)
    except OSError as error:
        raise disk_error(out, error) from error
    return recording.findings


_LAYOUTS: dict[str, Callable[[ExportJob], None]] = {
    "daq": export_daq,
    "edl": export_edl,
    "zarr": export_zarr,
    "csv": export_csv,
}


def _identity(recording: Recording, target: str, columns: TableColumns, external: bool) -> str:
    """Say what is exported and how, so that a stopped export is taken up by the same one only."""
    return json.dumps(
        {
            "source": str(recording.path.resolve()),
            "target": target,
            "columns": [columns.euler, columns.join_frames, columns.validity],
            "external": external,
            "frames": len(recording),
            "first_us": int(recording.time_us[0]),
            "last_us": int(recording.time_us[-1]),
        }
    )


def _begin(job: ExportJob) -> None:
    """Make the folder, or take up the one that the same export left."""
    file = job.out / _IDENTITY
    if job.out.exists():
        job.ensure_left_by_the_same(file.read_text("utf-8") if file.is_file() else "")
        return
    job.out.mkdir(parents=True)
    file.write_text(job.identity, "utf-8")
