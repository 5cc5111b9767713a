"""How well cells were extracted from a movie whose truth is known; the benchmark has it too."""

from __future__ import annotations

from dataclasses import dataclass

import movies
import numpy as np

from syntalos_miniscope.analysis.extraction import Extraction, ExtractionParameters
from syntalos_miniscope.analysis.matching import best_matching, cosines

PARAMETERS = ExtractionParameters(gSig=(3, 3), gSiz=(13, 13), min_pnr=8)
LEAST_COSINE = 0.6


@dataclass(frozen=True)
class Found:
    """Recall and precision of footprints; medians over the cells that were found."""

    cells: int
    recall: float
    precision: float
    cosine: float
    trace_r: float
    spikes_r: float


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
