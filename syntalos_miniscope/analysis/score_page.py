"""Scores as one HTML page, with its plots drawn inside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.score import Said, Scores, Truth, shift_errors_px

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 720, 160
SHOWN_SAMPLES = 600
MINE, TRUE = "#d2691e", "#4682b4"

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

_STYLE = """body { font: 15px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2em auto;
padding: 0 1em; color: #222; background: #fff } h1 { font-size: 1.4em } h2 { font-size: 1.1em }
table { border-collapse: collapse } td { padding: .15em 1em .15em 0 }
td.figure { text-align: right; font-variant-numeric: tabular-nums } svg { background: #f6f7f8 }
.mine { color: #d2691e } .true { color: #4682b4 }"""


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
        parts.append("<h2>From the frame to the decision, ms</h2>" + histogram(said.latency_ms))
    body = "\n".join(parts)
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<style>{_STYLE}</style><body>{body}</body></html>\n"
    )


def _shift_plots(said: Said, truth: Truth) -> list[str]:
    shown = said.shifts.time_us[-SHOWN_SAMPLES:]
    if not len(shown):
        return []
    true, mine = truth.shifts.at(shown), said.shifts.at(shown)
    parts = ["<h2>Shifts, px, at the end</h2>"]
    for axis in range(2):
        level = np.nanmean(mine[:, axis] - true[:, axis]) if np.isfinite(true).any() else 0.0
        parts.append(lines(shown / 1e6, [(true[:, axis] + level, TRUE), (mine[:, axis], MINE)]))
    errors = shift_errors_px(said.shifts, truth.shifts)
    if len(errors):
        parts.append("<h2>Errors of the shifts, px</h2>" + histogram(errors.ravel()))
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
        parts.append(f"<p>r = {scores.trace_r[at]:.3f}</p>" + lines(shown / 1e6, drawn))
    return parts


def lines(x: Floats, curves: Sequence[tuple[Floats, str]]) -> str:
    """Draw curves (n,) over x (n,), increasing; NaN is left out."""
    finite = [values[np.isfinite(values)] for values, _ in curves]
    both = np.concatenate(finite) if finite else np.zeros(0)
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    high = high if high > low else low + 1
    px = 44 + (x - x[0]) / max(float(x[-1] - x[0]), 1e-9) * (WIDTH - 54)
    drawn: list[str] = []
    for values, colour in curves:
        py = HEIGHT - 22 - (values - low) / (high - low) * (HEIGHT - 32)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True) if np.isfinite(b))
        drawn.append(f"<polyline points='{points}' fill='none' stroke='{colour}'/>")
    return _frame("".join(drawn), (low, high), (float(x[0]), float(x[-1])), " s")


def histogram(values: Floats, bins: int = 60) -> str:
    """Draw how often which value comes; the outer thousandths are left out."""
    kept = values[np.isfinite(values)]
    low, high = (float(v) for v in np.percentile(kept, (0.1, 99.9)))
    counts, edges = np.histogram(kept, bins, (low, high if high > low else low + 1))
    width = (WIDTH - 54) / bins
    tallest = max(int(counts.max()), 1)
    drawn = "".join(
        f"<rect x='{44 + k * width:.1f}' y='{HEIGHT - 22 - bar:.1f}' width='{width - 1:.1f}' "
        f"height='{bar:.1f}' fill='{MINE}'/>"
        for k, count in enumerate(counts)
        for bar in [count / tallest * (HEIGHT - 32)]
    )
    return _frame(drawn, (0, tallest), (float(edges[0]), float(edges[-1])), "")


def _frame(drawn: str, y: tuple[float, float], x: tuple[float, float], unit: str) -> str:
    texts = [
        (40, 16, "end", f"{y[1]:.3g}"),
        (40, HEIGHT - 22, "end", f"{y[0]:.3g}"),
        (44, HEIGHT - 6, "start", f"{x[0]:.4g}{unit}"),
        (WIDTH - 10, HEIGHT - 6, "end", f"{x[1]:.4g}{unit}"),
    ]
    labels = "".join(
        f"<text x='{a}' y='{b}' text-anchor='{anchor}' font-size='11' fill='#555'>{text}</text>"
        for a, b, anchor, text in texts
    )
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='100%'>{drawn}{labels}</svg>"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _unit(values: Floats) -> Floats:
    kept = values[np.isfinite(values)]
    if not len(kept):
        return values
    return (values - kept.min()) / max(float(kept.max() - kept.min()), 1e-12)
