"""What was found in a movie, as one HTML page."""

from __future__ import annotations

from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.movie_analysis import MovieAnalysis
from syntalos_miniscope.analysis.plots import MINE, lines, picture, whole_page
from syntalos_miniscope.analysis.projection import as_bytes

SHOWN_TRACES = 8
SHOWN_SAMPLES = 3000


def write_movie_page(path: Path, title: str, found: MovieAnalysis) -> None:
    """Write the page."""
    path.write_text(movie_page(title, found), "utf-8")


def movie_page(title: str, found: MovieAnalysis) -> str:
    """Give the page: the cells on the mean picture, the motion, and the liveliest traces."""
    time_s = found.time_us / 1e6
    frames, cells = len(time_s), len(found.rois)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{frames} frames at {found.frame_rate_hz:.2f} Hz, {cells} cells, "
        f"{int((found.spikes > 0).sum())} events.</p>",
        picture(_outlined(found)),
    ]
    if frames > 1:
        every = max(frames // SHOWN_SAMPLES, 1)
        parts.append("<h2>Motion taken back, px: down, right</h2>")
        parts += [
            lines(time_s[::every], [(found.shifts[::every, k].astype(np.float64), MINE)])
            for k in range(2)
        ]
        parts.append("<h2>The liveliest traces, counts</h2>")
        order = np.argsort(found.traces.std(axis=1))[::-1][:SHOWN_TRACES] if cells else []
        parts += [
            f"<p>{escape(found.rois.names[k])}</p>"
            + lines(time_s[::every], [(found.traces[k, ::every].astype(np.float64), MINE)])
            for k in order
        ]
    return whole_page(title, "\n".join(parts))


def _outlined(found: MovieAnalysis) -> NDArray[np.uint8]:
    shown = cv2.cvtColor(as_bytes(found.mean), cv2.COLOR_GRAY2BGR)
    for top, left, patch in found.rois.footprints:
        inside = (patch >= 0.5 * patch.max()).astype(np.uint8)
        found_lines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, found_lines, -1, (30, 105, 210), 1, offset=(left, top))
    return shown.astype(np.uint8)
