"""What was found in a movie, as one HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.extraction import Evaluation, Extraction
from syntalos_miniscope.analysis.pipeline.configs import Configs
from syntalos_miniscope.analysis.pipeline.motion import MotionView
from syntalos_miniscope.analysis.pipeline.prepare import Prepared, movie_unit
from syntalos_miniscope.analysis.pipeline.results import PostprocessingResult
from syntalos_miniscope.analysis.pipeline.threshold_page import thresholds
from syntalos_miniscope.analysis.pipeline.tuning import Tuning
from syntalos_miniscope.analysis.plots import (
    FAINT,
    MINE,
    OTHER,
    colored,
    heatmap,
    lines,
    picture,
    side_by_side,
    whole_page,
)
from syntalos_miniscope.analysis.projection import as_bytes

Floats = NDArray[np.float64]

SHOWN_TRACES = 8
SHOWN_SAMPLES = 2000
ACCEPTED, REJECTED = (30, 105, 210), (150, 150, 150)
"""BGR."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """All that the page is about."""

    title: str
    configs: Configs
    frame_rate_hz: float
    prepared: Prepared
    motion: MotionView
    tuning: tuple[Tuning, ...]
    extraction: Extraction | None
    """All cells, the rejected too."""
    evaluation: Evaluation | None
    rhythm: PostprocessingResult
    notes: tuple[str, ...]


def page(shown: Shown) -> str:
    """Give the page: cells, traces, motion, light, thresholds and rhythm."""
    parts = [f"<h1>{escape(shown.title)}</h1>", _summary(shown), picture(_outlined(shown))]
    if shown.extraction is not None:
        parts.append("<p class='faint'>Accepted cells in orange, rejected ones in grey.</p>")
    parts += [f"<p>{escape(note)}</p>" for note in shown.notes]
    if len(shown.prepared.time_us) > 1:
        parts += _cells(shown)
        process = shown.configs.process
        if process.apply_motion_correction and process.inspect_motion_correction:
            parts += _motion(shown)
        parts += _light(shown)
        parts += thresholds(shown.tuning, shown.configs.extraction)
        parts += _rhythm(shown)
    return whole_page(shown.title, "\n".join(part for part in parts if part))


def _summary(shown: Shown) -> str:
    frames = len(shown.prepared.time_us)
    height, width = shown.prepared.mean.shape
    text = f"{frames} frames of {width} x {height} pixels at {shown.frame_rate_hz:.2f} Hz"
    if shown.extraction is not None and shown.evaluation is not None:
        accepted = int(shown.evaluation.accepted.sum())
        text += (
            f"; {len(shown.extraction)} cells found by {shown.extraction.backend}, "
            f"{accepted} accepted"
        )
    events = shown.rhythm.ca_events_idx
    if events is not None:
        text += f", {sum(len(places) for places in events.values())} events"
    return f"<p>{escape(text)}.</p>"


def _outlined(shown: Shown) -> NDArray[np.uint8]:
    mean = as_bytes(shown.prepared.mean)
    scale = max(round(600 / mean.shape[1]), 1)
    large = cv2.resize(mean, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    drawn = cv2.cvtColor(large, cv2.COLOR_GRAY2BGR)
    if shown.extraction is not None and shown.evaluation is not None:
        footprints = list(shown.extraction.footprints)
        order = np.argsort(shown.evaluation.accepted, kind="stable")
        for k in order:
            top, left, patch = footprints[k]
            color = ACCEPTED if shown.evaluation.accepted[k] else REJECTED
            _outline(drawn, patch >= 0.5 * patch.max(), scale, color, (left, top))
    return drawn.astype(np.uint8)


def _outline(
    drawn: NDArray[Any],
    inside: NDArray[np.bool_],
    scale: int,
    color: tuple[int, int, int],
    place: tuple[int, int] = (0, 0),
) -> None:
    large = cv2.resize(
        inside.astype(np.uint8), None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST
    )
    found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    offset = (scale * place[0], scale * place[1])
    cv2.drawContours(drawn, found, -1, color, 1, cv2.LINE_AA, offset=offset)


def _cells(shown: Shown) -> list[str]:
    if shown.extraction is None or shown.evaluation is None:
        return []
    evaluation, extraction = shown.evaluation, shown.extraction
    kept = np.flatnonzero(evaluation.accepted)
    if not len(kept):
        return ["<p>No cell is accepted: see the thresholds below.</p>"]
    time_s, every = _times(shown)
    parts = [
        "<h2>The liveliest cells</h2>",
        "<p class='faint'>Trace (<span class='mine'>denoised</span> over raw); ticks are "
        "events.</p>",
    ]
    events = shown.rhythm.ca_events_idx or {}
    for k in kept[np.argsort(evaluation.snr[kept])[::-1][:SHOWN_TRACES]]:
        marks = events.get(int(np.searchsorted(kept, k)), np.zeros(0, np.int64))
        parts.append(
            f"<p>Cell {np.searchsorted(kept, k) + 1}: SNR {evaluation.snr[k]:.1f}, "
            f"spatial r {evaluation.r[k]:.2f}</p>"
        )
        curves = [
            (extraction.raw_traces[k, every].astype(np.float64), FAINT),
            (extraction.traces[k, every].astype(np.float64), MINE),
        ]
        unit = movie_unit(shown.configs.preprocess)
        parts.append(lines(time_s[every], curves, time_s[marks], unit))
    return parts


def _motion(shown: Shown) -> list[str]:
    view = shown.motion
    before, after = view.crispness
    time_s, every = _times(shown)
    brightest = float(np.percentile(view.after, 99.8))
    darkest = float(np.percentile(view.after, 0.2))
    means = [colored(one, darkest, brightest) for one in (view.before, view.after)]
    paths = [_stretched(one) for one in (view.lines_before, view.lines_after)]
    texts = [
        f"before: crispness {before:.3g}, fit {np.median(view.fit_before):.3f}",
        f"after: crispness {after:.3g}, fit {np.median(view.fit_after):.3f}",
    ]
    return [
        "<h2>Motion</h2>",
        "<p class='faint'>Mean of what shows structure; the fit is the median correlation of a "
        "frame with that mean.</p>",
        side_by_side([(picture(m), text) for m, text in zip(means, texts, strict=True)]),
        "<p class='faint'>One row of pixels, frame under frame: what stands still is straight.</p>",
        side_by_side([(picture(paths[0]), "before"), (picture(paths[1]), "after")]),
        "<p class='faint'>Motion taken back: "
        "<span class='mine'>down</span>, <span class='true'>right</span>.</p>",
        lines(
            time_s[every],
            [
                (shown.prepared.shifts[every, 0].astype(np.float64), MINE),
                (shown.prepared.shifts[every, 1].astype(np.float64), OTHER),
            ],
            unit="px",
        ),
    ]


def _stretched(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = (float(v) for v in np.percentile(values, (1, 99.5)))
    image = colored(values, low, high)
    width = image.shape[1]
    return cv2.resize(image, (width, width), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def _light(shown: Shown) -> list[str]:
    """Compare what each way of detrending leaves of the mean of the frames."""
    time_s, every = _times(shown)
    means = shown.prepared.means
    at = np.arange(len(means)) - (len(means) - 1) / 2
    line = float(at @ means) / max(float(at @ at), 1e-12) * at
    chosen = shown.configs.preprocess.detrend_method
    after = {"median": np.full(len(means), np.median(means)), "linear": means - line}
    curves = [(means[every], FAINT)]
    curves += [(values[every], MINE if name == chosen else OTHER) for name, values in after.items()]
    used = f"{chosen} is used" if chosen else "none is used"
    return [
        "<h2>Light</h2>",
        f"<p class='faint'>Mean of the frames: as recorded in grey, after median "
        f"detrending in {_hue(chosen, 'median')}, after linear (about its mean) in "
        f"{_hue(chosen, 'linear')}; {used}.</p>",
        lines(time_s[every], curves, unit="counts"),
    ]


def _hue(chosen: str | None, name: str) -> str:
    return (
        "<span class='mine'>orange</span>" if chosen == name else "<span class='true'>blue</span>"
    )


def _rhythm(shown: Shown) -> list[str]:
    found = shown.rhythm
    time_s, every = _times(shown)
    parts = ["<h2>Rhythm of the mean fluorescence</h2>"]
    if found.filtered is not None:
        low, high = shown.configs.postprocess.cut
        parts.append(f"<p class='faint'>From {low:g} to {high:g} Hz</p>")
        parts.append(lines(time_s[every], [(found.filtered[every], MINE)], unit="counts"))
    if found.miniscope_phases is not None:
        parts.append("<p class='faint'>Its phase; the first minute</p>")
        part = time_s <= time_s[0] + 60
        parts.append(lines(time_s[part], [(found.miniscope_phases[part], OTHER)], unit="rad"))
    if found.p_spect is not None and found.t_spect is not None and found.freqs_spect is not None:
        levels = (float(np.percentile(found.p_spect, 2)), float(np.percentile(found.p_spect, 99.5)))
        parts.append(
            f"<p class='faint'>Spectrogram, from {levels[0]:.0f} dB (black) to "
            f"{levels[1]:.0f} dB (yellow)</p>"
        )
        t, f = found.t_spect, found.freqs_spect
        parts.append(
            heatmap(
                found.p_spect, (float(t[0]), float(t[-1])), (float(f[0]), float(f[-1])),
                ("s", "Hz"), levels,
            )
        )  # fmt: skip
    return parts if len(parts) > 1 else []


def _times(shown: Shown) -> tuple[Floats, slice]:
    time_s = shown.prepared.time_us / 1e6
    return time_s, slice(None, None, max(len(time_s) // SHOWN_SAMPLES, 1))
