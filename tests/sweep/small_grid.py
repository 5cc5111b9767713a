"""A grid of tiny recordings: eight bright cells each, a second or two."""

from __future__ import annotations

from pathlib import Path

from syntalos_miniscope.simulation import (
    Acquisition,
    CellActivity,
    CellOptics,
    Composite,
    ImageSensor,
    Optics,
    PlaceNeurons,
    Sensor,
    Spec,
)


def small_spec() -> Spec:
    places = [
        (50.0, 45.0 * row - 22.0, 35.0 * column - 52.0) for row in (0, 1) for column in range(4)
    ]
    return Spec(
        acquisition=Acquisition(
            optics=Optics(magnification=4.0),
            image_sensor=ImageSensor(n_px_height=64, n_px_width=96, pixel_pitch_um=8.0),
            fps=10.0,
            duration_s=3.0,
        ),
        seed=5,
        steps=[
            PlaceNeurons(positions_um=places, soma_radius_um=5.0),
            CellActivity(p_quiescent_to_active=0.2),
            CellOptics(),
            Composite(),
            Sensor(photons_per_unit=200.0),
        ],
    )


def write_grid(folder: Path, body: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.json").write_text(small_spec().json_text())
    path = folder / "grid.toml"
    path.write_text(f'[sweep]\nspec = "spec.json"\n{body}')
    return path
