"""Closed forms of blur, loss and detection, against the published tables of minisim 1.0.3."""

import numpy as np
import pytest

from syntalos_miniscope.recording.truth import Footprints
from syntalos_miniscope.simulation import Acquisition, ImageSensor, Optics, Sensor
from syntalos_miniscope.simulation.cells import Cells
from syntalos_miniscope.simulation.detection import Swing, electrons_per_unit, resolve_focus_um, snr
from syntalos_miniscope.simulation.optics import view

V4 = Acquisition(
    optics=Optics(na=0.3, magnification=2.9, field_curvature_radius_um=2500.0),
    image_sensor=ImageSensor(n_px_height=608, n_px_width=608, pixel_pitch_um=4.8),
)
LADDER = Acquisition(
    optics=Optics(), image_sensor=ImageSensor(n_px_height=200, n_px_width=200, pixel_pitch_um=8.0)
)

# Depth; V4 focused at 150: σ µm, σ px, attenuation, gain, brightness; V4 at 100: σ px;
# ladder at 100: σ px, brightness.
TABLE = """
0   45.0015 27.1884 1       .09      6.0021e-6 18.1264 45.0007 6.002e-6
25  37.5226 22.6699 .747018 .0672316 8.1061e-5 13.6165 33.7740 2.152e-4
50  30.1062 18.1892 .558035 .0502232 3.5380e-4 9.1902  22.6398 1.391e-3
75  22.8133 13.7831 .416862 .0375176 1.0235e-3 5.0710  11.8611 8.474e-3
100 15.8157 9.5553  .311403 .0280263 2.8162e-3 3.0290  5.0060  .063059
125 9.7697  5.9025  .232624 .0209361 8.5979e-3 5.9025  12.8719 .011123
140 7.6246  4.6066  .195278 .0175750 .0148542  8.3963  19.3148 5.200e-3
150 7.5090  4.5367  .173774 .0156397 .0156397  10.1346 23.7184 3.522e-3
160 8.5519  5.1668  .154638 .0139174 .0122048  11.9028 28.1613 2.529e-3
175 11.5303 6.9662  .129812 .0116831 6.7400e-3 14.5872 34.8667 1.657e-3
200 18.0315 10.8940 .096972 .0087275 2.6879e-3 19.1067 46.0984 9.246e-4
250 32.5021 19.6367 .054114 .0048702 7.2098e-4 28.2178 68.6481 3.635e-4
300 47.4356 28.6590 .030197 .0027178 2.7192e-4 37.3663 91.2418 1.653e-4
"""


def cells_at(*places_um: tuple[float, float, float]) -> Cells:
    patches = [(0, 0, np.ones((1, 1), np.float32)) for _ in places_um]
    return Cells(np.array(places_um, np.float64), Footprints.stacked(patches, (1, 1)))


def digits(text: str) -> float:
    """One unit of the last digit printed: the table was made with a rounded pixel size."""
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 1.0 * 10.0 ** (int(exponent or 0) - decimals)


@pytest.mark.parametrize("row", TABLE.split("\n")[1:-1])
def test_blur_loss_and_brightness_are_those_of_the_table(row: str):
    z, *expected = row.split()
    cell = cells_at((float(z), 0, 0))
    near, far, ladder = view(V4, cell, 150), view(V4, cell, 100), view(LADDER, cell, 100)
    found = (
        near.sigma_px[0] * V4.pixel_size_um,
        near.sigma_px[0],
        near.gain[0] / 0.09,
        near.gain[0],
        near.brightness[0],
        far.sigma_px[0],
        ladder.sigma_px[0],
        ladder.brightness[0],
    )
    for value, text in zip(found, expected, strict=True):
        assert abs(value - float(text)) < digits(text)


def test_blur_is_the_formula_to_a_millionth():
    z, y, x, focus = 163.0, 200.0, -120.0, 180.0
    seen = view(V4, cells_at((z, y, x)), focus)
    local = focus - (2500 - np.sqrt(2500**2 - y**2 - x**2))
    sigma_um = np.sqrt((0.21 * 0.525 / 0.3) ** 2 + (0.05 * z) ** 2 + (0.3 * (z - local)) ** 2)
    assert seen.sigma_px[0] == pytest.approx(sigma_um / (4.8 / 2.9), rel=1e-6)
    assert seen.gain[0] == pytest.approx(0.09 * np.exp(-z * (1 / 600 + 1 / 100)), rel=1e-6)


@pytest.mark.parametrize(
    ("r_um", "shift_um"),
    [
        (100, 2.001),
        (200, 8.013),
        (300, 18.065),
        (400, 32.208),
        (503.17, 51.160),
        (503.17273 * 2**0.5, 103.412),
    ],
)
def test_the_focal_surface_is_a_bowl(r_um: float, shift_um: float):
    assert V4.optics.focal_curvature_shift_um(r_um) == pytest.approx(shift_um, abs=6e-4)


def test_a_cell_is_in_focus_within_the_depth_of_field():
    cells = cells_at((150 - 7.75, 0, 0), (150 - 7.77, 0, 0), (150 + 7.75, 0, 0))
    assert view(V4, cells, 150).in_focus.tolist() == [True, False, True]


# Depth, ΔF, SNR on the axis of a V4 focused at 150 µm, with 600 photons per unit.
SNRS = """
150 1 2.021
150 5 10.10
150 20 40.4
100 1 .520
100 5 2.598
100 20 10.39
125 1 1.309
125 20 26.18
175 5 5.416
200 5 2.492
200 20 9.97
"""


@pytest.mark.parametrize("row", SNRS.split("\n")[1:-1])
def test_detectability_is_that_of_the_table(row: str):
    z, delta, expected = row.split()
    seen = view(V4, cells_at((float(z), 0, 0)), 150)
    per_unit = electrons_per_unit(V4, Sensor(photons_per_unit=600), seen.brightness, np.ones(1))
    found = snr(Swing(np.ones(1), np.array([1 + float(delta)])), per_unit, 2.0)
    assert abs(found[0] - float(expected)) < digits(expected)


def test_without_any_noise_all_that_changes_is_detected():
    swing = Swing(np.zeros(2), np.array([0.0, 1e-6]))
    assert (snr(swing, np.ones(2), 0.0) >= 3).tolist() == [False, True]


def test_auto_focus_without_a_sensor_is_the_median_depth():
    cells = cells_at((100, 0, 0), (120, 0, 0), (180, 0, 0))
    assert resolve_focus_um(LADDER, None, cells, None, np.ones(3)) == 120


def test_auto_focus_goes_where_most_cells_are_seen():
    cells = cells_at((50, 0, 0), (150, 1, 0), (151, 0, 1), (149, 1, 1))
    swing = Swing(np.ones(4), np.array([2.0, 3, 3, 3]))
    focus = resolve_focus_um(V4, Sensor(photons_per_unit=600), cells, swing, np.ones(4))
    assert focus == pytest.approx(150, abs=5)


def test_a_number_is_the_focus_as_it_is():
    acquisition = V4.model_copy(update={"focal_depth_in_tissue_um": 42.0})
    assert resolve_focus_um(acquisition, None, cells_at((1, 0, 0)), None, np.ones(1)) == 42.0
