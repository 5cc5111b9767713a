"""What a recording will take, before anything is rendered: cells, memory, disk and time.

The rates are rough figures of one core; they are there to refuse what cannot end well, not to
promise when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, inf, log2
from typing import Any, Literal, cast

import numpy as np

from syntalos_miniscope.recording.containment import memory_bytes
from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.simulation.steps import (
    CELL_KINDS,
    BrainMotion,
    CellActivity,
    CellOptics,
    NeuronPopulation,
    Neuropil,
    PlaceNeurons,
    Vasculature,
)

Kept = Literal["memory", "zarr", "avi", "mkv"]
"""How a recording is kept."""

LONGEST_SETUP_S = 600.0
LONGEST_RENDER_S = 7 * 86400.0
DEEPEST_BITS = 16

_BASE_BYTES = 250e6
# Measured on noisy frames of 8 bits.
_BYTES_PER_PIXEL = {"zarr": 1.4, "avi": 1.0, "mkv": 0.7}
_MOST_SEGMENTS = 2000
_LEAD_IN_DECAYS = 6
_FOCUS_S = 10.0
_CALIBRATION_S = 1000.0
_FINE_HZ = 300.0
_LARGEST = 1e30
_SMALLEST = 1e-12

# Seconds for each cell and bin, pixel and so on; the last is that of a frame without any.
_BIN_S, _WEIGHT_S, _PIXEL_S, _TAP_S, _PAIR_S, _STEP_S = 5e-9, 3e-10, 4e-9, 1e-9, 3e-9, 5e-8
_CALL_S = 1e-4
# A pixel of noisy frames in FFV1.
_PACKED_S = 1.7e-8


class TooLargeError(ValueError):
    """A recording that this computer should not begin; the text says in a line what it takes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate: cells and frames, peak memory, bytes on disk, seconds of one core."""

    cells: float
    frames: float
    memory_bytes: float
    stored_bytes: float
    setup_s: float
    render_s: float

    def __str__(self) -> str:
        """Give it as a phrase."""
        return (
            f"{_count(self.cells)} cells, {_count(self.frames)} frames, "
            f"{_bytes(self.memory_bytes)} of memory, {_bytes(self.stored_bytes)} of disk and "
            f"{_duration(self.setup_s + self.render_s)}"
        )


def cost(spec: Spec, kept: Kept = "zarr") -> Cost:
    """Estimate what a recording takes if it is kept in some form."""
    try:
        with np.errstate(all="ignore"):
            return _cost(spec, kept)
    except (OverflowError, ZeroDivisionError):
        return Cost(inf, inf, inf, inf, inf, inf)


def _cost(spec: Spec, kept: Kept) -> Cost:
    acquisition = spec.acquisition
    height, width = (float(side) for side in acquisition.shape)
    frames = min(acquisition.duration_s * acquisition.fps, _LARGEST)
    motion = spec.step(BrainMotion)
    margin = 0.0 if motion is None else motion.reach_um / acquisition.pixel_size_um + 1
    canvas_px = (height + 2 * margin) * (width + 2 * margin)
    cells, weights, cells_s = _cells(spec, margin, canvas_px)
    bins = max(_FINE_HZ, acquisition.fps) / acquisition.fps
    setup_s = cells_s + canvas_px * _PIXEL_S * 10
    frame_s = weights * _WEIGHT_S + canvas_px * _PIXEL_S + _CALL_S
    memory = _BASE_BYTES + 12 * canvas_px + 9 * weights
    activity = spec.step(CellActivity)
    if activity is not None:
        bins = max(activity.spike_sim_hz / acquisition.fps, 1.0)
        lived = (_LEAD_IN_DECAYS * activity.tau_decay_s + _FOCUS_S) * acquisition.fps
        kernel = 5 * activity.tau_decay_s * bins * acquisition.fps
        setup_s += (lived + 1) * (cells * bins * _BIN_S + _CALL_S) + kernel * _STEP_S
        frame_s += cells * bins * _BIN_S
        memory += 9 * cells * bins + 32 * kernel
    if motion is not None and motion.trajectory_um is None and motion.model == "physical":
        fine = _CALIBRATION_S * max(_FINE_HZ, acquisition.fps)
        setup_s += fine * _STEP_S
        memory += 48 * fine
    for more_bytes, more_s in (_haze(spec, canvas_px), _vessels(spec, canvas_px)):
        memory += more_bytes
        setup_s += more_s
    # Of each frame: the movie, pictures of its stages, and the truth about its cells.
    stages = sum(step.kind not in CELL_KINDS for step in spec.steps)
    intermediate_px = stages * canvas_px * spec.output.save_intermediates
    if kept == "memory":
        itemsize = 8 if spec.output.store_dtype == "float64" else 4
        frame_bytes = itemsize * height * width + 4 * intermediate_px + 16 * cells
        return Cost(cells, frames, memory + frames * frame_bytes, 0.0, setup_s, frames * frame_s)
    frame_bytes = _BYTES_PER_PIXEL[kept] * height * width
    if kept == "mkv":
        frame_s += _PACKED_S * height * width
    if kept == "zarr":
        frame_bytes += 4 * intermediate_px + 9 * cells
        memory += 64 * (height * width + intermediate_px) + 4096 * cells
    return Cost(cells, frames, memory, frames * frame_bytes, setup_s, frames * frame_s)


def ensure_affordable(spec: Spec, kept: Kept = "zarr", *, free_disk_bytes: float = inf) -> Cost:
    """Give the cost, or raise TooLargeError if this computer has not that much of something.

    ValueError if a number of the Spec is beyond all measure.
    """
    for where, number in _numbers(spec.model_dump(exclude={"seed"}), ""):
        if not (number == 0 or _SMALLEST <= abs(number) <= 1 / _SMALLEST):
            raise ValueError(
                f"{where} is {number:g}; numbers beyond {_SMALLEST:g} to {1 / _SMALLEST:g} "
                "cannot be computed with"
            )
    bits = spec.acquisition.image_sensor.bit_depth
    if bits > DEEPEST_BITS:
        raise TooLargeError(f"bit_depth is {bits}; counts have at most {DEEPEST_BITS} bits here")
    takes = cost(spec, kept)
    there = memory_bytes()
    limits = [
        (takes.memory_bytes, there, f"there are {_bytes(there)} of memory"),
        (takes.stored_bytes, free_disk_bytes, f"there are {_bytes(free_disk_bytes)} of disk"),
        (takes.setup_s, LONGEST_SETUP_S, f"set-up alone is {_duration(takes.setup_s)}"),
        (takes.render_s, LONGEST_RENDER_S, f"the limit is {_duration(LONGEST_RENDER_S)}"),
    ]
    # Written so that what is not a number is refused as well.
    broken = [what for amount, limit, what in limits if not amount <= limit]
    if broken:
        raise TooLargeError(f"this recording would take about {takes}; {' and '.join(broken)}")
    return takes


def _numbers(value: Any, where: str) -> Iterator[tuple[str, float]]:
    """Give every number of a Spec with its place; coordinates may be as small as they like."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        for name, inner in fields.items():
            yield from _numbers(inner, f"{where}.{name}".lstrip("."))
    elif isinstance(value, list):
        items = cast("list[Any]", value)
        for k, inner in enumerate(items):
            yield from _numbers(inner, f"{where}.{k}")
    elif isinstance(value, tuple):
        coordinates = cast("tuple[float, ...]", value)
        yield from ((where, number) for number in coordinates if abs(number) > 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield where, value


def _cells(spec: Spec, margin: float, canvas_px: float) -> tuple[float, float, float]:
    """Give cells, weights of their blurred footprints, and seconds to make them."""
    place = spec.step(PlaceNeurons)
    cells = weights = seconds = 0.0
    if place is None:
        return cells, weights, seconds
    for population in place.resolved_populations:
        count = _count_of(population, spec, canvas_px)
        px = spec.acquisition.pixel_size_um
        radius = population.soma_radius_um * (1 + population.irregularity) / px + 1
        reach = radius
        if population.morphology == "cytosolic":
            reach += (1.25 * population.dendrite_length_um + population.dendrite_width_um) / px
        lumps = 4 * radius**2 * (8 * max(radius / 2, 1) + 1) * 2 * _TAP_S
        seconds += count * (4 * reach**2 * _TAP_S * 4 + lumps + 1e-5)
        if population.min_distance_um > 0 and population.positions_um is None:
            seconds += 100 * count**2 * _PAIR_S if count < _LARGEST else _LARGEST
        seen_px, blur_s = _blurred(population, spec, 2 * reach, canvas_px)
        weights += count * seen_px
        seconds += count * blur_s
        cells += count
    return min(cells, _LARGEST), min(weights, _LARGEST), min(seconds, _LARGEST)


def _count_of(population: NeuronPopulation, spec: Spec, canvas_px: float) -> float:
    if population.positions_um is not None:
        return len(population.positions_um)
    shallow, deep = population.depth_range_um
    thick_um = max(deep - shallow, 2 * population.soma_radius_um)
    area_um2 = canvas_px * spec.acquisition.pixel_size_um**2
    return min(population.density_per_mm3 * (area_um2 * thick_um / 1e9), _LARGEST)


def _blurred(
    population: NeuronPopulation, spec: Spec, side_px: float, canvas_px: float
) -> tuple[float, float]:
    """Give the weights of one blurred footprint at the least favourable depth, and seconds."""
    if spec.step(CellOptics) is None:
        return min(side_px**2, canvas_px), 0.0
    acquisition = spec.acquisition
    optics, tissue = acquisition.optics, acquisition.tissue
    depths = [z for z, _, _ in population.positions_um or []] or list(population.depth_range_um)
    focal_um = acquisition.focal_depth_in_tissue_um
    if isinstance(focal_um, str):
        focal_um = sum(depths) / len(depths)
    corner_um = sum(side**2 for side in acquisition.fov_um) ** 0.5 / 2
    focal_um -= float(optics.focal_curvature_shift_um(corner_um / 2))
    sigma_px = (
        max(
            (
                optics.diffraction_sigma_um**2
                + float(tissue.scatter_sigma_um(z)) ** 2
                + float(optics.defocus_sigma_um(z, focal_um)) ** 2
            )
            ** 0.5
            for z in (min(depths), max(depths))
        )
        / acquisition.pixel_size_um
    )
    level = min(max(int(log2(max(sigma_px, 1e-9) / 2)), 0), 6)
    seen_px = min((side_px + 7 * sigma_px) ** 2, canvas_px) / 4**level + 64
    taps_s = side_px * (side_px + 8 * sigma_px) / 2**level * (side_px + 8 * sigma_px) * _TAP_S
    return seen_px, min(taps_s, _LARGEST)


def _haze(spec: Spec, canvas_px: float) -> tuple[float, float]:
    """Give bytes and seconds of the neuropil's fields."""
    step = spec.step(Neuropil)
    if step is None:
        return 0.0, 0.0
    taps = min(8 * step.spatial_sigma_um / spec.acquisition.pixel_size_um, _LARGEST) + 1
    return 4 * step.n_components * canvas_px, step.n_components * canvas_px * (taps + 20) * _TAP_S


def _vessels(spec: Spec, canvas_px: float) -> tuple[float, float]:
    """Give bytes and seconds of the vessels' masks."""
    step = spec.step(Vasculature)
    if step is None or not step.enabled:
        return 0.0, 0.0
    seconds = 0.0
    for layer in step.layers:
        side_px = (
            layer.root_radius_um * (2 + layer.step_per_radius) / spec.acquisition.pixel_size_um
        )
        segments = min(_MOST_SEGMENTS, ceil(4 * canvas_px**0.5 / max(side_px, 1)) + 100)
        seconds += layer.n_roots * (segments * min(side_px**2, canvas_px) * _TAP_S * 5 + 1e-4)
    return 4 * len(step.layers) * canvas_px, min(seconds, _LARGEST)


def _count(number: float) -> str:
    return f"{number:,.0f}" if number < 1e9 else f"{number:.0e}"


def _bytes(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if number >= size:
            return f"{number / size:.1f} {unit}" if number < 1e18 else f"{number:.0e} bytes"
    return f"{number / 1e6:.0f} MB"


def _duration(seconds: float) -> str:
    for unit, size in (("years", 3.156e7), ("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}" if seconds < 3e11 else "ten thousand years"
    return f"{seconds:.0f} s"
