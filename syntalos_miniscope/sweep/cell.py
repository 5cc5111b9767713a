"""One cell of a sweep: rendered, analysed, scored, and under its name only when it is whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from syntalos_miniscope.analysis.cell_finder import CellSearch
from syntalos_miniscope.analysis.matching import cosines, seen_footprints
from syntalos_miniscope.analysis.movie_analysis import MovieAnalysis, analyse
from syntalos_miniscope.analysis.score import Said, Series, Truth, score, shift_offset_px
from syntalos_miniscope.recording import in_short
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.truth import GroundTruth
from syntalos_miniscope.simulation.batch import simulate_zarr
from syntalos_miniscope.simulation.spec import QUIET, Spec
from syntalos_miniscope.sweep.grid import Cell

FIGURES = (
    "cells_detectable",
    "cells_found",
    "shift_rmse_px",
    "recall",
    "precision",
    "trace_r_median",
    "trace_r_p10",
    "event_f1",
)
"""What a cell is scored by; nothing of it depends on the computer."""

Figures = Mapping[str, float | None]


def run_cell(cell: Cell, out: Path) -> str:
    """Make the folder of a cell below `out`, and give what went wrong in one line, or nothing.

    It holds `spec.json`, `recording.zarr` with its truth, `rois.json`, `estimates.npz` and
    `score.json`.
    """
    part = out / f".{cell.name}.{os.getpid()}.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _fill(cell, part)
        part.rename(out / cell.name)
    except Exception as error:  # noqa: BLE001 - one cell must not stop the others
        shutil.rmtree(part, ignore_errors=True)
        return in_short(error)
    return ""


def stored_figures(cell: Cell, out: Path) -> Figures | None:
    """Give the figures of a cell that is there; None if it is not, or was made otherwise."""
    try:
        found: Any = json.loads((out / cell.name / "score.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or cast("dict[str, Any]", found).get("stamp") != cell.stamp:
        return None
    return {name: found.get(name) for name in FIGURES}


def _fill(cell: Cell, folder: Path) -> None:
    (folder / "spec.json").write_text(cell.spec_json + "\n", "utf-8")
    spec = Spec.model_validate_json(cell.spec_json, context=QUIET)
    stored = simulate_zarr(spec, folder / "recording.zarr")
    recording = open_recording(stored)
    search = CellSearch(cell.chain.diameter_px, most_cells=cell.chain.most_cells)
    found = analyse(recording, search=search, decay_s=cell.chain.decay_s)
    found.save(folder)
    figures = _figures(found, open_minisim_zarr(stored).truth())
    text = json.dumps({"stamp": cell.stamp, "seed": cell.seed, **figures}, indent=2)
    (folder / "score.json").write_text(text + "\n", "utf-8")


def _figures(found: MovieAnalysis, ground: GroundTruth) -> Figures:
    times = found.time_us
    shifts = np.zeros((len(times), 2)) if ground.shifts is None else ground.shifts
    truth = Truth(
        Series(times, shifts),
        Series(times, ground.C.T),
        Series(times, ground.S.T),
        ground.detectable.astype(np.bool_),
    )
    channels, frames = np.nonzero(found.spikes > 0)
    order = np.argsort(frames, kind="stable")
    said = Said(
        shifts=Series(times, found.shifts.astype(np.float64)),
        traces=Series(times, found.traces.T.astype(np.float64)),
        event_time_us=times[frames[order]],
        event_channel=channels[order].astype(np.int64),
    )
    offset = shift_offset_px(said.shifts, truth.shifts)
    likeness = cosines(found.rois.footprints, seen_footprints(ground, offset))
    scores = score(said, truth, likeness).figures()
    counted = {
        "cells_detectable": float(truth.detectable.sum()),
        "cells_found": float(len(found.rois)),
    }
    both = {**counted, **scores}
    return {name: both[name] for name in FIGURES}
