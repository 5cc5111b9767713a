"""The fields of the scope, against the published table of minisim 1.0.3."""

# A None where a picture or a stage was promised fails a test all the same.
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalOperand=false, reportArgumentType=false
import numpy as np
import pytest

from syntalos_miniscope.simulation import IlluminationProfile, Leakage, Vignette
from syntalos_miniscope.simulation.fields import falloff_field, leakage_field
from syntalos_miniscope.simulation.presets import MINISCOPE_V4, studio_spec

V4 = studio_spec("Miniscope V4 - CA1").acquisition


def places(field):
    middle = field[303:305, 303:305].mean()
    return middle, field[303:305, 0].mean(), field[0, 0], field.mean()


def test_falloffs_and_leakage_of_a_v4_are_those_of_the_table():
    illumination = falloff_field(IlluminationProfile(falloff=0.7), V4)
    vignette = falloff_field(Vignette(falloff=0.6), V4)
    assert places(illumination) == pytest.approx((1, 0.85, 0.7, 0.89967), abs=5e-4)
    assert places(vignette) == pytest.approx((1, 0.8, 0.6, 0.86623), abs=5e-4)
    assert illumination.mean() == pytest.approx(0.89967, abs=6e-6)
    assert vignette.mean() == pytest.approx(0.86623, abs=6e-6)
    product = illumination * vignette
    assert product.mean() == pytest.approx(0.78469, abs=6e-6)
    assert product[-1, -1] == pytest.approx(0.42, abs=1e-12)
    leakage = leakage_field(MINISCOPE_V4.leakage, V4)
    assert places(leakage) == pytest.approx((0.08, 0.010898, 0.0014846, 0.028622), abs=6e-5)
    assert leakage.mean() == pytest.approx(0.028622, abs=6e-7)


def test_an_offset_moves_the_centre_down_and_right():
    field = falloff_field(IlluminationProfile(center_offset_um=(100.0, 50.0)), V4)
    row, column = np.unravel_index(field.argmax(), field.shape)
    px = V4.pixel_size_um
    assert (row, column) == (round(303.5 + 100 / px), round(303.5 + 50 / px))
    assert field.min() == pytest.approx(0.7)


def test_uniform_leakage_is_the_same_everywhere():
    assert (leakage_field(Leakage(profile="uniform", level=0.2), V4) == 0.2).all()
