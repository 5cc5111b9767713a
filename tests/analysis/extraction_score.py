"""How well cells are extracted from a movie whose truth is known; the benchmark has it too."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import movies
import numpy as np

from syntalos_miniscope.analysis.backends import BUILT_IN, Installed, extract, installed
from syntalos_miniscope.analysis.extraction import Extraction, ExtractionParameters
from syntalos_miniscope.analysis.matching import best_matching, cosines

PARAMETERS = ExtractionParameters(gSig=(3, 3), gSiz=(13, 13), min_pnr=8)
LEAST_COSINE = 0.6
HERE = Path(__file__).parents[2] / ".venv-backends"
"""Where the tests have back ends of their own, if the person at this machine has none."""


@dataclass(frozen=True)
class Found:
    """Recall and precision of footprints; medians over the cells that were found."""

    cells: int
    recall: float
    precision: float
    cosine: float
    trace_r: float
    spikes_r: float


@dataclass(frozen=True)
class Cost:
    """What an extraction took, in a process of its own."""

    cpu_s: float
    peak_mb: float


def set_up() -> dict[str, Installed]:
    """Give the back ends that are set up here."""
    return {**installed(HERE), **installed()}


def extracted(name: str, movie: movies.Movie, work: Path) -> tuple[Extraction, Cost]:
    """Extract the cells of a stabilised movie by a back end that is set up, or `built-in`."""
    if name != BUILT_IN:
        found = extract(movie.still, PARAMETERS, set_up()[name], work, frame_rate_hz=movies.FPS)
        told = json.loads((work / "result.json").read_text())
        return found, Cost(told["cpu_s"], max(told["peak_mb"], told["peak_worker_mb"]))
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_built_in, (movie.still,))


def _built_in(still: np.ndarray) -> tuple[Extraction, Cost]:
    found = extract(still, PARAMETERS, BUILT_IN, Path(), frame_rate_hz=movies.FPS)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return found, Cost(time.process_time(), peak_mb)


def judged(extraction: Extraction, movie: movies.Movie) -> Found:
    true = [(0, 0, one) for one in movie.footprints.astype(np.float32)]
    alike = cosines(extraction.rois().footprints, true)
    pairs = best_matching(alike, LEAST_COSINE)
    return Found(
        len(extraction),
        len(pairs) / len(true),
        len(pairs) / max(len(extraction), 1),
        float(np.median([alike[pair] for pair in pairs])),
        _median_r(extraction.traces, movie.ground.C, pairs),
        _median_r(extraction.spikes, movie.ground.S, pairs),
    )


def _median_r(mine: np.ndarray, true: np.ndarray, pairs: list[tuple[int, int]]) -> float:
    found = [np.corrcoef(mine[i], true[j])[0, 1] if mine[i].std() > 0 else 0.0 for i, j in pairs]
    return float(np.median(found))


HEAD = f"{'':9}  cells  recall  precision  cosine  r of C  r of S  CPU s  peak GB"


def row(name: str, found: Found, cost: Cost) -> str:
    """Give a line of the table below HEAD."""
    return (
        f"{name:9}  {found.cells:5}  {found.recall:6.2f}  {found.precision:9.2f}  "
        f"{found.cosine:6.3f}  {found.trace_r:6.3f}  {found.spikes_r:6.3f}  {cost.cpu_s:5.1f}  "
        f"{cost.peak_mb / 1000:7.2f}"
    )
