"""The tables of the page about presets hold the numbers of the presets."""

from __future__ import annotations

from pathlib import Path

from syntalos_miniscope.simulation import (
    BrainMotion,
    IlluminationProfile,
    Leakage,
    Neuropil,
    PlaceNeurons,
    Sensor,
    Spec,
    Vasculature,
    Vignette,
)
from syntalos_miniscope.simulation.canvas import make_canvas
from syntalos_miniscope.simulation.placement import cell_count
from syntalos_miniscope.simulation.presets import ACTIVITY_PRESETS, STUDIO_PRESETS, studio_spec

PAGE = Path(__file__).parents[2] / "docs/gallery/presets.md"


def tables() -> list[list[list[str]]]:
    """Give the rows of each table, as cells."""
    blocks = [block for block in PAGE.read_text("utf-8").split("\n\n") if block.startswith("| |")]
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        for block in blocks
    ]


def told(*numbers: float) -> str:
    return ", ".join(f"{number:.4g}" if number < 1e4 else f"{number:.0f}" for number in numbers)


def column(spec: Spec) -> list[str]:
    lens, chip = spec.acquisition.optics, spec.acquisition.image_sensor
    place, haze = spec.step(PlaceNeurons), spec.step(Neuropil)
    vessels, motion, sensor = spec.step(Vasculature), spec.step(BrainMotion), spec.step(Sensor)
    light, vignette = spec.step(IlluminationProfile), spec.step(Vignette)
    stray = spec.step(Leakage)
    assert place and haze and motion and sensor and light and vignette and stray
    shallow, deep = place.depth_range_um
    layer = vessels.layers[0] if vessels else None
    return [
        told(lens.na, lens.magnification),
        f"{chip.n_px_height}²",
        told(spec.acquisition.pixel_size_um, spec.acquisition.fov_um[0]),
        told(lens.field_curvature_radius_um) if lens.field_curvature_radius_um else "flat",
        told(place.density_per_mm3),
        f"{told(place.soma_radius_um)}, {told(shallow)} to {told(deep)}",
        place.morphology,
        str(cell_count(place, make_canvas(spec).size_um)),
        told(haze.amplitude),
        told(layer.depth_um, layer.root_radius_um, layer.opacity) if layer else "none",
        told(light.falloff, vignette.falloff),
        told(stray.level),
        told(sensor.photons_per_unit),
        told(motion.motion_amplitude_um, motion.max_shift_um),
    ]


def test_the_page_tells_the_numbers_of_the_scenes() -> None:
    head, _, *rows = tables()[0]
    assert head[1:] == list(STUDIO_PRESETS)
    for k, preset in enumerate(STUDIO_PRESETS, 1):
        assert [row[k] for row in rows] == column(studio_spec(preset))


def test_the_page_tells_the_numbers_of_the_activities() -> None:
    head, _, *rows = tables()[1]
    assert head[1:] == list(ACTIVITY_PRESETS)
    for k, step in enumerate(ACTIVITY_PRESETS.values(), 1):
        assert [row[k] for row in rows] == [
            told(step.p_quiescent_to_active, step.p_active_to_quiescent),
            told(step.active_rate_hz, step.quiescent_rate_hz),
            told(step.tau_decay_s),
        ]
