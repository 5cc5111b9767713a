"""What a Spec looks like, in a fraction of a second: the renderer itself, on a few frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation.cost import ensure_affordable
from syntalos_miniscope.simulation.renderer import Renderer
from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.simulation.steps import PlaceNeurons, Vasculature

FRAMES = 8
"""The preview is the maximum over so many frames."""
WINDOW_CELLS = 350
"""The window around the centre shows about so many cells."""
TRACED = 12
"""So many cells are traced unless asked otherwise."""
TRACE_S = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A Spec as it will be recorded.

    `picture` is the maximum over some frames of the whole field, float32 (H, W); `window` is
    (top, left, height, width) of its centre, in pixels. `centers_um` (cells, 3) are (z, y, x) of
    the cells in view, `detectable` and `in_window` (cells,). `focus_um` is None without optics.
    """

    spec: Spec
    picture: NDArray[np.float32]
    window: tuple[int, int, int, int]
    pixel_um: float
    centers_um: NDArray[np.float64]
    detectable: NDArray[np.bool_]
    in_window: NDArray[np.bool_]
    focus_um: float | None
    vessels_um: tuple[float, ...] = field(default=())
    """Depth of each layer of vessels."""

    @property
    def given_um(self) -> NDArray[np.float64]:
        """The centres (n, 3), (z, y, x), that the Spec gives, in view or not."""
        place = self.spec.step(PlaceNeurons)
        populations = [] if place is None else place.resolved_populations
        given = [position for p in populations for position in p.positions_um or ()]
        return np.array(given, np.float64).reshape(-1, 3)

    def to_pixels(self, centers_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give where centres lie in `picture`: rows and columns (n, 2)."""
        height, width = self.picture.shape
        return centers_um[:, 1:] / self.pixel_um + [(height - 1) / 2, (width - 1) / 2]

    @property
    def fov_um(self) -> tuple[float, float]:
        """Height and width of the field of view."""
        height, width = self.picture.shape
        return height * self.pixel_um, width * self.pixel_um

    def windowed(self) -> NDArray[np.float32]:
        """Give the part of the picture in the window."""
        top, left, height, width = self.window
        return self.picture[top : top + height, left : left + width]

    def words(self) -> list[str]:
        """Say what can be read off, one line each."""
        height_um, width_um = self.fov_um
        focus = "none, without optics" if self.focus_um is None else f"{self.focus_um:.0f} µm deep"
        seen = int((self.detectable & self.in_window).sum())
        given = self.to_pixels(self.given_um)
        outside = int(((given < -0.5) | (given > np.array(self.picture.shape) - 0.5)).any(1).sum())
        return [
            f"Field of view {width_um:.0f} × {height_um:.0f} µm, {self.pixel_um:.2f} µm per pixel",
            f"{len(self.centers_um):,} cells in the field of view",
            f"Focus {focus}",
            *([f"{outside:,} of {len(given):,} given cells are outside it"] if outside else []),
            f"{seen} of {int(self.in_window.sum())} cells in the window are detectable",
            *(f"Mind: {advisory}" for advisory in self.spec.advisories()),
        ]


def preview(spec: Spec, until: str | None = None) -> Preview:
    """Render a Spec up to a stage.

    ValueError for a stage that makes no picture, TooLargeError if this computer cannot hold it.
    """
    duration_s = FRAMES / spec.acquisition.fps
    acquisition = spec.acquisition.model_copy(update={"duration_s": duration_s})
    ensure_affordable(spec.model_copy(update={"acquisition": acquisition}))
    renderer = Renderer(spec, until=until)
    pictures: list[NDArray[np.float32]] = []
    for _ in range(FRAMES):
        image = renderer.advance().image
        if image is None:
            raise ValueError("there is nothing to see yet at this stage")
        pictures.append(np.asarray(image, np.float32))
    picture = np.maximum.reduce(pictures)
    scene = renderer.scene
    pixel_um = float(scene.canvas.pixel_um)
    window = _window(picture.shape, len(scene.units))
    centers = np.asarray(scene.centers_um, np.float64)
    rows, columns = scene.canvas.nearest_pixel(centers[:, 1:])
    margin = scene.canvas.margin_px
    top, left, height, width = window
    rows, columns = rows - margin - top, columns - margin - left
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    vessels = spec.step(Vasculature)
    layers = vessels.layers if vessels is not None and vessels.enabled else []
    return Preview(
        spec,
        picture,
        window,
        pixel_um,
        centers,
        np.asarray(scene.detectable(), np.bool_),
        np.asarray(inside, np.bool_),
        scene.focal_depth_um,
        tuple(float(layer.depth_um) for layer in layers),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What some cells do: traces C and spike counts S, (frames, cells), and the times, s."""

    times_s: NDArray[np.float64]
    traces: NDArray[np.float64]
    spikes: NDArray[np.float64]


def activity(spec: Spec, cells: int = TRACED) -> Activity:
    """Give the first seconds of the cells nearest to the middle, without rendering a pixel."""
    renderer = Renderer(spec)
    centers = renderer.scene.centers_um[:, 1:]
    middle = np.abs(centers - centers.mean(axis=0)).sum(axis=1)
    chosen = renderer.scene.units[np.argsort(middle)[:cells]]
    fps = spec.acquisition.fps
    moments = [renderer.life.expose(fps, 1.0) for _ in range(round(TRACE_S * fps))]
    return Activity(
        np.arange(len(moments)) / fps,
        np.stack([moment.traces[chosen] for moment in moments]),
        np.stack([moment.spikes[chosen] for moment in moments]),
    )


def cell_bands_um(spec: Spec) -> list[tuple[float, float]]:
    """Give the depths between which each population lies that is drawn at random."""
    place = spec.step(PlaceNeurons)
    populations = [] if place is None else place.resolved_populations
    return [p.depth_range_um for p in populations if p.positions_um is None]


def _window(shape: tuple[int, ...], cells: int) -> tuple[int, int, int, int]:
    height, width = shape[0], shape[1]
    share = min(1.0, sqrt(WINDOW_CELLS / max(cells, 1)))
    rows, columns = max(int(height * share), 1), max(int(width * share), 1)
    return (height - rows) // 2, (width - columns) // 2, rows, columns
