"""What a recorded run's chain said, against the truth that was recorded beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from syntalos_miniscope.analysis.hearing import FILE, load_said
from syntalos_miniscope.analysis.matching import cosines, seen_footprints
from syntalos_miniscope.analysis.rois import Rois, load_rois
from syntalos_miniscope.analysis.score import (
    Said,
    Scores,
    Series,
    Truth,
    score,
    shift_offset_px,
)
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.containment import refuse_links_out
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.recording.truth import GroundTruth

CHAIN = ("stabilise", "background_subtraction", "roi_traces", "events", "trigger")
"""The nodes whose CPU time counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A recording with its scores, and what a page about it needs."""

    path: Path
    said: Said
    truth: Truth
    scores: Scores
    rois: Rois | None


def score_recording(path: Path) -> Scored:
    """Score a run that had a score node and a simulated scope.

    RecordingError, in one line, if the folder lacks what the one said or the other knew.
    """
    if not path.is_dir():
        what = "is a file" if path.exists() else "is not there"
        raise RecordingError(f"{path} {what}; give the folder of a run with a score node")
    refuse_links_out(path)
    said_file = _the_one(path, FILE, "nothing of what a chain said; put a score node into the run")
    truth_file = _the_one(path, "truth.zarr", "no truth; it comes with a simulated scope")
    try:
        said, _ = load_said(said_file, cpu_ms_per_frame(path))
    except ValueError as error:
        raise RecordingError(str(error)) from error
    ground = open_minisim_zarr(truth_file).truth()
    truth = truth_of_recording(ground)
    roi_files = sorted(path.rglob("rois.json"))
    rois = None
    if roi_files and said.traces.values.shape[1]:
        try:
            rois = load_rois(roi_files[0], ground.fov_shape)
        except ValueError as error:
            raise RecordingError(str(error)) from error
    likeness = None
    if rois is not None:
        offset = shift_offset_px(said.shifts, truth.shifts)
        likeness = cosines(rois.footprints, seen_footprints(ground, offset))
    return Scored(path, said, truth, score(said, truth, likeness), rois)


def truth_of_recording(ground: GroundTruth) -> Truth:
    """Give the truth of the frames that were sent, by their times."""
    frames = ground.C.shape[1]
    stamps = ground.extras.get("time_us")
    if stamps is None:
        raise RecordingError("the truth does not say the times of its frames")
    times = np.rint(stamps).astype(np.int64)
    shifts = np.zeros((frames, 2)) if ground.shifts is None else ground.shifts
    return Truth(
        Series(times, shifts), Series(times, ground.C.T), Series(times, ground.S.T),
        ground.detectable.astype(np.bool_),
    )  # fmt: skip


def _the_one(path: Path, name: str, lack: str) -> Path:
    found = sorted(path.rglob(name))
    if not found:
        raise RecordingError(f"{path} holds {lack}")
    if len(found) > 1:
        raise RecordingError(
            f"{path} holds {len(found)} files called {name}; give the folder of one run"
        )
    return found[0]


def cpu_ms_per_frame(path: Path) -> float | None:
    """Give the CPU time of the chain, from the run's report; None if it does not say."""
    try:
        report: Any = json.loads((path / "report.json").read_text("utf-8"))
        nodes = [node for node in report["nodes"] if node["type"] in CHAIN]
        heard = [entry for node in nodes for entry in node["inputs"]]
        frames = max(entry["items"] for entry in heard if entry["port"] == "frames-in")
        return 1000 * sum(node["cpu_s"] for node in nodes) / frames if frames else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
