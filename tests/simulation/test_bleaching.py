"""Photobleaching, against the closed form and the published figures of minisim 1.0.3."""

import numpy as np
import pytest

from syntalos_miniscope.simulation import Bleaching
from syntalos_miniscope.simulation.bleaching import Photobleaching


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


def test_dim_corners_bleach_less():
    stage = Photobleaching(Bleaching(), 20.0, np.array([1.0, 0.7]))
    for _ in range(1000):
        stage.advance(np.ones(2), 1.0)
    lost = 1 - stage.intact
    assert lost[1] / lost[0] == pytest.approx(0.7, rel=1e-3)
