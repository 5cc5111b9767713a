"""Plots and pictures inside an HTML page that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 720, 160
MINE, OTHER, FAINT = "#d2691e", "#4682b4", "#999999"

STYLE = """body { font: 15px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2em auto;
padding: 0 1em; color: #222; background: #fff } h1 { font-size: 1.4em } h2 { font-size: 1.1em }
table { border-collapse: collapse } td { padding: .15em 1em .15em 0 }
td.figure { text-align: right; font-variant-numeric: tabular-nums } svg { background: #f6f7f8 }
figure { margin: 0 } figcaption { color: #777; font-size: .9em }
.side { display: flex; gap: 12px; flex-wrap: wrap } .side > * { flex: 1 1 220px; min-width: 0 }
.mine { color: #d2691e } .true { color: #4682b4 } .faint { color: #777 }
:root { color-scheme: light dark } @media (prefers-color-scheme: dark) {
body { color: #ddd; background: #1c1e21 } svg { background: #26292d }
.faint, figcaption { color: #9a9a9a } }"""


def whole_page(title: str, body: str) -> str:
    """Give a page with a title and a body of HTML."""
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<style>{STYLE}</style><body>{body}</body></html>\n"
    )


def picture(image: NDArray[Any]) -> str:
    """Show a picture, uint8 (H, W) or (H, W, 3) in BGR order."""
    return (
        f"<img alt='' style='width: 100%; max-width: {2 * image.shape[1]}px' src='{_png(image)}'>"
    )


def side_by_side(pictures: Sequence[tuple[str, str]]) -> str:
    """Show HTML beside HTML, each with a caption of plain text below it."""
    inner = "".join(
        f"<figure>{shown}<figcaption>{escape(caption)}</figcaption></figure>"
        for shown, caption in pictures
    )
    return f"<div class='side'>{inner}</div>"


def colored(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Give values (H, W) as a picture (H, W, 3) from black through red to yellow."""
    share = (np.nan_to_num(values) - low) / max(high - low, 1e-12)
    grey = np.clip(share * 255 + 0.5, 0, 255).astype(np.uint8)
    return cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO).astype(np.uint8)


def heatmap(
    values: NDArray[Any],
    x: tuple[float, float],
    y: tuple[float, float],
    units: tuple[str, str],
    range_: tuple[float, float],
) -> str:
    """Draw values (row, column), the first row at the bottom; x and y are first and last."""
    image = _png(colored(values[::-1], *range_))
    drawn = (
        f"<image x='44' y='10' width='{WIDTH - 54}' height='{HEIGHT - 32}' href='{image}' "
        f"preserveAspectRatio='none' style='image-rendering: pixelated'/>"
    )
    return _frame(drawn, y, x, units)


def lines(
    x: Floats, curves: Sequence[tuple[Floats, str]], marks: Floats | None = None, unit: str = ""
) -> str:
    """Draw curves (n,) over x (n,), increasing, s; NaN is left out. `marks` are ticks at some x.

    `unit` is that of the curves.
    """
    finite = [values[np.isfinite(values)] for values, _ in curves]
    both = np.concatenate(finite) if finite else np.zeros(0)
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    high = high if high > low else low + 1
    scale = (WIDTH - 54) / max(float(x[-1] - x[0]), 1e-9)
    px = 44 + (x - x[0]) * scale
    drawn: list[str] = []
    for values, colour in curves:
        py = HEIGHT - 22 - (values - low) / (high - low) * (HEIGHT - 32)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True) if np.isfinite(b))
        drawn.append(f"<polyline points='{points}' fill='none' stroke='{colour}'/>")
    for at in 44 + (marks - x[0]) * scale if marks is not None else ():
        drawn.append(
            f"<line x1='{at:.1f}' x2='{at:.1f}' y1='{HEIGHT - 22}' y2='{HEIGHT - 16}' "
            f"stroke='{OTHER}'/>"
        )
    return _frame("".join(drawn), (low, high), (float(x[0]), float(x[-1])), ("s", unit))


def histogram(values: Floats, units: tuple[str, str], bins: int = 60) -> str:
    """Draw how often which value comes; the outer thousandths are left out.

    `units` are that of the values, and what is counted.
    """
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
    return _frame(drawn, (0, tallest), (float(edges[0]), float(edges[-1])), units)


def _frame(
    drawn: str, y: tuple[float, float], x: tuple[float, float], units: tuple[str, str]
) -> str:
    unit, unit_y = units
    texts = [
        (40, 16, "end", f"{y[1]:.3g}"),
        (48, 16, "start", unit_y),
        (40, HEIGHT - 22, "end", f"{y[0]:.3g}"),
        (44, HEIGHT - 6, "start", f"{x[0]:.4g} {unit}"),
        (WIDTH - 10, HEIGHT - 6, "end", f"{x[1]:.4g} {unit}"),
    ]
    labels = "".join(
        f"<text x='{a}' y='{b}' text-anchor='{anchor}' font-size='11' fill='#808080'>{escape(text)}"
        f"</text>"
        for a, b, anchor, text in texts
    )
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='100%'>{drawn}{labels}</svg>"


def _png(image: NDArray[Any]) -> str:
    _, png = cv2.imencode(".png", image)
    return f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}"
