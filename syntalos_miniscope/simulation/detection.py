"""Which cells a sensor can tell from noise, and the focus that shows most of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation.acquisition import Acquisition
from syntalos_miniscope.simulation.cells import Cells
from syntalos_miniscope.simulation.optics import best_focus_um, view
from syntalos_miniscope.simulation.steps import Sensor

Floats = NDArray[np.float64]

SNR_THRESHOLD = 3.0
"""A cell counts as detectable from here on; minisim's, and provisional."""

_PLANES = 96


@dataclass(frozen=True, slots=True, eq=False)
class Swing:
    """The least and the most fluorescence of each cell (n,) over a stretch of time."""

    low: Floats
    high: Floats


def snr(swing: Swing, electrons_per_unit: Floats, read_noise_e: float) -> Floats:
    """Give the signal of the largest transient over shot and read noise (minisim, 2.15)."""
    baseline_e = np.maximum(swing.low, 0) * electrons_per_unit
    noise_e = np.sqrt(baseline_e + read_noise_e**2)
    signal_e = (swing.high - swing.low) * electrons_per_unit
    without_noise = np.where(signal_e > 0, np.inf, 0.0)
    return np.divide(signal_e, noise_e, out=without_noise, where=noise_e > 0)


def electrons_per_unit(
    acquisition: Acquisition, sensor: Sensor, brightness: Floats, field: Floats
) -> Floats:
    """Give the electrons of each cell per unit of fluorescence; `field` is all unevenness on it."""
    efficiency = acquisition.image_sensor.quantum_efficiency
    return brightness * field * sensor.photons_per_unit * efficiency


def resolve_focus_um(
    acquisition: Acquisition,
    sensor: Sensor | None,
    cells: Cells,
    swing: Swing | None,
    field: Floats,
) -> float:
    """Give the depth of the focal plane, µm; `auto` is where most cells are detected.

    Without a sensor it is the median of the focus that each cell would want (minisim, 2.7).
    """
    wanted = acquisition.focal_depth_in_tissue_um
    if not isinstance(wanted, str):
        return wanted
    if len(cells) == 0:
        return 0.0
    best_um = best_focus_um(acquisition, cells)
    if sensor is None or swing is None:
        return float(np.median(best_um))
    found: list[tuple[int, float]] = []
    planes = np.linspace(best_um.min(), best_um.max(), _PLANES)
    for plane in planes:
        looks = view(acquisition, cells, float(plane))
        per_unit = electrons_per_unit(acquisition, sensor, looks.brightness, field)
        seen = snr(swing, per_unit, acquisition.image_sensor.read_noise_e) >= SNR_THRESHOLD
        signal = ((swing.high - swing.low) * per_unit)[seen].sum()
        found.append((int(seen.sum()), float(signal)))
    return float(planes[max(range(_PLANES), key=lambda i: found[i])])
