"""Draws the pictures of docs/concepts/anatomy-of-a-recording.md into docs/anatomy.

Run it with `.venv/bin/python docs/make_anatomy.py`. One scene of about 400 µm under a V4; every
picture is a stage of it, or the scene without one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import (
    Acquisition,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    ImageSensor,
    Leakage,
    Neuropil,
    Output,
    PlaceNeurons,
    Sensor,
    Spec,
    Vasculature,
    VesselLayer,
    Vignette,
)
from syntalos_miniscope.simulation.presets import MINISCOPE_V4
from syntalos_miniscope.simulation.renderer import Rendered, Renderer

FOLDER = Path(__file__).with_name("anatomy")
SIDE, SCALE, GAP = 240, 1.25, 6
Picture = NDArray[Any]

V4 = Acquisition(
    optics=MINISCOPE_V4.optics,
    image_sensor=ImageSensor(n_px_height=SIDE, n_px_width=SIDE, pixel_pitch_um=4.8),
    focal_depth_in_tissue_um=120.0,
)
CELLS = PlaceNeurons(
    density_per_mm3=22_000, soma_radius_um=6.0, morphology="cytosolic", depth_range_um=(60.0, 220.0)
)
VESSELS = Vasculature(enabled=True, layers=[VesselLayer(depth_um=60.0, n_roots=2, opacity=0.8)])
STEPS: dict[str, Any] = {
    "cells": CELLS,
    "activity": CellActivity(),
    "optics": CellOptics(),
    "composite": Composite(),
    "neuropil": Neuropil(amplitude=0.25),
    "vessels": VESSELS,
    "motion": BrainMotion(),
    "illumination": IlluminationProfile(falloff=0.55),
    "vignette": Vignette(falloff=0.6),
    "leakage": Leakage(level=0.05),
    "sensor": Sensor(photons_per_unit=900),
}
FRAME = 137


def scene(*without: str, acquisition: Acquisition = V4, **instead: Any) -> Renderer:
    """Give the scene without some steps, or with others in their place."""
    steps = [step for name, step in {**STEPS, **instead}.items() if name not in without]
    whole = {"acquisition": acquisition, "steps": steps, "seed": 4}
    return Renderer(Spec.model_validate({**whole, "output": Output(save_intermediates=True)}))


def at(renderer: Renderer, frame: int = FRAME) -> Rendered:
    """Give one frame; those before are lived through unseen."""
    renderer.seek(frame)
    return renderer.advance()


def grey(picture: Picture, low: float | None = None, high: float | None = None) -> Picture:
    """Stretch a picture to bytes."""
    low = float(np.percentile(picture, 0.2)) if low is None else low
    high = float(np.percentile(picture, 99.8)) if high is None else high
    scaled = (picture.astype(np.float64) - low) / max(high - low, 1e-9)
    return np.clip(255 * scaled, 0, 255).astype(np.uint8)


def draw(name: str, *panels: tuple[str, Picture]) -> None:
    """Write panels beside each other, each with its title above."""
    columns: list[Picture] = []
    for title, picture in panels:
        colour = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        size = round(picture.shape[1] * SCALE), round(picture.shape[0] * SCALE)
        shown = cv2.resize(colour, size, interpolation=cv2.INTER_CUBIC)
        head = np.full((26, size[0], 3), 255, np.uint8)
        cv2.putText(
            head, title, (2, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.46, (40, 40, 40), 1, cv2.LINE_AA
        )
        columns += [np.vstack([head, shown]), np.full((26 + size[1], GAP, 3), 255, np.uint8)]
    FOLDER.mkdir(exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
    cv2.imwrite(str(FOLDER / f"{name}.jpg"), np.hstack(columns[:-1]), quality)


def window(picture: Picture) -> Picture:
    """Cut the canvas to the field of view."""
    top, left = ((side - SIDE) // 2 for side in picture.shape)
    return picture[top : top + SIDE, left : left + SIDE]


def enlarged(picture: Picture) -> Picture:
    """Bring a part to the size of the whole."""
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def curve(*lines: tuple[NDArray[Any], tuple[int, int, int]], width: int = 480) -> Picture:
    """Draw lines over time, each scaled to the whole height."""
    picture = np.full((SIDE, width, 3), 255, np.uint8)
    for number, (values, colour) in enumerate(lines):
        height = SIDE / len(lines)
        unit = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
        x = np.linspace(4, width - 4, len(values))
        y = (number + 0.9 - 0.8 * unit) * height
        points = np.rint(np.stack([x, y], 1)).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(picture, [points], False, colour, 1, cv2.LINE_AA)
    return picture


def sectioning() -> None:
    """Show what a section would hold, and what a scope without sectioning sees."""
    whole = at(scene())
    thin = at(scene(cells=CELLS.model_copy(update={"depth_range_um": (112.0, 128.0)})))
    high = float(np.percentile(whole.stages["cells_only"], 99.8))
    draw(
        "sectioning",
        ("cells within 8 um of the focus", grey(window(thin.stages["cells_only"]), 0, high)),
        ("all cells: none is hidden", grey(window(whole.stages["cells_only"]), 0, high)),
    )


def depth_and_focus() -> None:
    """One cell at several depths, as it is and with each scaled to its own brightness."""
    depths = np.array([40.0, 80.0, 120.0, 160.0, 200.0])
    places = [
        (float(z), 0.0, float(x)) for z, x in zip(depths, np.linspace(-158, 158, 5), strict=True)
    ]
    cells = CELLS.model_copy(update={"positions_um": places})
    still = CellActivity(p_quiescent_to_active=1e-9, quiescent_rate_hz=0.0, brightness_cv=0.0)
    flat = V4.model_copy(
        update={"optics": V4.optics.model_copy(update={"field_curvature_radius_um": None})}
    )
    seen = at(scene(cells=cells, activity=still, acquisition=flat), 0)
    strip = window(seen.stages["cells_only"])[SIDE // 2 - 24 : SIDE // 2 + 24]
    parts = [grey(part) for part in np.array_split(strip, 5, axis=1)]
    stack = np.vstack([grey(strip, 0, float(strip.max())), np.hstack(parts)])
    stack = cv2.resize(stack, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    draw("depth", ("40 to 200 um deep, focus at 120 um; below, each by itself", stack))


def background() -> None:
    """Cells, then the haze, then the vessels."""
    stages = at(scene()).stages
    high = float(np.percentile(stages["neuropil"], 99.9))
    draw(
        "background",
        ("cells", grey(window(stages["cells_only"]), 0, high)),
        ("and neuropil", grey(window(stages["neuropil"]), 0, high)),
        ("and vessels in front", grey(window(stages["vasculature"]), 0, high)),
    )


def cross_talk() -> None:
    """Show the trace of a cell, and the mean of the pixels over it."""
    renderer = scene("motion")
    frames = [at(renderer, k) for k in range(300)]
    scene_view, canvas = renderer.scene.view, renderer.scene.canvas
    center = np.abs(renderer.scene.centers_um[:, 1:]).max(1) < 120
    gain = np.where(center, scene_view.brightness, 0)
    cell = int(np.argsort(gain)[-3])
    traces = np.array([frame.traces[cell] for frame in frames])
    row, column = np.rint(canvas.to_index(renderer.scene.centers_um[cell, 1:])).astype(int)
    reach = slice(row - 4, row + 5), slice(column - 4, column + 5)
    means = np.array([frame.stages["leakage"][reach].mean() for frame in frames])
    picture = cv2.cvtColor(grey(frames[FRAME].stages["leakage"]), cv2.COLOR_GRAY2BGR)
    cv2.rectangle(picture, (column - 5, row - 5), (column + 5, row + 5), (60, 200, 255), 1)
    lines = curve((traces, (60, 140, 60)), (means, (30, 120, 220)))
    draw(
        "cross-talk",
        ("a region", picture),
        ("above: the cell; below: the mean of the region", lines),
    )


def motion() -> None:
    """Show the brightest of many frames, still and moving, and the path."""
    renderer = scene(motion=BrainMotion(motion_amplitude_um=10.0))
    frames = [at(renderer, k) for k in range(200)]
    stack = np.array([frame.stages["brain_motion"] for frame in frames])
    still = np.array([window(frame.stages["vasculature"]) for frame in frames])
    near = (slice(None), slice(70, 170), slice(70, 170))
    still, stack = (enlarged(movie[near].max(0)) for movie in (still, stack))
    path = np.array([frame.shift_px for frame in frames]) * V4.pixel_size_um
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    points = np.rint(SIDE / 2 + path[:, ::-1] * SIDE / 30).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(picture, [points], False, (150, 90, 30), 1, cv2.LINE_AA)
    low, high = np.percentile(still, (0.2, 99.8))
    draw(
        "motion",
        ("brightest of 10 s, held still", grey(still, low, high)),
        ("the same, as the brain moves", grey(stack, low, high)),
        ("the path, 30 um across", picture),
    )


def light() -> None:
    """Even light, uneven light, and the unevenness alone."""
    frame, fields = at(scene()), scene().scene
    before = frame.stages["brain_motion"]
    low, high = 0.0, float(np.percentile(before, 99.8))
    assert fields.illumination is not None and fields.vignette is not None
    draw(
        "light",
        ("even light", grey(before, low, high)),
        ("light in and light out fall off", grey(frame.stages["vignette"], low, high)),
        ("the two falloffs", grey(fields.illumination * fields.vignette, 0, 1)),
    )


def sensor() -> None:
    """Show the light that arrives, and the counts; then the whole, in green too."""
    frame = at(scene())
    counts = frame.image
    assert counts is not None
    expected = np.clip(frame.stages["leakage"] * 900 * 0.7, 0, 255)
    low, high = np.percentile(counts, (0.2, 99.9))
    near = slice(80, 160), slice(80, 160)
    zoomed = [
        cv2.resize(grey(p[near], low, high), (SIDE, SIDE), interpolation=0)
        for p in (expected, counts)
    ]
    draw(
        "sensor", ("the light that arrives", zoomed[0]), ("what the sensor makes of it", zoomed[1])
    )
    shown = grey(counts, low, high)
    black = np.zeros_like(shown)
    draw("whole", ("raw counts, stretched", shown), ("in green", cv2.merge([black, shown, black])))


if __name__ == "__main__":
    for figure in (sectioning, depth_and_focus, background, cross_talk, motion, light, sensor):
        figure()
