"""One cell of a sweep: rendered, analysed, scored, and under its name only when it is whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.backends.built_in import extract_built_in
from syntalos_miniscope.analysis.extraction import (
    Extraction,
    ExtractionParameters,
    evaluate_components,
)
from syntalos_miniscope.analysis.matching import cosines, seen_footprints
from syntalos_miniscope.analysis.pipeline.estimates import save_extraction
from syntalos_miniscope.analysis.pipeline.movie_file import MovieWriter
from syntalos_miniscope.analysis.rois import save_rois
from syntalos_miniscope.analysis.score import Said, Series, Truth, score, shift_offset_px
from syntalos_miniscope.analysis.stabilise import Stabiliser
from syntalos_miniscope.recording import in_short
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.recorded import Recording
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
    chain, rate_hz = cell.chain, recording.frame_rate_hz
    movie, shifts = _stabilised(recording, folder / "still.npy")
    half_px = chain.diameter_px / 4
    told = ExtractionParameters(
        gSig=(half_px, half_px), K=chain.most_cells, decay_time=chain.decay_s
    )
    found = extract_built_in(movie, told, frame_rate_hz=rate_hz)
    save_rois(found.rois(), folder / "rois.json")
    save_extraction(
        folder / "estimates.npz",
        found,
        evaluate_components(found, movie, frame_rate_hz=rate_hz, decay_time_s=chain.decay_s),
        time_us=recording.time_us,
        frame_rate_hz=rate_hz,
        crop=np.array((0, movie.shape[1], 0, movie.shape[2])),
        shifts=shifts,
        mean=movie.mean(axis=0, dtype=np.float32),
    )
    del movie
    (folder / "still.npy").unlink()
    truth = open_minisim_zarr(stored).truth()
    figures = _figures(found, shifts, recording.time_us, truth)
    text = json.dumps({"stamp": cell.stamp, "seed": cell.seed, **figures}, indent=2)
    (folder / "score.json").write_text(text + "\n", "utf-8")


def _stabilised(recording: Recording, path: Path) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Write the frames without their motion to an `.npy`; give them, and shifts (frame, 3)."""
    stabiliser, shape = Stabiliser(), (len(recording), *recording.source.size)
    shifts = np.zeros((len(recording), 3), np.float32)
    with MovieWriter(path, shape, "|u1" if recording.full_scale < 256 else "<u2") as writer:
        for place, frame in enumerate(recording.frames()):
            still, shift = stabiliser(frame.mat)
            writer.add(still)
            shifts[place] = shift.dy, shift.dx, shift.quality
    return np.load(path, mmap_mode="r"), shifts


def _figures(
    found: Extraction,
    shifts: NDArray[np.float32],
    times: NDArray[np.int64],
    ground: GroundTruth,
) -> Figures:
    moved = np.zeros((len(times), 2)) if ground.shifts is None else ground.shifts
    truth = Truth(
        Series(times, moved),
        Series(times, ground.C.T),
        Series(times, ground.S.T),
        ground.detectable.astype(np.bool_),
    )
    channels, frames = np.nonzero(found.spikes > 0)
    order = np.argsort(frames, kind="stable")
    said = Said(
        shifts=Series(times, shifts.astype(np.float64)),
        traces=Series(times, found.raw_traces.T.astype(np.float64)),
        event_time_us=times[frames[order]],
        event_channel=channels[order].astype(np.int64),
    )
    offset = shift_offset_px(said.shifts, truth.shifts)
    likeness = cosines(found.rois().footprints, seen_footprints(ground, offset))
    scores = score(said, truth, likeness).figures()
    counted = {
        "cells_detectable": float(truth.detectable.sum()),
        "cells_found": float(len(found)),
    }
    both = {**counted, **scores}
    return {name: both[name] for name in FIGURES}
