"""suite2p and minian themselves, from the making of their environments to the cells they find.

The environments are made in .venv-backends if the person at this machine has none; that loads
some gigabytes. Without a package index these tests skip.
"""

import numpy as np
import pytest
from extraction_score import HEAD, HERE, PARAMETERS, extracted, judged, row, set_up

from syntalos_miniscope.analysis.backends import (
    BUILT_IN,
    BackendError,
    Installed,
    extract,
    making,
    motion_correct,
)
from syntalos_miniscope.analysis.extraction import evaluate_components

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def there(name: str) -> Installed:
    found = set_up().get(name)
    if found is None:
        try:
            found = making.make(name, print, folder=HERE)
        except BackendError as error:
            pytest.skip(f"{name} cannot be set up here: {error}")
    return found


def test_suite2p_finds_the_cells_of_a_sparse_movie_within_its_bounds(sparse, tmp_path):
    there("suite2p")
    print(f"\n{HEAD}")
    for name in ("suite2p", BUILT_IN):
        extraction, cost = extracted(name, sparse, tmp_path / name)
        found = judged(extraction, sparse)
        print(row(name, found, cost))
        assert found.recall >= 0.95
        assert found.precision >= 0.95
        assert found.trace_r >= 0.97
        assert cost.cpu_s <= 180
        assert cost.peak_mb <= 3000
        accepted = evaluate_components(extraction, sparse.still, frame_rate_hz=20.0).accepted
        assert accepted.mean() >= 0.95


def test_minian_finds_the_cells_of_a_sparse_movie(sparse, tmp_path):
    there("minian")
    extraction, cost = extracted("minian", sparse, tmp_path)
    found = judged(extraction, sparse)
    print(f"\n{HEAD}\n{row('minian', found, cost)}")
    assert found.recall >= 0.9
    assert found.precision >= 0.9


def test_suite2p_takes_motion_out_in_pieces(sparse, tmp_path):
    chosen = there("suite2p")
    moved = motion_correct(sparse.frames, PARAMETERS, chosen, tmp_path, frame_rate_hz=20.0)
    apart = moved.shifts - sparse.ground.shifts
    apart -= apart.mean(axis=0)
    assert np.sqrt((apart**2).mean()) < 0.3
    sharp, blurred = (crispness(frames) for frames in (moved.movie, sparse.frames))
    assert sharp > 1.1 * blurred
    assert moved.movie.mean() == pytest.approx(sparse.frames.mean(), rel=0.02)


@pytest.mark.parametrize("noise", [0, 3], ids=["dark", "noise"])
@pytest.mark.parametrize("name", ["suite2p", "minian"])
def test_a_movie_without_cells_is_no_error(name, noise, tmp_path):
    frames = np.random.default_rng(0).normal(20, noise, (100, 64, 80)).astype(np.uint8)
    found = extract(frames, PARAMETERS, there(name), tmp_path, frame_rate_hz=20.0)
    assert found.pictures().shape == (len(found), 64, 80)
    assert found.traces.shape == (len(found), 100)
    assert noise or not len(found)


def crispness(frames: np.ndarray) -> float:
    down, right = np.gradient(frames.mean(axis=0))
    return float(np.hypot(down, right).mean())
