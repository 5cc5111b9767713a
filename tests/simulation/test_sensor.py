"""Photons to counts."""

import numpy as np
import pytest

from syntalos_miniscope.simulation import ImageSensor, Sensor, noise
from syntalos_miniscope.simulation.extras import PixelDefects
from syntalos_miniscope.simulation.sensor import Chip

SIZE = 400


def chip(defects: PixelDefects | None = None, **sensor) -> Chip:
    image_sensor = ImageSensor(n_px_height=SIZE, n_px_width=SIZE, **sensor)
    return Chip(Sensor(photons_per_unit=100), image_sensor, noise.stream(1), defects)


def flat(electrons: float) -> np.ndarray:
    """A picture that gives so many electrons, at a quantum efficiency of 0.7."""
    return np.full((SIZE, SIZE), electrons / 70, np.float32)


def counts(device: Chip, electrons: float, frame: int = 0, **knobs) -> np.ndarray:
    knobs = {"light": 1.0, "gain": 1.0, "exposure_s": 0.05} | knobs
    return device.read(flat(electrons), frame, **knobs)


@pytest.mark.parametrize("electrons", [15, 40, 100, 180])
def test_mean_and_variance_are_those_of_shot_and_read_noise(electrons: float):
    found = counts(chip(), electrons).astype(float)
    assert found.mean() == pytest.approx(electrons - 0.5, abs=0.1)
    assert found.var() == pytest.approx(electrons + 4.083, rel=0.02)


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_the_photon_transfer_curve_has_a_slope_of_the_gain(gain: float):
    device = chip(bit_depth=12, gain_adu_per_e=gain)
    levels = np.array([50, 100, 200, 400, 800, 1200])
    frames = [counts(device, level, frame) for frame, level in enumerate(levels)]
    means = [frame.mean() for frame in frames]
    # Two frames of a level differ by noise alone.
    variances = [
        np.var(counts(device, level, 100 + k).astype(float) - frame.astype(float)) / 2
        for k, (level, frame) in enumerate(zip(levels, frames, strict=True))
    ]
    slope, offset = np.polyfit(means, variances, 1)
    assert slope == pytest.approx(gain, rel=0.02)
    assert offset == pytest.approx(gain**2 * 4 + 1 / 12, abs=6 * gain**2)


def test_dark_frames_hold_read_noise_alone():
    dark = counts(chip(), 0.0)
    assert dark.dtype == np.uint8 and dark.min() == 0
    assert (dark == 0).mean() == pytest.approx(0.69, abs=0.01)


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (10, np.uint16), (12, np.uint16)])
def test_a_sensor_saturates_at_the_end_of_its_bits(bits: int, kind: type):
    bright = counts(chip(bit_depth=bits), 1e5)
    assert bright.dtype == kind and (bright == 2**bits - 1).all()


def test_light_and_gain_scale_counts():
    device = chip(bit_depth=12)
    plain = counts(device, 100).mean()
    assert counts(device, 100, light=3.0).mean() == pytest.approx(3 * plain, rel=0.01)
    assert counts(device, 100, gain=3.5).mean() == pytest.approx(3.5 * plain, rel=0.01)


def test_noise_is_of_the_frame_and_of_the_pixel():
    device = chip()
    first, second = counts(device, 100, 0).astype(float), counts(device, 100, 1).astype(float)
    assert (counts(device, 100, 0) == first).all()
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.01
    for shift in ((0, 1), (1, 0), (1, 1)):
        moved = np.roll(first, shift, (0, 1))
        assert abs(np.corrcoef(first.ravel(), moved.ravel())[0, 1]) < 0.01
    assert abs(np.diff(first.mean(0)).std() / (10 / SIZE**0.5 * 2**0.5) - 1) < 0.2


def test_the_noise_has_the_moments_and_tails_of_a_normal_distribution():
    device = chip(bit_depth=12, gain_adu_per_e=16.0)
    found = np.array([counts(device, 120.0, frame) for frame in range(20)])
    z = ((found + 0.5) / 16 - 120) / np.sqrt(124)
    assert z.mean() == pytest.approx(0, abs=0.002)
    assert z.var() == pytest.approx(1, abs=0.003)
    assert (z**3).mean() == pytest.approx(0, abs=0.01)
    assert (z**4).mean() == pytest.approx(3, abs=0.03)
    assert (z**6).mean() == pytest.approx(15, abs=0.5)
    for sigmas, share in ((2, 0.0455), (3, 0.0027), (4, 6.3e-5)):
        for side in (z > sigmas, z < -sigmas):
            assert side.mean() == pytest.approx(share / 2, rel=0.25)


def test_counts_of_many_electrons_do_not_come_in_steps():
    device = chip(bit_depth=12)
    found = np.array([counts(device, 3000.0, frame) for frame in range(12)])
    near = np.arange(2950, 3050)
    z = (near + 0.5 - 3000) / np.sqrt(3004)
    expected = found.size * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi * 3004)
    assert np.bincount(found.ravel())[near] == pytest.approx(expected, rel=0.08)


def test_each_defect_acts():
    plain = counts(chip(), 50.0).astype(float)
    assert counts(chip(PixelDefects(black_level_adu=20)), 50.0).mean() - plain.mean() == (
        pytest.approx(20, abs=0.1)
    )
    assert counts(chip(PixelDefects(full_well_e=60.0)), 200.0).max() == 60
    uneven = chip(PixelDefects(prnu=0.1))
    mean = np.mean([counts(uneven, 100.0, k) for k in range(30)], 0)
    assert mean.std() / mean.mean() == pytest.approx(0.1, rel=0.1)
    offset = chip(PixelDefects(dsnu_e=5.0))
    mean = np.mean([counts(offset, 100.0, k) for k in range(30)], 0)
    assert mean.std() == pytest.approx(np.hypot(5, 10 / 30**0.5), rel=0.1)
    uneasy = chip(PixelDefects(row_noise_e=4.0))
    rows, later = (counts(uneasy, 100.0, frame).mean(1) for frame in (0, 1))
    assert rows.std() == pytest.approx(4.0, rel=0.2)
    assert abs(np.corrcoef(rows, later)[0, 1]) < 0.2


def test_the_black_level_is_in_counts_whatever_the_gain():
    device = chip(PixelDefects(black_level_adu=20), bit_depth=12)
    for gain in (1.0, 3.5):
        plain = counts(chip(bit_depth=12), 50.0, gain=gain).mean()
        assert counts(device, 50.0, gain=gain).mean() - plain == pytest.approx(20, abs=0.1)


def test_hot_pixels_are_hot_by_the_length_of_the_exposure():
    device = chip(PixelDefects(hot_share=0.01, hot_e_s=1000.0))
    assert device.pixels is not None
    hot = device.pixels.hot
    assert hot.mean() == pytest.approx(0.01, rel=0.2)
    for exposure_s in (0.05, 0.1):
        dark = counts(device, 0.0, exposure_s=exposure_s)
        assert dark[hot].mean() == pytest.approx(1000 * exposure_s - 0.5, rel=0.05)
        assert dark[hot].var() == pytest.approx(1000 * exposure_s + 4.083, rel=0.2)
        assert dark[~hot].mean() < 1


def test_defects_of_nothing_change_nothing():
    assert (counts(chip(PixelDefects()), 80.0) == counts(chip(), 80.0)).all()
