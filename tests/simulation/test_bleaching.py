"""Photobleaching, against the closed form and the published figures of minisim 1.0.3."""

import numpy as np
import pytest
from small_scene import SMALL, play, spec

from syntalos_miniscope.simulation import (
    Bleaching,
    BrainMotion,
    CellActivity,
    Composite,
    IlluminationProfile,
    Neuropil,
    PlaceNeurons,
)
from syntalos_miniscope.simulation.bleaching import Photobleaching
from syntalos_miniscope.simulation.renderer import Renderer


def bleached(seconds: float, emission: float, *, light: float = 1.0, fps: float = 20.0) -> float:
    stage = Photobleaching(Bleaching(), fps, np.ones(1))
    for _ in range(round(seconds * fps)):
        stage.advance(np.array([emission]), light)
    return float(stage.intact[0])


@pytest.mark.parametrize(
    ("seconds", "emission", "light", "fps", "intact"),
    [
        # The last frames of 600 s and of an hour at 20 fps.
        (599.95, 1, 1, 20, 0.996283),
        (599.95, 5, 1, 20, 0.981556),
        (3599.95, 5, 1, 20, 0.901723),
        (600, 1, 10, 2, 0.963453),
        (1800, 1, 10, 2, 0.897389),
        (3599.5, 1, 10, 2, 0.813684),
    ],
)
def test_cells_fade_as_published(seconds, emission, light, fps, intact):
    assert bleached(seconds, emission, light=light, fps=fps) == pytest.approx(intact, abs=6e-7)


@pytest.mark.parametrize(("emission", "floor"), [(1, 0.888099), (5, 0.613497)])
def test_bleaching_ends_where_turnover_balances_it(emission: float, floor: float):
    assert bleached(400_000, emission, fps=0.1) == pytest.approx(floor, abs=6e-7)


def test_cells_recover_in_the_dark():
    stage = Photobleaching(Bleaching(), 1.0, np.ones(1))
    stage.intact = np.array([0.5])
    for _ in range(20_000):
        stage.advance(np.ones(1), 0.0)
    assert stage.intact[0] == pytest.approx(0.816060, abs=6e-7)


def test_a_stronger_excitation_bleaches_as_a_brighter_led_does():
    strong = Photobleaching(Bleaching(excitation_intensity=10.0), 2.0, np.ones(1))
    for _ in range(1200):
        strong.advance(np.ones(1), 1.0)
    assert strong.intact[0] == pytest.approx(0.963453, abs=6e-7)


def test_a_cell_bleaches_by_the_light_where_it_rests_and_the_haze_fades_along():
    middle, edge = (50.0, 0.0, 0.0), (50.0, 45.0, -40.0)
    steps = (
        PlaceNeurons(positions_um=[middle, edge], soma_radius_um=5.0),
        CellActivity(p_quiescent_to_active=1e-12, quiescent_rate_hz=0.0, brightness_cv=0.0),
        Composite(),
        Neuropil(population_coupling=0.0),
        BrainMotion(motion_amplitude_um=5.0, max_shift_um=5.0),
        IlluminationProfile(falloff=0.2),
    )
    renderer = Renderer(spec(*steps, Bleaching(bleach_susceptibility=1e-3)))
    frames, fresh = play(renderer, 100), play(Renderer(spec(*steps)), 100)
    assert frames[0].intact.tolist() == [1.0, 1.0]
    rows, columns = SMALL.shape
    corner_um = np.hypot((rows - 1) / 2, (columns - 1) / 2) * SMALL.pixel_size_um
    light = 1 - 0.8 * (np.hypot(45, 40) / corner_um) ** 2
    lost = 1 - frames[-1].intact
    assert lost[1] / lost[0] == pytest.approx(light, rel=0.02)
    faded = frames[-1].neuropil_temporal / fresh[-1].neuropil_temporal
    assert faded == pytest.approx(frames[-1].intact.mean(), rel=1e-6)


def test_dim_corners_bleach_less():
    stage = Photobleaching(Bleaching(), 20.0, np.array([1.0, 0.7]))
    for _ in range(1000):
        stage.advance(np.ones(2), 1.0)
    lost = 1 - stage.intact
    assert lost[1] / lost[0] == pytest.approx(0.7, rel=1e-3)
