import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from scipy.signal import windows

from syntalos_miniscope.analysis.pipeline.rhythms import (
    band_passed,
    peaks,
    phase,
    slepian,
    spectrogram,
)

RATE_HZ = 20.0
TIME_S = np.arange(2400) / RATE_HZ


def test_a_band_is_what_scipys_filter_lets_through_both_ways():
    noise = np.random.default_rng(0).normal(size=2400).cumsum()
    sections = signal.butter(2, (0.1, 1.5), "bandpass", fs=RATE_HZ, output="sos")
    expected = signal.sosfiltfilt(sections, noise, padlen=600)
    found = band_passed(noise, RATE_HZ, 0.1, 1.5)
    inner = slice(300, -300)
    assert found[inner] == pytest.approx(expected[inner], abs=0.02 * expected.std())


def test_a_sine_in_the_band_passes_and_one_outside_does_not():
    inside, outside = np.sin(2 * np.pi * 0.4 * TIME_S), np.sin(2 * np.pi * 6 * TIME_S)
    assert band_passed(inside + outside, RATE_HZ, 0.1, 1.5)[400:-400] == pytest.approx(
        inside[400:-400], abs=0.05
    )


@pytest.mark.parametrize("band", [(0, 1), (2, 1), (1, 10), (1, 12)])
def test_a_band_that_cannot_be_is_refused(band):
    with pytest.raises(ValueError, match="between 0 and 10 Hz"):
        band_passed(TIME_S, RATE_HZ, *band)


@pytest.mark.parametrize("count", [400, 401])
def test_the_phase_of_a_sine_is_its_angle(count):
    wave = np.cos(2 * np.pi * np.arange(count) * 8 / count + 0.7)
    expected = np.angle(np.exp(1j * (2 * np.pi * np.arange(count) * 8 / count + 0.7)))
    assert np.exp(1j * phase(wave)) == pytest.approx(np.exp(1j * expected), abs=1e-6)
    noise = np.random.default_rng(0).normal(size=count)
    assert phase(noise) == pytest.approx(np.angle(np.asarray(signal.hilbert(noise))))


def test_the_tapers_are_slepians():
    theirs = windows.dpss(600, 2, 3, norm=2)
    assert slepian(600, 2, 3) == pytest.approx(theirs, abs=1e-6)


def test_a_sine_stands_at_its_frequency_and_time():
    wave = np.where(TIME_S < 60, np.sin(2 * np.pi * 3 * TIME_S), np.sin(2 * np.pi * 7 * TIME_S))
    found = spectrogram(wave, RATE_HZ)
    strongest = found.frequency_hz[found.power_db.argmax(axis=1)]
    assert strongest[found.time_s < 40] == pytest.approx(3, abs=0.1)
    assert strongest[found.time_s > 80] == pytest.approx(7, abs=0.1)
    assert found.time_s[0] == 15 and np.diff(found.time_s) == pytest.approx(3)
    assert found.frequency_hz.max() <= 15


def test_the_power_of_white_noise_is_its_variance_over_the_band():
    noise = np.random.default_rng(0).normal(0, 3, 40_000)
    found = spectrogram(noise, RATE_HZ, most_hz=10)
    power = (10 ** (found.power_db / 10)).mean(axis=0)[2:-2]
    assert power.mean() * RATE_HZ / 2 == pytest.approx(9, rel=0.05)


def test_a_signal_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match=r"10.0 s are too short .* windows of 30 s"):
        spectrogram(np.zeros(200), RATE_HZ)


def test_a_window_of_a_few_samples_is_refused():
    with pytest.raises(ValueError, match="holds 4 samples"):
        spectrogram(np.zeros(200), RATE_HZ, window_s=0.2)


def test_a_window_whose_tapers_would_take_hours_is_refused():
    with pytest.raises(ValueError, match="holds 20000 samples, more than the 6000"):
        spectrogram(np.zeros(20_000), RATE_HZ, window_s=1000)


@settings(deadline=None)
@given(st.lists(st.integers(-3, 9), max_size=40))
def test_peaks_are_scipys(values):
    expected = signal.find_peaks(np.array(values, float), height=2)[0] if values else []
    assert peaks(np.array(values, float), 2).tolist() == list(expected)
