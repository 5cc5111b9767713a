"""Scores as one HTML page, with its plots drawn inside it."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.plots import MINE, histogram, lines, whole_page
from syntalos_miniscope.analysis.score import Said, Scores, Truth, shift_errors_px

Floats = NDArray[np.float64]

SHOWN_SAMPLES = 600
TRUE = "#4682b4"

_MEANING = {
    "shift_rmse_px": "error of the shifts, px, a constant offset left out",
    "recall": "share of the detectable cells that were found",
    "precision": "share of the regions that are a cell",
    "trace_r_median": "correlation of traces with the truth, median",
    "trace_r_p10": "the same, 10th percentile",
    "event_f1": "events, F1 within 150 ms",
    "latency_p99_ms": "from the frame to the decision, 99th percentile, ms",
    "cpu_ms_per_frame": "CPU time of the chain for each frame, ms",
}


def write_page(path: Path, title: str, said: Said, truth: Truth, scores: Scores) -> None:
    """Write the page."""
    path.write_text(page(title, said, truth, scores), "utf-8")


def page(title: str, said: Said, truth: Truth, scores: Scores) -> str:
    """Give the page as HTML that needs no other file."""
    rows = "\n".join(
        f"<tr><td>{name}</td><td class='figure'>{_figure(value)}</td><td>{_MEANING[name]}</td></tr>"
        for name, value in scores.figures().items()
    )
    parts = [
        f"<h1>{escape(title)}</h1><table>{rows}</table>",
        f"<p>{len(scores.pairs)} cells matched by {scores.matched_by}, "
        f"{int(truth.detectable.sum())} detectable. "
        "<span class='mine'>What the chain said</span>, "
        "<span class='true'>what is true</span>.</p>",
    ]
    parts += _shift_plots(said, truth)
    parts += _trace_plots(said, truth, scores)
    if len(said.latency_ms):
        drawn = histogram(said.latency_ms, ("ms", "decisions"))
        parts.append("<h2>From the frame to the decision</h2>" + drawn)
    return whole_page(title, "\n".join(parts))


def _shift_plots(said: Said, truth: Truth) -> list[str]:
    shown = said.shifts.time_us[-SHOWN_SAMPLES:]
    if not len(shown):
        return []
    true, mine = truth.shifts.at(shown), said.shifts.at(shown)
    parts = ["<h2>Shifts, at the end</h2>"]
    for axis, unit in enumerate(("px down", "px right")):
        level = np.nanmean(mine[:, axis] - true[:, axis]) if np.isfinite(true).any() else 0.0
        curves = [(true[:, axis] + level, TRUE), (mine[:, axis], MINE)]
        parts.append(lines(shown / 1e6, curves, unit=unit))
    errors = shift_errors_px(said.shifts, truth.shifts)
    if len(errors):
        parts.append("<h2>Errors of the shifts</h2>" + histogram(errors.ravel(), ("px", "shifts")))
    return parts


def _trace_plots(said: Said, truth: Truth, scores: Scores) -> list[str]:
    """Show the best, the median and the poorest tenth of the matched traces."""
    if not scores.trace_r:
        return []
    order = np.argsort(scores.trace_r)[::-1]
    shown = said.traces.time_us[-SHOWN_SAMPLES:]
    mine, true = said.traces.at(shown), truth.traces.at(shown)
    parts = ["<h2>Traces at the end: the best, the median, the poorest tenth</h2>"]
    for share in (0.0, 0.5, 0.9):
        at = int(order[min(int(share * len(order)), len(order) - 1)])
        channel, cell = scores.pairs[at]
        drawn = [(_unit(true[:, cell]), TRUE), (_unit(mine[:, channel]), MINE)]
        shape = lines(shown / 1e6, drawn, unit="of its range")
        parts.append(f"<p>r = {scores.trace_r[at]:.3f}</p>" + shape)
    return parts


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _unit(values: Floats) -> Floats:
    kept = values[np.isfinite(values)]
    if not len(kept):
        return values
    return (values - kept.min()) / max(float(kept.max() - kept.min()), 1e-12)
