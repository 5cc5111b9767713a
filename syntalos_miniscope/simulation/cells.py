"""Where cells are and what they look like up close: centres in a volume, and planted footprints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording.truth import Footprints
from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.canvas import Canvas
from syntalos_miniscope.simulation.morphology import draw_cell
from syntalos_miniscope.simulation.placement import place
from syntalos_miniscope.simulation.steps import NeuronPopulation, PlaceNeurons

Floats = NDArray[np.float64]


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
        (height, width), margin = canvas.fov_shape, canvas.margin_px
        seen: list[int] = []
        for i, (row, column, patch) in enumerate(self.planted):
            top, left = row - margin, column - margin
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
    centers = np.concatenate([np.zeros((0, 3)), *(centers for centers, _ in groups)])
    patches = [patch for _, patches in groups for patch in patches]
    return Cells(centers, Footprints.stacked(patches, canvas.shape))


def _grow(
    population: NeuronPopulation, canvas: Canvas, key: noise.Key
) -> tuple[Floats, list[tuple[int, int, NDArray[np.float32]]]]:
    """Give the centres and the patches (row, column, patch) of a population."""
    centers = place(population, canvas.size_um, key)
    cell_keys = noise.keys(noise.branch(key, 1), len(centers))
    dendrites = population.morphology == "cytosolic"
    px = canvas.pixel_um
    patches: list[tuple[int, int, NDArray[np.float32]]] = [
        draw_cell(
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
        for (row, column), cell_key in zip(canvas.to_index(centers[:, 1:]), cell_keys, strict=True)
    ]
    return centers, patches
