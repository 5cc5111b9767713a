"""Extraction without any other program: cells as the live analysis finds them, demixed, OASIS."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.backends.child import Progress
from syntalos_miniscope.analysis.backends.environments import BUILT_IN
from syntalos_miniscope.analysis.cell_finder import CellSearch, find_cells, half_band
from syntalos_miniscope.analysis.events import noise_sd
from syntalos_miniscope.analysis.extraction import Extraction, ExtractionParameters
from syntalos_miniscope.analysis.oasis import deconvolve
from syntalos_miniscope.analysis.rois import Rois
from syntalos_miniscope.analysis.traces import trace_reader

SEARCHED_PICTURES = 600
"""Pictures, of up to 10 a second, in which cells are looked for: memory does not grow."""

LEAST_PICTURES = 10
MOST_CELLS = 1000
SPIKE_SD = 2.0
"""The least rise of a spike, in standard deviations of a trace's noise."""

Movie = NDArray[Any]


def extract_built_in(
    movie: Movie,
    parameters: ExtractionParameters,
    rois: Rois | None = None,
    progress: Progress | None = None,
    *,
    frame_rate_hz: float,
) -> Extraction:
    """Extract the cells of a stabilised movie (frame, H, W), or the given ones.

    Of the parameters, gSig, K and decay_time count; seeds are judged as the live analysis judges
    them. ValueError if the regions are for frames of another size, or the movie is too short.
    """
    shape = (movie.shape[1], movie.shape[2])
    if rois is not None and rois.shape != shape:
        raise ValueError(
            f"the regions are for frames of {rois.shape[1]} x {rois.shape[0]} pixels, these have "
            f"{shape[1]} x {shape[0]}"
        )
    tell = progress or (lambda stage, share: None)
    if rois is None:
        tell("looking for cells", 0.0)
        search = CellSearch(4.0 * max(parameters.gSig), most_cells=parameters.K or MOST_CELLS)
        pictures = _pictures(movie, frame_rate_hz, search)
        if len(pictures) < LEAST_PICTURES:
            raise ValueError(f"a movie of {len(movie)} frames is too short to find cells in")
        rois = find_cells(pictures, shape, search)
    traces = np.zeros((len(movie), len(rois)), np.float32)
    read = trace_reader(rois, "demix")
    for place, frame in enumerate(movie):
        traces[place] = read(np.ascontiguousarray(frame))
        if place % 100 == 0:
            tell(f"reading the traces of {len(rois)} cells", place / len(movie))
    calcium, spikes = _deconvolved(traces, frame_rate_hz, parameters.decay_time)
    return Extraction(
        footprints=rois.footprints,
        traces=calcium,
        raw_traces=traces.T.copy(),
        spikes=spikes,
        backend=BUILT_IN,
    )


def _pictures(movie: Movie, rate_hz: float, search: CellSearch) -> list[NDArray[np.float32]]:
    """Give band-passed means of neighbouring frames, from stretches spread over the movie."""
    size = max(round(rate_hz / 10), 1)
    begins = np.arange(0, len(movie) - size + 1, size)
    if len(begins) > SEARCHED_PICTURES:
        begins = begins[np.linspace(0, len(begins) - 1, SEARCHED_PICTURES).round().astype(int)]
    return [
        half_band(movie[begin : begin + size].mean(axis=0, dtype=np.float32), search.diameter_px)
        for begin in begins.tolist()
    ]


def _deconvolved(
    traces: NDArray[np.float32], rate_hz: float, decay_s: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give calcium and spikes of (frame, cell) traces, (cell, frame)."""
    calcium = np.zeros(traces.T.shape, np.float32)
    spikes = np.zeros_like(calcium)
    g = exp(-1 / (decay_s * rate_hz))
    for cell, noise in enumerate(noise_sd(traces.astype(np.float64))):
        if np.isfinite(noise):
            least = SPIKE_SD * float(noise)
            calcium[cell], spikes[cell] = deconvolve(traces[:, cell], g, least_spike=least)
    return calcium, spikes
