"""Presets: scopes and brain regions with measured numbers, and the studio's ready-made scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from syntalos_miniscope.simulation.acquisition import Acquisition, ImageSensor, Optics, Tissue
from syntalos_miniscope.simulation.part import Part
from syntalos_miniscope.simulation.spec import QUIET, Output, Spec
from syntalos_miniscope.simulation.steps import (
    AnyStep,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    Leakage,
    NeuronPopulation,
    Neuropil,
    PlaceNeurons,
    Sensor,
    Vasculature,
    VesselLayer,
    Vignette,
)


class Scope(Part):
    """A scope: lens, sensor, unevenness of its light, and how much light it has."""

    optics: Optics
    image_sensor: ImageSensor
    illumination: IlluminationProfile | None = None
    vignette: Vignette | None = None
    leakage: Leakage | None = None
    photons_per_unit: float = Field(default=100.0, gt=0)
    focal_depth_in_tissue_um: float | Literal["auto"] = "auto"
    front_working_distance_um: float | None = None


class Region(Part):
    """A place in the brain: its cells, its tissue, its haze and its vessels."""

    population: NeuronPopulation
    tissue: Tissue
    neuropil: Neuropil | None = None
    vasculature: Vasculature | None = None


GENERIC_1P = Scope(optics=Optics(), image_sensor=ImageSensor())
"""A scope with the default numbers and even light."""

MINISCOPE_V4 = Scope(
    optics=Optics(na=0.3, magnification=2.9, field_curvature_radius_um=2500.0),
    image_sensor=ImageSensor(n_px_height=608, n_px_width=608, pixel_pitch_um=4.8),
    illumination=IlluminationProfile(falloff=0.7),
    vignette=Vignette(falloff=0.6),
    leakage=Leakage(level=0.08),
    photons_per_unit=600.0,
    front_working_distance_um=700.0,
)
"""A UCLA Miniscope V4; its efficiency, read noise and gain are not measured (minisim, 1.7)."""

CA1 = Region(
    population=NeuronPopulation(
        density_per_mm3=45000.0,
        soma_radius_um=5.0,
        morphology="cytosolic",
        depth_range_um=(140.0, 160.0),
    ),
    tissue=Tissue(),
    neuropil=Neuropil(amplitude=0.4),
    vasculature=Vasculature(
        enabled=True,
        layers=[VesselLayer(depth_um=120.0, n_roots=3, root_radius_um=14.0, opacity=0.65)],
    ),
)
"""The dense, thin pyramidal layer of hippocampal CA1."""

CORTEX_L23 = Region(
    population=NeuronPopulation(
        density_per_mm3=8000.0,
        soma_radius_um=6.0,
        morphology="cytosolic",
        depth_range_um=(100.0, 200.0),
    ),
    tissue=Tissue(),
    neuropil=Neuropil(amplitude=0.6),
    vasculature=Vasculature(
        enabled=True,
        layers=[
            VesselLayer(
                depth_um=80.0,
                n_roots=2,
                root_radius_um=25.0,
                opacity=0.9,
                branch_prob=0.15,
                tortuosity_deg=5.0,
            )
        ],
    ),
)
"""Sparser cells of neocortical layer 2/3 under thick vessels."""


def build_spec(
    scope: Scope,
    region: Region,
    *,
    duration_s: float = 150.0,
    fps: float = 20.0,
    seed: int = 0,
    populations: Sequence[NeuronPopulation] | None = None,
    activity: CellActivity | None = None,
    sensor: Sensor | None = None,
    extra_steps: Sequence[AnyStep] = (),
    include_neuropil: bool = True,
    include_vasculature: bool = True,
    include_scope_fields: bool = True,
    save_intermediates: bool = False,
) -> Spec:
    """Put a scope over a region.

    The brain neither moves nor bleaches unless `extra_steps` says so. `populations` replaces the
    cells of the region.
    """
    optional = [
        (include_neuropil, region.neuropil),
        (include_vasculature, region.vasculature),
        (include_scope_fields, scope.illumination),
        (include_scope_fields, scope.vignette),
        (include_scope_fields, scope.leakage),
    ]
    return Spec(
        acquisition=_acquisition(scope, region.tissue, duration_s, fps),
        seed=seed,
        steps=[
            PlaceNeurons(populations=list(populations or [region.population])),
            activity or CellActivity(),
            CellOptics(),
            Composite(),
            *(step for included, step in optional if included and step is not None),
            sensor or Sensor(photons_per_unit=scope.photons_per_unit),
            *extra_steps,
        ],
        output=Output(save_intermediates=save_intermediates),
    )


STUDIO_MOTION = BrainMotion(motion_amplitude_um=5.0, max_shift_um=10.0)

_GENERIC_STUDIO: list[AnyStep] = [
    PlaceNeurons(),
    Neuropil(),
    IlluminationProfile(),
    Vignette(),
    Leakage(),
]


def _v4_studio(region: Region) -> list[AnyStep]:
    place = PlaceNeurons(
        **{n: getattr(region.population, n) for n in NeuronPopulation.model_fields}
    )
    seen = (region.neuropil, region.vasculature)
    scope = (MINISCOPE_V4.illumination, MINISCOPE_V4.vignette, MINISCOPE_V4.leakage)
    return [place, *(step for step in (*seen, *scope) if step is not None)]


_STUDIO: Mapping[str, tuple[Scope, Tissue, list[AnyStep]]] = {
    "Generic 1p scope": (GENERIC_1P, Tissue(), _GENERIC_STUDIO),
    "Miniscope V4 - CA1": (MINISCOPE_V4, CA1.tissue, _v4_studio(CA1)),
    "Miniscope V4 - cortex L2/3": (MINISCOPE_V4, CORTEX_L23.tissue, _v4_studio(CORTEX_L23)),
}

STUDIO_PRESETS = tuple(_STUDIO)
"""Names of the scenes that `studio_spec` knows; the brain moves in all of them."""

ACTIVITY_PRESETS: Mapping[str, CellActivity] = MappingProxyType(
    {
        "Quiet": CellActivity(
            p_quiescent_to_active=0.002,
            p_active_to_quiescent=0.4,
            active_rate_hz=80.0,
            quiescent_rate_hz=0.2,
            tau_decay_s=0.6,
        ),
        "Moderate": CellActivity(),
        "Active": CellActivity(
            p_quiescent_to_active=0.012,
            p_active_to_quiescent=0.2,
            active_rate_hz=250.0,
            quiescent_rate_hz=1.0,
            tau_decay_s=0.45,
        ),
    }
)
"""How much the cells do, by the studio's names."""


def studio_spec(
    preset: str,
    activity: str = "Moderate",
    *,
    seed: int = 0,
    duration_s: float = 150.0,
    fps: float = 20.0,
) -> Spec:
    """Give the Spec of a scene by the studio's names; ValueError lists the names there are."""
    scope, tissue, steps = _look_up("preset", preset, _STUDIO)
    sensor = Sensor(photons_per_unit=600.0)
    firing = activity_preset(activity)
    return Spec.model_validate(
        {
            "acquisition": _acquisition(scope, tissue, duration_s, fps),
            "seed": seed,
            "steps": [*steps, firing, CellOptics(), Composite(), STUDIO_MOTION, sensor],
        },
        # The generic scope's field is so small that its motion is worth a warning, but no news.
        context=QUIET,
    )


def activity_preset(name: str) -> CellActivity:
    """Give how much the cells do, by the studio's name; ValueError lists the names there are."""
    return _look_up("activity", name, ACTIVITY_PRESETS)


def _acquisition(scope: Scope, tissue: Tissue, duration_s: float, fps: float) -> Acquisition:
    return Acquisition(
        optics=scope.optics,
        image_sensor=scope.image_sensor,
        tissue=tissue,
        fps=fps,
        duration_s=duration_s,
        focal_depth_in_tissue_um=scope.focal_depth_in_tissue_um,
        front_working_distance_um=scope.front_working_distance_um,
    )


def _look_up(what: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise ValueError(f"there is no {what} {name!r}; there are {', '.join(known)}")
    return known[name]
