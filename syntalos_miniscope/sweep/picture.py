"""The results of a sweep as one picture: a heat map for each figure, brighter is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

PANELS = {
    "recall": "recall",
    "precision": "precision",
    "trace_r_median": "trace r, median",
    "event_f1": "event F1",
    "shift_rmse_px": "shift error, px",
}
"""Figures that are drawn, with their titles; all but the last lie between 0, dark, and 1."""
DARK_SHIFT_PX = 1.0
"""A shift error that is drawn as dark as can be."""

SCALE = 2
"""Pixels of the picture to a unit of the sizes below."""
TILE_W, TILE_H, GAP, TEXT = 58, 26, 22, 0.38
PANELS_ABREAST = 3
MOST_SHOWN = 40
"""Values of an axis; the table has all."""
GREY, INK = (222, 222, 222), (40, 40, 40)

Axis = tuple[str, Sequence[str]]
Point = tuple[tuple[str, ...], Mapping[str, float | None] | None, bool]
"""The values of a cell along all axes, its figures if there are any, and whether it failed."""


def results_picture(axes: Sequence[Axis], seeds: Sequence[int], points: Sequence[Point]) -> bytes:
    """Give a PNG. The first axis goes down, the second across; all others and seeds are averaged.

    A tile without a figure says `failed` if a cell of it did, and `-` if the figure says nothing.
    """
    shown = [(path, values[:MOST_SHOWN]) for path, values in axes[:2]]
    down, across = (*shown, ("", [""]), ("", [""]))[:2]
    panels = [_panel(name, axes, (down, across), points) for name in PANELS]
    height, width = (max(panel.shape[side] for panel in panels) for side in (0, 1))
    padded = [_on_white(panel, height, width) for panel in panels]
    blank = np.full((height, width, 3), 255, np.uint8)
    padded += [blank] * (-len(padded) % PANELS_ABREAST)
    rows = [
        np.hstack(padded[k : k + PANELS_ABREAST]) for k in range(0, len(padded), PANELS_ABREAST)
    ]
    head = _head(axes, seeds, rows[0].shape[1])
    whole = np.vstack([head, *(_on_white(row, row.shape[0], head.shape[1]) for row in rows)])
    encoded, png = cv2.imencode(".png", whole)
    if not encoded:
        raise OSError("the picture could not be encoded")
    return png.tobytes()


def _panel(
    figure: str, axes: Sequence[Axis], shown: tuple[Axis, Axis], points: Sequence[Point]
) -> NDArray[np.uint8]:
    (_, down), (_, across) = shown
    tiles = [[_tile_values(figure, axes, (r, c), points) for c in across] for r in down]
    left = max((_wide(name) for name in down), default=0) + 18
    wide = left + max(TILE_W * len(across), round(1.2 * _wide(PANELS[figure]))) + GAP
    picture = np.full((TILE_H * len(down) + 46, wide, 3), 255)
    picture = cv2.resize(picture.astype(np.uint8), None, fx=SCALE, fy=SCALE)
    _write(picture, PANELS[figure], (left, 14), 1.2)
    for column, name in enumerate(map(_fitting, across)):
        _write(picture, name, (left + TILE_W * column + (TILE_W - _wide(name)) // 2, 30))
    for r, row in enumerate(tiles):
        y = 36 + TILE_H * r
        _write(picture, down[r], (10, y + 17))
        for c, (value, failed) in enumerate(row):
            goodness = value
            if value is not None and figure == "shift_rmse_px":
                goodness = 1 - value / DARK_SHIFT_PX
            text = (
                ("failed" if failed else "-") if value is None else f"{round(value, 2) + 0.0:.2f}"
            )
            _tile(picture, (left + TILE_W * c, y), goodness, text)
    return picture.astype(np.uint8, copy=False)


def _tile_values(
    figure: str, axes: Sequence[Axis], wanted: tuple[str, str], points: Sequence[Point]
) -> tuple[float | None, bool]:
    mine = [
        (figures, failed)
        for values, figures, failed in points
        if all(v == w for v, w in zip(values[:2], wanted[: len(axes)], strict=True))
    ]
    numbers = [
        number
        for figures, _ in mine
        if figures is not None and (number := figures.get(figure)) is not None
    ]
    return float(np.mean(numbers)) if numbers else None, any(failed for _, failed in mine)


def _tile(picture: Any, corner: tuple[int, int], goodness: float | None, text: str) -> None:
    x, y = (SCALE * side for side in corner)
    colour = GREY
    if goodness is not None:
        level = np.full((1, 1), round(255 * min(max(goodness, 0.0), 1.0)), np.uint8)
        colour = tuple(int(part) for part in cv2.applyColorMap(level, cv2.COLORMAP_VIRIDIS)[0, 0])
    low = (x + SCALE * (TILE_W - 2), y + SCALE * (TILE_H - 2))
    cv2.rectangle(picture, (x, y), low, colour, cv2.FILLED)
    dark = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2] < 130
    inset = (TILE_W - _wide(text)) // 2
    ink = (255, 255, 255) if dark else INK
    _write(picture, text, (corner[0] + inset, corner[1] + 17), ink=ink)


def _head(axes: Sequence[Axis], seeds: Sequence[int], width_px: int) -> NDArray[np.uint8]:
    lines = [
        f"{way}: {path}" + (f", the first {MOST_SHOWN}" if len(values) > MOST_SHOWN else "")
        for way, (path, values) in zip(("down", "across"), axes, strict=False)
    ]
    over = [f"{len(seeds)} seed{'s' * (len(seeds) > 1)}"]
    over += [f"{len(values)} of {path}" for path, values in axes[2:]]
    lines.append(f"mean of {' and '.join(over)}; brighter is better")
    width_px = max([width_px, *(SCALE * (_wide(line) + 20) for line in lines)])
    head = np.full((SCALE * (14 * len(lines) + 10), width_px, 3), 255, np.uint8)
    for k, line in enumerate(lines):
        _write(head, line, (10, 16 + 14 * k))
    return head


def _fitting(text: str) -> str:
    """Give as much of a text as stands over a tile."""
    while _wide(text) > TILE_W - 4 and len(text) > 1:
        text = text[:-1]
    return text


def _wide(text: str) -> int:
    (width_px, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, SCALE * TEXT, SCALE)
    return width_px // SCALE


def _write(
    picture: Any, text: str, place: tuple[int, int], size: float = 1.0, ink: Any = INK
) -> None:
    at = (SCALE * place[0], SCALE * place[1])
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, text, at, font, SCALE * TEXT * size, ink, 1, cv2.LINE_AA)


def _on_white(panel: Any, height: int, width: int) -> NDArray[np.uint8]:
    return cv2.copyMakeBorder(
        panel, 0, height - panel.shape[0], 0, width - panel.shape[1],
        cv2.BORDER_CONSTANT, value=(255, 255, 255),
    ).astype(np.uint8)  # fmt: skip
