"""The knobs of a simulated scope: LED, gain, focus and frame rate."""

# A None where a picture or a stage was promised fails a test all the same.
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalOperand=false, reportArgumentType=false, reportOperatorIssue=false
import numpy as np
import pytest
from small_scene import FULL, NOMINAL, SMALL, knobs, movie, play, spec

from syntalos_miniscope.simulation import Spec
from syntalos_miniscope.simulation.renderer import Renderer


def test_the_zero_points_of_the_knobs_are_the_spec():
    plain, nominal = Renderer(spec()), Renderer(spec())
    assert (movie(play(plain, 5)) == movie(play(nominal, 5, NOMINAL))).all()


def no_sensor() -> Spec:
    return spec(*FULL[:-1])


def test_the_led_scales_all_light():
    base = Renderer(no_sensor()).advance(NOMINAL).image
    for percent in (0, 25, 100):
        lit = Renderer(no_sensor()).advance(knobs(led_percent=percent)).image
        assert lit == pytest.approx(base * percent / 50, rel=1e-5)


def test_the_led_bleaches():
    def intact(percent: float) -> float:
        renderer = Renderer(spec())
        for _ in range(400):
            renderer.skip(knobs(led_percent=percent))
        return float(renderer.advance().intact.mean())

    assert intact(0) == 1
    assert (1 - intact(100)) / (1 - intact(50)) == pytest.approx(2, rel=0.01)


def test_gain_multiplies_counts():
    deep = {"image_sensor": SMALL.image_sensor.model_copy(update={"bit_depth": 12})}
    low, medium, high = (
        Renderer(spec(**deep)).advance(knobs(gain=gain)).image.mean(dtype=float) + 0.5
        for gain in ("low", "medium", "high")
    )
    assert medium / low == pytest.approx(2, rel=0.01)
    assert high / low == pytest.approx(3.5, rel=0.01)


def test_focus_moves_the_focal_plane_and_comes_back():
    renderer = Renderer(spec(*FULL[:-1], focal_depth_in_tissue_um=100.0))
    sharp = renderer.scene.view
    renderer.advance(knobs(ewl=127))
    assert renderer.scene.view.focal_um == pytest.approx(300)
    assert renderer.scene.focal_depth_um == 100
    blurred = renderer.scene.view
    deep = renderer.scene.centers_um[:, 0] < 150
    assert (blurred.sigma_px[deep] > sharp.sigma_px[deep]).all()
    renderer.advance(NOMINAL)
    assert (renderer.scene.view.sigma_px == sharp.sigma_px).all()


def test_a_focus_knob_turned_early_is_as_good_as_another_spec():
    moved = Renderer(spec(*FULL[:-1], focal_depth_in_tissue_um=100.0)).advance(knobs(ewl=10))
    told = Renderer(spec(*FULL[:-1], focal_depth_in_tissue_um=100.0 + 2000 / 127)).advance()
    assert moved.image == pytest.approx(told.image, rel=1e-5)


def test_half_the_rate_gathers_twice_the_light_from_the_same_brain():
    fast, slow = Renderer(no_sensor()), Renderer(no_sensor())
    pairs = [play(fast, 2) for _ in range(10)]
    halves = [slow.advance(knobs(frame_rate_hz=10.0)) for _ in range(10)]
    for (first, second), half in zip(pairs, halves, strict=True):
        assert half.traces == pytest.approx((first.traces + second.traces) / 2)
        assert (half.spikes == first.spikes + second.spikes).all()
        shift = (np.array(first.shift_px) + second.shift_px) / 2
        assert half.shift_px == pytest.approx(shift)
        assert half.image.mean() == pytest.approx(
            first.image.mean() + second.image.mean(), rel=0.02
        )


@pytest.mark.parametrize("rate_hz", [10.0, 15.0, 25.0, 30.0])
def test_no_spike_is_lost_or_counted_twice_at_any_rate(rate_hz: float):
    renderer, reference = Renderer(spec(), until="optics"), Renderer(spec(), until="optics")
    sampled = play(renderer, int(rate_hz * 3), knobs(frame_rate_hz=rate_hz))
    total = np.sum([frame.spikes for frame in sampled], 0)
    expected = np.sum([frame.spikes for frame in play(reference, 60)], 0)
    assert (total == expected).all() and expected.sum() > 100


def test_a_log_of_settings_is_part_of_the_recipe():
    log = [
        NOMINAL,
        knobs(led_percent=80),
        knobs(ewl=-20),
        knobs(frame_rate_hz=30.0),
        knobs(gain="high"),
    ]
    first, second = Renderer(spec()), Renderer(spec())
    assert [first.advance(s).image.tobytes() for s in log] == [
        second.advance(s).image.tobytes() for s in log
    ]


def test_a_rate_faster_than_the_bins_of_activity_is_held_there():
    renderer = Renderer(spec())
    assert renderer.rate_hz(knobs(frame_rate_hz=1e4)) == 300
    renderer.advance(knobs(frame_rate_hz=1e4))
