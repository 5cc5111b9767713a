"""Vessels that absorb light."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from syntalos_miniscope.simulation import (
    Acquisition,
    ImageSensor,
    Optics,
    Vasculature,
    VesselLayer,
    noise,
)
from syntalos_miniscope.simulation.canvas import Canvas
from syntalos_miniscope.simulation.presets import CA1, CORTEX_L23, studio_spec
from syntalos_miniscope.simulation.vessels import Vessels

CANVAS = Canvas((300, 300), 0, 1.0)
ACQUISITION = Acquisition(
    optics=Optics(), image_sensor=ImageSensor(n_px_height=300, n_px_width=300, pixel_pitch_um=8.0)
)


def vessels(layer: VesselLayer, seed: int = 0) -> Vessels:
    return Vessels(
        Vasculature(enabled=True, layers=[layer]), ACQUISITION, CANVAS, noise.stream(seed)
    )


def test_a_mask_lets_all_light_pass_or_all_but_the_opacity():
    stage = vessels(VesselLayer(opacity=0.65))
    for focus in (30.0, 50.0, 90.0):
        stage.focus(focus)
        assert 0.35 - 1e-6 <= stage.mask.min() < 0.6
        assert 0.999 < stage.mask.max() <= 1


def test_absorption_is_that_of_the_chord_through_the_vessel():
    # A straight trunk that nothing bends: in its middle light crosses twice the radius.
    straight = {"branch_prob": 0.0, "tortuosity_deg": 0.0, "step_per_radius": 100.0}
    layer = VesselLayer(depth_um=0.0, n_roots=1, root_radius_um=20.0, **straight)
    stage = vessels(layer)
    stage.focus(0.0)
    assert stage.mask.min() == pytest.approx(1 - 0.85 * (1 - np.exp(-0.04 * 40)), abs=2e-3)


def test_vessels_blur_with_depth_and_focus():
    layer = VesselLayer(depth_um=100.0)
    stage = vessels(layer)
    sharp = vessels(layer.model_copy(update={"depth_um": 0.0}))
    sharp.focus(0.0)
    for focus in (100.0, 120.0, 60.0):
        stage.focus(focus)
        sigma = np.sqrt((0.21 * 0.525 / 0.45) ** 2 + 5**2 + (0.45 * (100 - focus)) ** 2)
        expected = gaussian_filter(sharp.mask.astype(float), sigma, mode="nearest")
        assert stage.mask[20:-20, 20:-20] == pytest.approx(expected[20:-20, 20:-20], abs=3e-3)


@pytest.mark.parametrize(("region", "mean"), [(CA1, 0.956), (CORTEX_L23, 0.92)], ids=["ca1", "l23"])
def test_regions_lose_as_much_light_as_minisims(region, mean: float):
    spec = studio_spec("Miniscope V4 - CA1")
    canvas = Canvas((608, 608), 8, spec.acquisition.pixel_size_um)
    means = []
    for seed in range(12):
        stage = Vessels(region.vasculature, spec.acquisition, canvas, noise.stream(seed))
        stage.focus(150.0)
        assert stage.mask.max() <= 1
        means.append(stage.mask.mean())
    assert np.mean(means) == pytest.approx(mean, abs=0.03)


def test_layers_that_are_alike_are_not_the_same_tree():
    layer = VesselLayer(depth_um=0.0, opacity=1.0)
    step = Vasculature(enabled=True, layers=[layer, layer])
    both = Vessels(step, ACQUISITION, CANVAS, noise.stream(0))
    one = vessels(layer.model_copy(update={"absorption_per_um": 0.08}))
    both.focus(0.0)
    one.focus(0.0)
    # One tree twice would be one that absorbs twice as much.
    assert np.abs(both.mask - one.mask).max() > 0.2


def test_thicker_trunks_hide_more():
    def hidden(radius_um: float) -> float:
        stages = [vessels(VesselLayer(root_radius_um=radius_um), seed) for seed in range(8)]
        for stage in stages:
            stage.focus(30.0)
        return float(np.mean([1 - stage.mask.mean() for stage in stages]))

    assert hidden(30) > 1.5 * hidden(8)
