"""Source extraction: cells and their traces out of a stabilised movie, and how good they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, erfc, log, pi, sqrt
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from syntalos_miniscope.analysis.events import noise_sd
from syntalos_miniscope.analysis.rois import Rois, without_skirt
from syntalos_miniscope.recording.truth import Footprints

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

SUPPORT_SHARE = 0.1
"""Of its peak: the pixels of a footprint that are compared with the movie."""

PEAK_FRAMES, QUIET_FRAMES = 40, 120
"""So many frames of a cell at its brightest, and at its dimmest, are averaged."""


MOST_PX = 4096
"""No frame is larger."""
Side = Annotated[float, Field(ge=0, le=MOST_PX)]
Length = Annotated[int, Field(ge=0, le=MOST_PX)]
Piece = Annotated[int, Field(ge=1, le=MOST_PX)]


class ExtractionParameters(BaseModel):
    """What a back end is told; names and defaults are those of `analysis_parameters.csv`.

    Lengths are pixels of the movie, times seconds. Columns that no back end here knows are left
    out, so that a row of the table can be given whole.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    gSig: tuple[Side, Side] = (7, 7)  # noqa: N815 - the column's name
    """Half-size of a cell, px: the standard deviation of a Gaussian as wide as it."""
    gSiz: tuple[Side, Side] = (29, 29)  # noqa: N815
    """Diameter of the patch in which a cell is fitted, px."""
    K: int | None = Field(default=None, ge=1)
    """At most so many cells (a patch, in CaImAn); None: as many as there are."""
    min_corr: float = Field(default=0.8, ge=-1, le=1)
    """Least correlation of a seed with its neighbours."""
    min_pnr: float = Field(default=10, ge=0)
    """Least peak-to-noise ratio of a seed."""
    decay_time: float = Field(default=0.4, gt=0)
    """Decay of the indicator, s."""
    p: int = Field(default=1, ge=0, le=2)
    """Order of the autoregressive model of the calcium."""
    merge_thr: float = Field(default=0.7, ge=-1, le=1)
    """Overlapping cells whose traces correlate more are one."""
    rf: int | None = Field(default=40, ge=1)
    """Half-size of the patches that are worked on in parallel, px; None: the whole frame."""
    stride: int | None = Field(default=20, ge=0)
    """How far patches overlap, px."""
    tsub: int = Field(default=2, ge=1)
    """Frames that are averaged while seeds are looked for."""
    ssub: int = Field(default=1, ge=1)
    """Pixels, each way, that are averaged while seeds are looked for."""
    ssub_B: int = Field(default=2, ge=1)  # noqa: N815
    """Pixels, each way, that are averaged for the background."""
    ring_size_factor: float = Field(default=1.4, gt=0)
    """Radius of the ring that a pixel's background comes from, in units of gSiz."""
    nb: int = 0
    """Components of the background; 0 and below as in CNMF-E."""
    min_SNR: float = 3.0  # noqa: N815
    """Least signal-to-noise ratio of an accepted cell."""
    rval_thr: float = Field(default=0.85, ge=-1, le=1)
    """Least spatial correlation of an accepted cell."""
    pw_rigid: bool = True
    """Correct motion piecewise; False: by one shift for the whole frame."""
    max_shifts: tuple[Length, Length] = (15, 15)
    """Largest rigid shift that is looked for, px."""
    gSig_filt: tuple[Side, Side] = (7, 7)  # noqa: N815
    """Half-size of what motion is judged by, px."""
    strides: tuple[Piece, Piece] = (48, 48)
    """Size of the pieces, px."""
    overlaps: tuple[Length, Length] = (24, 24)
    """How far pieces overlap, px."""
    max_deviation_rigid: int = Field(default=3, ge=0)
    """How far a piece may move beyond the whole, px."""


@dataclass(frozen=True, slots=True, eq=False)
class Extraction:
    """Cells that were extracted. A footprint times its trace is in the movie's own units."""

    footprints: Footprints
    """Where the cells lie, the largest weight of each 1."""
    traces: Floats
    """C, (cell, frame): the calcium without its noise."""
    raw_traces: Floats
    """(cell, frame): C and what was left over."""
    spikes: Floats
    """S, (cell, frame)."""
    backend: str
    """`caiman`, `suite2p`, `minian` or `built-in`."""
    background: Floats | None = None
    """(H, W): the mean of what belongs to no cell, where the back end says so."""
    log: Path | None = None
    """What the back end printed."""

    def __len__(self) -> int:
        """Give the number of cells."""
        return len(self.footprints)

    def rois(self) -> Rois:
        """Give the footprints as regions `cell 1`, `cell 2`…, faint skirts left out."""
        names = [f"cell {k + 1}" for k in range(len(self))]
        cores = ((top, left, without_skirt(patch)) for top, left, patch in self.footprints)
        return Rois.placed(cores, self.footprints.canvas_shape, names)

    def pictures(self) -> Floats:
        """Give the footprints in whole frames, (cell, H, W); most of that is empty."""
        out = np.zeros((len(self), *self.footprints.canvas_shape), np.float32)
        for picture, (top, left, patch) in zip(out, self.footprints, strict=True):
            picture[top : top + patch.shape[0], left : left + patch.shape[1]] = patch
        return out

    def kept(self, mask: NDArray[np.bool_]) -> Extraction:
        """Give those cells alone that `mask` (cell,) says."""
        return Extraction(
            self.footprints.subset(mask),
            self.traces[mask],
            self.raw_traces[mask],
            self.spikes[mask],
            self.backend,
            self.background,
            self.log,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How good each cell is, (cell,), and which are good enough."""

    snr: NDArray[np.float64]
    r: NDArray[np.float64]
    accepted: NDArray[np.bool_] = field(repr=False)


def evaluate_components(
    extraction: Extraction,
    movie: NDArray[Any],
    *,
    frame_rate_hz: float,
    decay_time_s: float = 0.4,
    min_snr: float = 3.0,
    rval_thr: float = 0.85,
) -> Evaluation:
    """Judge every cell by its trace and by the movie (frame, H, W), as CaImAn does.

    A cell is accepted if both its signal-to-noise ratio and its spatial correlation reach their
    thresholds. See `signal_to_noise` and `spatial_correlation`.
    """
    if movie.shape[1:] != extraction.footprints.canvas_shape:
        raise ValueError(
            f"the footprints are of {extraction.footprints.canvas_shape} and the movie of "
            f"{movie.shape[1:]} pixels (height, width)"
        )
    if len(movie) != extraction.traces.shape[1]:
        raise ValueError(
            f"the traces have {extraction.traces.shape[1]} frames and the movie {len(movie)}"
        )
    snr = signal_to_noise(extraction.raw_traces, ceil(decay_time_s * frame_rate_hz))
    r = spatial_correlation(extraction, movie)
    return Evaluation(snr, r, (snr >= min_snr) & (r >= rval_thr))


def signal_to_noise(raw_traces: NDArray[Any], length: int) -> NDArray[np.float64]:
    """Give how far the best transient of `length` frames rises above the noise, (cell,).

    Under the hypothesis that there is noise alone, the least mean log-probability of a window's
    values, turned back into standard deviations (Giovannucci et al. 2019, "Component quality
    assessment"). Zero is the median; the noise is the root mean square of what lies below it, or
    what the steps from frame to frame tell (`noise_sd`) if that is more, as it is where a trace
    has been held at its zero.
    """
    found = np.zeros(len(raw_traces))
    steps = noise_sd(np.asarray(raw_traces, np.float64).T)
    for k, trace in enumerate(np.asarray(raw_traces, np.float64)):
        zero = np.median(trace)
        below = trace[trace < zero] - zero
        noise = max(float(np.sqrt(np.mean(below**2))) if len(below) else 0.0, steps[k])
        if 0 < noise < np.inf:
            unlikely = np.interp((trace - zero) / noise, _SDS, _LOG_TAIL)
            window = min(max(length, 1), len(unlikely))
            means = np.convolve(unlikely, np.full(window, 1 / window), "valid")
            found[k] = np.interp(-means.min(), -_LOG_TAIL, _SDS)
    return found


def spatial_correlation(extraction: Extraction, movie: NDArray[Any]) -> NDArray[np.float64]:
    """Give the correlation of each footprint with what the movie shows when the cell is active.

    That is the mean of the frames at the cell's brightest less that at its dimmest, less what the
    other cells did meanwhile, over the footprint's pixels (Giovannucci et al. 2019, "Component
    quality assessment"; Pnevmatikakis et al. 2016).
    """
    inside = [_by_pixel(*one, movie.shape[2]) for one in extraction.footprints]
    parts = [values > SUPPORT_SHARE * values.max(initial=0) for _, values in inside]
    supports = [pixels[part] for (pixels, _), part in zip(inside, parts, strict=True)]
    weights = _bright_less_quiet(extraction.traces)
    seen = [np.zeros(len(support)) for support in supports]
    for t in np.flatnonzero(weights.any(axis=0)):
        frame = np.asarray(movie[t]).reshape(-1)
        for k in np.flatnonzero(weights[:, t]):
            seen[k] += weights[k, t] * frame[supports[k]].astype(np.float32)
    rises = weights @ extraction.traces.T
    np.fill_diagonal(rises, 0)
    light = _LightByPixel(inside, movie[0].size)
    found = np.zeros(len(extraction))
    for k, support in enumerate(supports):
        a = inside[k][1][parts[k]].astype(np.float64)
        b = seen[k] - light.of(rises[k], support)
        if len(a) > 2 and a.std() > 0 and b.std() > 0:
            found[k] = np.corrcoef(a, b)[0, 1]
    return found


def _bright_less_quiet(traces: Floats) -> Floats:
    """Give, (cell, frame), how much each frame counts in the picture of a cell."""
    frames = traces.shape[1]
    weights = np.zeros(traces.shape, np.float32)
    for row, trace in zip(weights, traces, strict=True):
        order = np.argsort(trace, kind="stable")
        bright = order[-min(PEAK_FRAMES, max(frames // 4, 1)) :]
        quiet = order[: min(QUIET_FRAMES, max(frames // 2, 1))]
        row[quiet] -= 1 / len(quiet)
        row[bright] += 1 / len(bright)
    return weights


def _by_pixel(top: int, left: int, patch: Floats, width: int) -> tuple[Places, Floats]:
    """Give the pixels of a footprint, counted along the rows of a frame, and their weights."""
    rows, columns = np.nonzero(patch)
    return (top + rows) * width + left + columns, patch[rows, columns]


class _LightByPixel:
    """Which footprints reach a pixel of so many, so that only those need be asked."""

    def __init__(self, inside: list[tuple[Places, Floats]], size: int) -> None:
        pixels = np.concatenate([np.zeros(0, np.int64), *(pixels for pixels, _ in inside)])
        weights = np.concatenate([np.zeros(0, np.float32), *(values for _, values in inside)])
        order = np.argsort(pixels, kind="stable")
        self._cells = np.repeat(np.arange(len(inside)), [len(one) for one, _ in inside])[order]
        self._weights = weights[order]
        counts = np.bincount(pixels, minlength=size)
        self._begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])

    def of(self, amounts: Floats, pixels: Places) -> NDArray[np.float64]:
        """Give what (cell,) amounts of all footprints make together at some pixels."""
        begins, counts = self._begins[pixels], self._begins[pixels + 1] - self._begins[pixels]
        places = np.repeat(np.arange(len(pixels)), counts)
        before = np.cumsum(counts) - counts
        at = np.arange(len(places)) + (begins - before)[places]
        light = amounts[self._cells[at]] * self._weights[at]
        return np.bincount(places, light, minlength=len(pixels)).astype(np.float64)


def _log_tail(sd: float) -> float:
    """Give the logarithm of the probability that a normal variable exceeds `sd`."""
    if sd < 20:
        return log(erfc(sd / sqrt(2)) / 2)
    return -(sd**2) / 2 - log(sd * sqrt(2 * pi)) + log(1 - 1 / sd**2 + 3 / sd**4)


_SDS = np.concatenate([np.linspace(-8, 20, 1401), np.linspace(20.1, 1000, 9800)])
_LOG_TAIL = np.array([_log_tail(float(sd)) for sd in _SDS])
