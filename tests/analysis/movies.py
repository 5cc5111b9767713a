"""Synthetic movies with their truth, on which accuracy is measured; the benchmark has them too."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from syntalos_miniscope.analysis.score import Series, Truth
from syntalos_miniscope.analysis.stabilise import Stabiliser
from syntalos_miniscope.recording.truth import GroundTruth
from syntalos_miniscope.simulation import simulate
from syntalos_miniscope.simulation.acquisition import Acquisition, ImageSensor, Optics
from syntalos_miniscope.simulation.presets import CA1, MINISCOPE_V4, build_spec
from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.simulation.steps import (
    Bleaching,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    Leakage,
    Neuropil,
    PlaceNeurons,
    Sensor,
    Vasculature,
    VesselLayer,
    Vignette,
)

FPS = 20.0


def sparse_spec(side: int = 256, cells: int = 50, seconds: float = 60, seed: int = 1) -> Spec:
    """Lively cells on a jittered grid, 50 µm deep, under haze and vessels."""
    px_um, rng = 1.66, np.random.default_rng(seed)
    per = int(np.ceil(np.sqrt(cells)))
    pitch = side * px_um / per

    def place(k: int) -> float:
        return float((k + 0.5 - per / 2 + rng.uniform(-0.15, 0.15)) * pitch)

    places = [(50.0, place(cell // per), place(cell % per)) for cell in range(cells)]
    sensor = ImageSensor(n_px_height=side, n_px_width=side, pixel_pitch_um=8.0)
    return Spec(
        acquisition=Acquisition(
            optics=Optics(magnification=8 / px_um),
            image_sensor=sensor,
            fps=FPS,
            duration_s=seconds,
        ),
        seed=seed,
        steps=[
            PlaceNeurons(positions_um=places, soma_radius_um=5.0),
            CellActivity(p_quiescent_to_active=0.05),
            CellOptics(),
            Composite(),
            Sensor(photons_per_unit=40.0),
            BrainMotion(),
            Neuropil(),
            Vasculature(enabled=True, layers=[VesselLayer()]),
            Vignette(),
            Leakage(),
            IlluminationProfile(),
            Bleaching(),
        ],
    )


def dense_spec(side: int = 256, seconds: float = 60, seed: int = 3) -> Spec:
    """A Miniscope V4 over CA1, which moves as brains do by default."""
    sensor = ImageSensor(n_px_height=side, n_px_width=side, pixel_pitch_um=4.8)
    scope = MINISCOPE_V4.model_copy(update={"image_sensor": sensor})
    return build_spec(
        scope, CA1, duration_s=seconds, fps=FPS, seed=seed, extra_steps=[BrainMotion()]
    )


@dataclass(frozen=True)
class Movie:
    """Frames uint8 as they come, the truth, and what the stabiliser makes of them."""

    frames: np.ndarray
    ground: GroundTruth
    still: np.ndarray
    shifts: np.ndarray
    """(frame, 3): dy, dx, quality."""

    @property
    def time_us(self) -> np.ndarray:
        return np.arange(len(self.frames), dtype=np.int64) * 50_000

    @property
    def truth(self) -> Truth:
        """What `score` wants, of the detectable cells."""
        ground = self.ground
        cells = np.ones(len(ground.C), np.bool_)
        assert ground.shifts is not None
        return Truth(
            Series(self.time_us, ground.shifts),
            Series(self.time_us, ground.C.T),
            Series(self.time_us, ground.S.T),
            cells,
        )

    @property
    def footprints(self) -> np.ndarray:
        """(cell, H, W): where the cells are seen in the stabilised frames."""
        dy, dx = (self.ground.shifts - self.shifts[:, :2]).mean(axis=0)
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        pictures = self.ground.A_observed.astype(np.float32)
        moved = [cv2.warpAffine(one, move, one.shape[::-1]) for one in pictures]
        return np.array([np.where(one > 0.05 * one.max(), one, 0) for one in moved])


def make(spec: Spec) -> Movie:
    recording = simulate(spec)
    frames = recording.observed.astype(np.uint8)
    stabiliser = Stabiliser()
    results = [stabiliser(frame) for frame in frames]
    shifts = np.array([(shift.dy, shift.dx, shift.quality) for _, shift in results])
    still = np.array([picture for picture, _ in results])
    return Movie(frames, recording.ground_truth.detectable_subset(), still, shifts)
