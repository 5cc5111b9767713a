"""What a chain said, measured against the truth: motion, cells, traces, events, delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.events import noise_sd
from syntalos_miniscope.analysis.matching import best_matching

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

LEAST_COSINE = 0.6
"""Of two footprints that are one cell (minisim's metrics)."""

LEAST_CORRELATION = 0.6
"""Of two traces that are one cell, where there are no footprints to compare."""

EVENT_TOLERANCE_US = 150_000
VISIBLE_SD = 3.0
"""A true event can be seen if it raises the trace by so many standard deviations of its noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A signal: `time_us` (sample,) increasing, `values` (sample, channel)."""

    time_us: Times
    values: Floats

    def at(self, time_us: Times) -> Floats:
        """Give the values of these times, NaN where there is no sample: (time, channel)."""
        out = np.full((len(time_us), self.values.shape[1]), np.nan)
        if len(self.time_us):
            place = np.searchsorted(self.time_us, time_us).clip(0, len(self.time_us) - 1)
            there = self.time_us[place] == time_us
            out[there] = self.values[place[there]]
        return out


def empty_series(channels: int = 0) -> Series:
    """Give a signal without samples."""
    return Series(np.zeros(0, np.int64), np.zeros((0, channels)))


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What the chain said. `events` are (sorted times in µs, channel of `traces`)."""

    shifts: Series = field(default_factory=lambda: empty_series(3))
    traces: Series = field(default_factory=empty_series)
    event_time_us: Times = field(default_factory=lambda: np.zeros(0, np.int64))
    event_channel: Times = field(default_factory=lambda: np.zeros(0, np.int64))
    latency_ms: Floats = field(default_factory=lambda: np.zeros(0))
    cpu_ms_per_frame: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is true: `shifts` (px, as frames moved), `traces` and `spikes` of every cell."""

    shifts: Series
    traces: Series
    spikes: Series
    detectable: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """How good it was; None for what the run did not have. `pairs` are (channel, cell)."""

    shift_rmse_px: float | None
    recall: float | None
    precision: float | None
    trace_r_median: float | None
    trace_r_p10: float | None
    event_f1: float | None
    latency_p99_ms: float | None
    cpu_ms_per_frame: float | None
    matched_by: str
    pairs: tuple[tuple[int, int], ...] = ()
    trace_r: tuple[float, ...] = ()

    def figures(self) -> Mapping[str, float | None]:
        """Give the figures by their names."""
        names = ("shift_rmse_px", "recall", "precision", "trace_r_median", "trace_r_p10")
        names += ("event_f1", "latency_p99_ms", "cpu_ms_per_frame")
        return {name: getattr(self, name) for name in names}


def score(said: Said, true: Truth, likeness: Floats | None = None) -> Scores:
    """Measure.

    `likeness` (channel, cell) is the cosine of footprints; without it cells are matched by their
    traces, which finds no fault with a trace that follows two cells. Only detectable cells are
    asked for; a match with another one is no mistake.
    """
    by = "trace" if likeness is None else "footprint"
    mine, theirs = _common(said.traces, true.traces)
    used = np.isfinite(mine).any(axis=0) if len(mine) else np.zeros(mine.shape[1], np.bool_)
    r = correlations(mine, theirs)
    if likeness is None:
        pairs = best_matching(r, LEAST_CORRELATION)
    else:
        pairs = best_matching(likeness, LEAST_COSINE)
        used = np.ones(len(likeness), np.bool_)
    found = [pair for pair in pairs if true.detectable[pair[1]]]
    there = int(true.detectable.sum())
    traces = [float(r[pair]) for pair in pairs] if r.size else []
    return Scores(
        shift_rmse_px=shift_rmse_px(said.shifts, true.shifts),
        recall=len(found) / there if there and used.any() else None,
        precision=len(pairs) / int(used.sum()) if there and used.any() else None,
        trace_r_median=float(np.median(traces)) if traces else None,
        trace_r_p10=float(np.percentile(traces, 10)) if traces else None,
        event_f1=event_f1(said, true, pairs),
        latency_p99_ms=float(np.percentile(said.latency_ms, 99)) if len(said.latency_ms) else None,
        cpu_ms_per_frame=said.cpu_ms_per_frame,
        matched_by=by,
        pairs=tuple(pairs),
        trace_r=tuple(traces),
    )


def shift_rmse_px(said: Series, true: Series) -> float | None:
    """Give the root mean square error over frames and both axes, px.

    A constant offset is no error: it only says where the picture was called at rest.
    """
    error = shift_errors_px(said, true)
    return float(np.sqrt((error**2).mean())) if len(error) else None


def shift_errors_px(said: Series, true: Series) -> Floats:
    """Give the error (frame, 2) less its mean."""
    at = true.at(said.time_us)
    there = np.isfinite(at).all(axis=1)
    error = said.values[there, :2] - at[there]
    return error - error.mean(axis=0) if len(error) else error


def shift_offset_px(said: Series, true: Series) -> tuple[float, float]:
    """Give how far down and right true footprints lie in the stabilised frames, px."""
    at = true.at(said.time_us)
    there = np.isfinite(at).all(axis=1)
    if not there.any():
        return 0.0, 0.0
    dy, dx = (at[there] - said.values[there, :2]).mean(axis=0)
    return float(dy), float(dx)


def correlations(mine: Floats, theirs: Floats) -> Floats:
    """Give Pearson's r of the columns of (sample, channel) and (sample, cell); 0 for a flat one.

    Samples at which a column is NaN are left out for all of them together.
    """
    whole = np.isfinite(mine).any(axis=1) & np.isfinite(theirs).all(axis=1)
    a, b = np.nan_to_num(mine[whole]), theirs[whole]
    if not len(a):
        return np.zeros((mine.shape[1], theirs.shape[1]))
    a, b = a - a.mean(0), b - b.mean(0)
    scale = np.outer(np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0))
    return np.where(scale > 0, (a.T @ b) / np.maximum(scale, 1e-300), 0.0)


def event_f1(said: Said, true: Truth, pairs: Sequence[tuple[int, int]]) -> float | None:
    """Give the harmonic mean of precision and recall of the events of matched cells.

    An event is right if its cell fired within 150 ms of it. A true event is a volley of spikes
    that raises the trace by three standard deviations of its noise; it is found if an event was
    said within 150 ms of its first spike. Only the time from the first event said counts, as the
    chain learns its noise before. None without events or without true ones.
    """
    if not len(said.event_time_us):
        return None
    right = found = there = spoken = 0
    begin_us = int(said.event_time_us.min())
    for channel, cell in pairs:
        times_us = said.event_time_us[said.event_channel == channel]
        spikes = true.spikes
        fired_us = spikes.time_us[spikes.values[:, cell] > 0]
        visible_us = _visible_us(said.traces, true, channel, cell)
        visible_us = visible_us[visible_us >= begin_us]
        spoken += len(times_us)
        right += int(near(times_us, fired_us).sum())
        there += len(visible_us)
        found += int(near(visible_us, times_us).sum())
    if not spoken or not there:
        return None
    precision, recall = right / spoken, found / there
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def near(these_us: Times, those_us: Times) -> NDArray[np.bool_]:
    """Say of each of these whether one of those (sorted or not) is within the tolerance."""
    if not len(those_us):
        return np.zeros(len(these_us), np.bool_)
    those_us = np.sort(those_us)
    right = np.searchsorted(those_us, these_us).clip(0, len(those_us) - 1)
    left = np.maximum(right - 1, 0)
    away = np.minimum(abs(those_us[right] - these_us), abs(those_us[left] - these_us))
    return away <= EVENT_TOLERANCE_US


def _visible_us(traces: Series, true: Truth, channel: int, cell: int) -> Times:
    """Give when the volleys begin that must be seen in a trace."""
    mine, theirs = _common(traces, true.traces)
    mine, theirs = mine[:, [channel]], theirs[:, cell]
    whole = np.isfinite(mine[:, 0]) & np.isfinite(theirs)
    if whole.sum() < 3 or theirs[whole].std() == 0:
        return np.zeros(0, np.int64)
    slope = np.polyfit(theirs[whole], mine[whole, 0], 1)[0]
    least = VISIBLE_SD * float(noise_sd(mine[whole])[0]) / max(slope, 1e-12)
    fired = np.flatnonzero(true.spikes.values[:, cell] > 0)
    if not len(fired):
        return np.zeros(0, np.int64)
    volleys = np.split(fired, np.flatnonzero(np.diff(fired) > 2) + 1)
    calcium = true.traces.values[:, cell]
    begins = [
        volley[0]
        for volley in volleys
        if calcium[volley[0] : volley[-1] + 2].max() - calcium[max(volley[0] - 1, 0)] >= least
    ]
    return true.spikes.time_us[np.array(begins, np.int64)]


def _common(mine: Series, theirs: Series) -> tuple[Floats, Floats]:
    """Give both at the times of the first."""
    return mine.values, theirs.at(mine.time_us)
