"""The haze, against the statistics of minisim 1.0.3."""

# A None where a picture or a stage was promised fails a test all the same.
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalOperand=false, reportArgumentType=false
import numpy as np
import pytest

from syntalos_miniscope.simulation import CellActivity, Neuropil, Spec, noise
from syntalos_miniscope.simulation.canvas import Canvas
from syntalos_miniscope.simulation.drift import Drift
from syntalos_miniscope.simulation.life import Life
from syntalos_miniscope.simulation.neuropil import Haze
from syntalos_miniscope.simulation.pyramid import Pyramid

V4 = Canvas((608, 608), 8, 4.8 / 2.9)
SMALL = Canvas((150, 160), 4, 1.0)


def haze(
    step: Neuropil | None = None, canvas: Canvas = SMALL, seed: int = 0, mean: float | None = 100.0
):
    return Haze(step or Neuropil(), canvas, 20.0, noise.stream(seed), mean)


def test_fields_have_the_mean_the_spread_and_the_smoothness_of_minisims():
    step = Neuropil(amplitude=0.4)
    fields = np.concatenate([haze(step, V4, seed).spatial() for seed in range(6)])
    # Six recordings of three fields each, minisim's and ours.
    assert fields.mean() == pytest.approx(0.4725, abs=3 * 0.07 / 6**0.5 * 2**0.5)
    # Of 300 fields of minisim's generator; single fields spread by .0115.
    assert fields.std((1, 2)).mean() == pytest.approx(0.0397, abs=3 * 0.0115 / 18**0.5)
    lengths_um = [correlation_length_px(field) * V4.pixel_um for field in fields]
    assert np.mean(lengths_um) == pytest.approx(65, abs=8)


def correlation_length_px(field: np.ndarray) -> float:
    """Where the autocorrelation of a field falls below 1/e, along rows and columns."""
    power = np.abs(np.fft.fft2(field - field.mean(), (1216, 1216))) ** 2
    overlap = np.abs(np.fft.fft2(np.ones_like(field), (1216, 1216))) ** 2
    correlation = np.real(np.fft.ifft2(power)) / np.maximum(np.real(np.fft.ifft2(overlap)), 1)
    line = (correlation[0, :300] + correlation[:300, 0]) / 2 / correlation[0, 0]
    return float(np.argmax(line < np.exp(-1)))


def test_the_fields_of_a_haze_have_one_mean():
    means = haze(Neuropil(n_components=4)).spatial().mean((1, 2))
    full = [
        field.mean()
        for field in haze(Neuropil(n_components=4), Canvas(SMALL.shape, 0, 1.0)).spatial()
    ]
    assert full == pytest.approx([full[0]] * 4, rel=1e-4)
    assert means == pytest.approx(means.mean(), rel=0.1)


def test_what_is_rendered_is_fields_times_envelopes():
    stage, pyramid = haze(), Pyramid(SMALL.shape)
    stage.advance(0, 130.0, 1.0)
    pyramid.clear()
    stage.add(pyramid)
    rendered = pyramid.collapse()[SMALL.fov]
    expected = 0.5 / 3 * np.tensordot(stage.temporal, stage.spatial(), 1)
    assert rendered == pytest.approx(expected, abs=1e-6)


def test_the_population_is_followed_with_a_lag():
    stage = haze()
    stage.advance(0, 100.0, 1.0)
    assert stage.population == pytest.approx(1)
    for frame in range(1, 31):
        stage.advance(frame, 200.0, 1.0)
    assert stage.population == pytest.approx(2 - np.exp(-1), rel=1e-6)


def test_envelopes_mix_the_population_and_a_drift_of_mean_one():
    stage = haze(Neuropil(n_components=200, temporal_tau_s=0.5))
    stage.advance(0, 300.0, 1.0)
    assert stage.temporal.mean() == pytest.approx(0.3 + 0.7 * 3, abs=0.03)
    assert stage.temporal.std() == pytest.approx(0.3 * np.sqrt(np.exp(0.16) - 1), rel=0.15)


def test_without_traces_the_haze_only_drifts():
    stage = haze(Neuropil(n_components=200), mean=None)
    stage.advance(0, 0.0, 1.0)
    assert stage.temporal.mean() == pytest.approx(1, abs=0.1)


def test_envelopes_have_the_statistics_of_minisims():
    found = []
    for seed in range(6):
        told = Spec(seed=seed, steps=[CellActivity(), Neuropil(amplitude=0.4)])
        life = Life(told, Canvas((40, 40), 0, 1.0), 300, np.ones(300), 0)
        envelopes, population = [], []
        for _ in range(1200):
            life.expose(20.0, 1.0)
            envelopes.append(life.haze.temporal)
            population.append(life.haze.population)
        envelopes, population = np.array(envelopes).T, np.array(population)
        alike = [np.corrcoef(envelope, population)[0, 1] for envelope in envelopes]
        found.append((envelopes.mean(), envelopes.std(1).mean(), population.std(), np.mean(alike)))
    # Of 60 s, six seeds and 300 cells: mean, spread, spread of the population, correlation.
    published, spread = np.array([1.0, 0.111, 0.071, 0.47]), np.array([0.03, 0.019, 0.01, 0.15])
    assert np.all(np.abs(np.mean(found, 0) - published) < 3 * spread / 6**0.5)


def test_the_haze_bleaches():
    fresh, faded = haze(), haze()
    fresh.advance(0, 100.0, 1.0)
    faded.advance(0, 100.0, 0.6)
    assert faded.temporal == pytest.approx(0.6 * fresh.temporal)


def test_drift_has_unit_variance_and_forgets_over_its_time():
    drift = Drift(2000, 2.0, 20.0, noise.stream(0))
    values = [drift.values]
    for frame in range(1, 81):
        drift.advance(frame)
        values.append(drift.values)
    values = np.array(values)
    assert values[0].var() == pytest.approx(1, abs=0.1)
    assert values[-1].var() == pytest.approx(1, abs=0.1)
    assert np.mean(values[0] * values[40]) == pytest.approx(np.exp(-1), abs=0.08)
