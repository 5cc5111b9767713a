"""Where cells are and what they look like up close: centres in a volume, and planted footprints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.canvas import Canvas
from syntalos_miniscope.simulation.morphology import draw_cell
from syntalos_miniscope.simulation.placement import place
from syntalos_miniscope.simulation.steps import NeuronPopulation, PlaceNeurons

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Footprints:
    """Small pictures on a large canvas: row-major patches one after the other.

    `offsets` (n, 2) is the canvas pixel (row, column) of each patch's corner, `shapes` (n, 2) its
    height and width, and `data` float32 holds the patches of `starts` (n,).
    """

    offsets: NDArray[np.int32]
    shapes: NDArray[np.int32]
    starts: NDArray[np.int64]
    data: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.starts)

    def patch(self, i: int) -> NDArray[np.float32]:
        """Give one patch, a view."""
        height, width = (int(side) for side in self.shapes[i])
        start = int(self.starts[i])
        return self.data[start : start + height * width].reshape(height, width)

    def take(self, which: NDArray[np.intp]) -> Footprints:
        """Give some of them."""
        return pack([self.patch(int(i)) for i in which], self.offsets[which])


def pack(patches: list[NDArray[np.float32]], offsets: NDArray[np.int32]) -> Footprints:
    """Put patches together."""
    shapes = np.array([patch.shape for patch in patches], np.int32).reshape(-1, 2)
    sizes = shapes[:, 0].astype(np.int64) * shapes[:, 1]
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1].astype(np.int64)
    flat = [patch.ravel() for patch in patches]
    data = np.concatenate(flat) if flat else np.zeros(0, np.float32)
    return Footprints(offsets.reshape(-1, 2), shapes, starts, data)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """All cells on the canvas, those of the margin too.

    `centers_um` is (n, 3), (z, y, x) in the frame of the optical axis; `planted` are footprints
    with a peak of 1, as they would be seen without blur.
    """

    centers_um: Floats
    planted: Footprints

    def __len__(self) -> int:
        return len(self.centers_um)

    @property
    def z_um(self) -> Floats:
        """Depths."""
        return self.centers_um[:, 0]

    @property
    def yx_um(self) -> Floats:
        """Places in the plane (n, 2)."""
        return self.centers_um[:, 1:]

    @property
    def r_um(self) -> Floats:
        """Distances from the optical axis."""
        return np.hypot(self.centers_um[:, 1], self.centers_um[:, 2])

    def in_view(self, canvas: Canvas) -> NDArray[np.intp]:
        """Give the indices of cells whose planted footprint reaches into the field of view."""
        planted, (height, width), margin = self.planted, canvas.fov_shape, canvas.margin_px
        seen: list[int] = []
        for i in range(len(planted)):
            top, left = (int(side) - margin for side in planted.offsets[i])
            patch = planted.patch(i)
            part = patch[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
            if part.any():
                seen.append(i)
        return np.array(seen, np.intp)


def make_cells(step: PlaceNeurons | None, canvas: Canvas, seed: int, scope: int = 0) -> Cells:
    """Place and draw the cells of a step on a canvas; none without a step."""
    populations = [] if step is None else step.resolved_populations
    groups = [
        _grow(population, canvas, noise.stream(seed, scope, "cells", number))
        for number, population in enumerate(populations)
    ]
    centers = np.concatenate([centers for centers, _, _ in groups] or [np.zeros((0, 3))])
    patches = [patch for _, patches, _ in groups for patch in patches]
    offsets = [offset for _, _, offsets in groups for offset in offsets]
    return Cells(centers, pack(patches, np.array(offsets, np.int32)))


def _grow(
    population: NeuronPopulation, canvas: Canvas, key: noise.Key
) -> tuple[Floats, list[NDArray[np.float32]], list[tuple[int, int]]]:
    centers = place(population, canvas.size_um, key)
    cell_keys = noise.keys(noise.branch(key, 1), len(centers))
    dendrites = population.morphology == "cytosolic"
    px = canvas.pixel_um
    patches: list[NDArray[np.float32]] = []
    offsets: list[tuple[int, int]] = []
    for (row, column), cell_key in zip(canvas.to_index(centers[:, 1:]), cell_keys, strict=True):
        patch, top, left = draw_cell(
            cell_key,
            row,
            column,
            canvas.shape[0],
            canvas.shape[1],
            population.soma_radius_um / px,
            population.irregularity,
            population.dendrite_length_um / px if dendrites else 0.0,
            population.dendrite_width_um / px,
        )
        patches.append(patch)
        offsets.append((top, left))
    return centers, patches, offsets
