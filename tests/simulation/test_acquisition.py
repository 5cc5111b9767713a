"""Figures of the scope and of the tissue, against the reference."""

import pytest

from syntalos_miniscope.simulation import (
    Acquisition,
    ImageSensor,
    Optics,
    Tissue,
)


def test_pixels_and_micrometres_agree() -> None:
    acquisition = Acquisition(
        optics=Optics(magnification=2.9),
        image_sensor=ImageSensor(n_px_height=608, n_px_width=608, pixel_pitch_um=4.8),
    )
    assert acquisition.pixel_size_um == pytest.approx(1.65517, abs=5e-6)
    assert acquisition.fov_um == pytest.approx((1006.345, 1006.345), abs=5e-4)
    assert acquisition.um_to_index(0, 0, (608, 608)) == (303.5, 303.5)
    assert acquisition.um_to_index(1.65517, -1.65517, (3, 5)) == pytest.approx((2, 1), abs=1e-5)


def test_frames_are_rounded_to_even_as_python_does() -> None:
    assert Acquisition(duration_s=0.5, fps=5).n_frames == 2
    assert Acquisition(duration_s=0.7, fps=5).n_frames == 4


@pytest.mark.parametrize(
    ("optics", "depth_of_field_um", "sigma_um"),
    [(Optics(na=0.3), 7.7583, 0.3675), (Optics(), 3.4481, 0.245)],
)
def test_the_lens_has_the_figures_of_the_reference(
    optics: Optics, depth_of_field_um: float, sigma_um: float
) -> None:
    assert optics.resolved_depth_of_field_um == pytest.approx(depth_of_field_um, abs=5e-5)
    assert optics.diffraction_sigma_um == pytest.approx(sigma_um, rel=1e-9)


def test_the_tissue_has_the_figures_of_the_reference() -> None:
    assert Tissue().scatter_mfp_um == pytest.approx(85.7143, abs=5e-5)
    assert Tissue().attenuation(150) == pytest.approx(0.173774, abs=5e-7)


@pytest.mark.parametrize(("r_um", "shift_um"), [(100, 2.001), (300, 18.065), (711.593, 103.412)])
def test_the_focal_surface_is_a_bowl(r_um: float, shift_um: float) -> None:
    optics = Optics(field_curvature_radius_um=2500)
    assert optics.focal_curvature_shift_um(r_um) == pytest.approx(shift_um, abs=5e-4)
