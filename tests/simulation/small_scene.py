"""A small scene of all steps, and how it is played."""

import numpy as np

from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope.simulation import (
    Acquisition,
    Bleaching,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    ImageSensor,
    Leakage,
    Neuropil,
    Optics,
    PlaceNeurons,
    Sensor,
    Spec,
    Vasculature,
    VesselLayer,
    Vignette,
)
from syntalos_miniscope.simulation.renderer import Rendered, Renderer

SMALL = Acquisition(
    fps=20.0,
    duration_s=2.0,
    optics=Optics(magnification=8.0),
    # Pixels of 0.9 µm, so that a number in the wrong unit is another number.
    image_sensor=ImageSensor(n_px_height=120, n_px_width=130, pixel_pitch_um=7.2),
)


FULL = (
    PlaceNeurons(),
    CellActivity(),
    Bleaching(),
    CellOptics(),
    Composite(),
    Neuropil(),
    Vasculature(enabled=True, layers=[VesselLayer(root_radius_um=8.0)]),
    BrainMotion(motion_amplitude_um=5.0, max_shift_um=8.0),
    IlluminationProfile(),
    Vignette(),
    Leakage(),
    Sensor(),
)


NOMINAL = ScopeSettings(frame_rate_hz=20.0)


def spec(*steps, seed: int = 1, **acquisition) -> Spec:
    return Spec(
        acquisition=SMALL.model_copy(update=acquisition), seed=seed, steps=list(steps or FULL)
    )


def play(renderer: Renderer, n: int, settings: ScopeSettings | None = None) -> list[Rendered]:
    return [renderer.advance(settings) for _ in range(n)]


def movie(frames: list[Rendered]) -> np.ndarray:
    return np.array([frame.image for frame in frames])


def knobs(**turned) -> ScopeSettings:
    return NOMINAL.model_copy(update=turned)
