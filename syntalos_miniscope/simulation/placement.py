"""Where the cells of a population are: uniform in a slab, or where they are told (minisim, 2.1)."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.noise import uniform
from syntalos_miniscope.simulation.steps import NeuronPopulation


def cell_count(population: NeuronPopulation, size_um: tuple[float, float]) -> int:
    """Give how many cells a population has on a canvas.

    A slab thinner than a soma counts as thick as one.
    """
    if population.positions_um is not None:
        return len(population.positions_um)
    shallow, deep = population.depth_range_um
    thickness_um = max(deep - shallow, 2 * population.soma_radius_um)
    volume_mm3 = size_um[0] * size_um[1] * thickness_um / 1e9
    return round(population.density_per_mm3 * volume_mm3)


def place(
    population: NeuronPopulation, size_um: tuple[float, float], key: noise.Key
) -> NDArray[np.float64]:
    """Give centres (n, 3), (z, y, x) in µm, in a canvas around the axis.

    With a minimal distance a crowded slab takes fewer cells than its density asks for: trying
    ends after 100 draws per cell.
    """
    if population.positions_um is not None:
        return np.array(population.positions_um, np.float64).reshape(-1, 3)
    shallow, deep = population.depth_range_um
    count = cell_count(population, size_um)
    low = np.array([shallow, -size_um[0] / 2, -size_um[1] / 2])
    high = np.array([deep, size_um[0] / 2, size_um[1] / 2])
    return _scatter(key, count, low, high, population.min_distance_um)


@kernel
def _scatter(key, count, low, high, min_distance):
    placed = np.empty((count, 3))
    n = 0
    trials = count if min_distance <= 0 or count == 0 else max(1000, 100 * count)
    for trial in range(trials):
        for axis in range(3):
            u = uniform(key, 3 * trial + axis)
            placed[n, axis] = low[axis] + u * (high[axis] - low[axis])
        free = True
        if min_distance > 0:
            for other in range(n):
                away = 0.0
                for axis in range(3):
                    away += (placed[n, axis] - placed[other, axis]) ** 2
                if away < min_distance * min_distance:
                    free = False
                    break
        if free:
            n += 1
            if n == count:
                break
    return placed[:n].copy()
