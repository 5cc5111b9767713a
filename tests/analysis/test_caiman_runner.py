"""CaImAn's runner against a stand-in that is strict about CaImAn's names and conventions."""

import shutil
import site
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from syntalos_miniscope.analysis.backends import (
    BackendError,
    Installed,
    extract,
    making,
    motion_correct,
)
from syntalos_miniscope.analysis.backends.making import tiny_movie
from syntalos_miniscope.analysis.extraction import ExtractionParameters

STAND_IN = Path(__file__).parent / "caiman_stand_in" / "caiman"
SHAPE = (40, 56)
PARAMETERS = ExtractionParameters(gSig=(3.2, 3), gSiz=(13, 13), rf=20, stride=10)


@pytest.fixture(scope="module")
def caiman(tmp_path_factory) -> Installed:
    """The stand-in, in an environment of its own that was named as a person names it."""
    root = tmp_path_factory.mktemp("caiman")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "env"], check=True)
    there = next(root.glob("env/lib/python*/site-packages"))
    shutil.copytree(STAND_IN, there / "caiman", ignore=shutil.ignore_patterns("__pycache__"))
    # numpy and scipy are those that the tests run with.
    (there / "ours.pth").write_text("\n".join(site.getsitepackages()))
    return making.adopt_caiman(root / "env", print, folder=root / "backends")


@pytest.fixture(scope="module")
def movie() -> np.ndarray:
    """Wider than high, so that rows and columns cannot be mistaken for each other."""
    return tiny_movie()[:, 2 : 2 + SHAPE[0], 4 : 4 + SHAPE[1]].astype(np.float32)


def packages(caiman: Installed) -> Path:
    return next(caiman.python.parents[1].glob("lib/python*/site-packages"))


@contextmanager
def changed(caiman: Installed, text: str, other: str) -> Generator[None]:
    """Another CaImAn: a piece of its parameters reads otherwise."""
    params = packages(caiman) / "caiman" / "source_extraction" / "cnmf" / "params.py"
    whole = params.read_text()
    assert text in whole
    params.write_text(whole.replace(text, other))
    try:
        yield
    finally:
        params.write_text(whole)


@pytest.mark.parametrize(
    ("rf", "cores"), [(20, 3), (20, 1), (None, 3)], ids=["patches", "one core", "whole"]
)
def test_cells_come_back_where_they_are_with_their_light(caiman, movie, tmp_path, rf, cores):
    (packages(caiman) / "cores.pth").write_text(f"import os; os.cpu_count = lambda: {cores}")
    parameters = PARAMETERS.model_copy(update={"rf": rf})
    found = extract(movie, parameters, caiman, tmp_path, frame_rate_hz=20.0)
    peaks = sorted(np.unravel_index(one.argmax(), SHAPE) for one in found.pictures())
    assert len(peaks) == 2
    np.testing.assert_allclose(peaks, [(14, 12), (14, 44)], atol=1)
    for footprint, raw in zip(found.pictures(), found.raw_traces, strict=True):
        y, x = np.unravel_index(footprint.argmax(), SHAPE)
        light = movie[:, y - 1 : y + 2, x - 1 : x + 2].mean(axis=(1, 2))
        assert np.corrcoef(raw, light)[0, 1] > 0.95
        assert np.polyfit(raw, light, 1)[0] == pytest.approx(1, abs=0.2)
    assert (found.spikes >= 0).all() and found.traces.shape == (2, len(movie))
    assert found.background is not None
    np.testing.assert_allclose(found.background, movie.mean(axis=0), rtol=1e-4)


def test_a_movie_without_cells_has_none(caiman, tmp_path):
    dark = np.random.default_rng(0).normal(20, 2, (80, *SHAPE)).astype(np.float32)
    found = extract(dark, PARAMETERS, caiman, tmp_path, frame_rate_hz=20.0)
    assert found.pictures().shape == (0, *SHAPE) and found.traces.shape == (0, 80)


@pytest.mark.parametrize("pieces", [False, True], ids=["rigid", "by pieces"])
def test_motion_is_how_far_the_picture_had_moved_down_and_right(caiman, tmp_path, pieces):
    random = np.random.default_rng(3)
    still = random.random(SHAPE).astype(np.float32)
    moved = random.integers(-5, 6, (60, 2))
    moved[0] = 0
    movie = np.array([np.roll(still, shift, (0, 1)) for shift in moved])
    parameters = PARAMETERS.model_copy(update={"pw_rigid": pieces})
    found = motion_correct(movie, parameters, caiman, tmp_path, frame_rate_hz=20.0)
    np.testing.assert_allclose(found.shifts, moved, atol=1e-4)
    np.testing.assert_array_equal(found.movie, np.broadcast_to(still, movie.shape))


@pytest.mark.parametrize("generation", ["flat", "both", "grouped"])
def test_every_caiman_is_told_its_parameters_as_it_wants_them(caiman, movie, tmp_path, generation):
    with changed(caiman, 'GENERATION: str = "both"', f'GENERATION: str = "{generation}"'):
        found = extract(movie, PARAMETERS, caiman, tmp_path, frame_rate_hz=20.0)
    assert len(found) == 2


def test_a_parameter_that_caiman_would_pass_over_is_told_in_one_line(caiman, tmp_path):
    movie = np.zeros((60, *SHAPE), np.float32)
    with (
        changed(caiman, '"ring_size_factor", ', ""),
        pytest.raises(BackendError, match=r"this CaImAn has no parameter ring_size_factor \(init"),
    ):
        extract(movie, PARAMETERS, caiman, tmp_path, frame_rate_hz=20.0)
