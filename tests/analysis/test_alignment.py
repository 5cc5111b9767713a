import cv2
import numpy as np
import pytest

from syntalos_miniscope.analysis.alignment import HAZE_PX, SMOOTH_PX, absorb, band_passed, refine

SHAPE = (60, 80)


def texture(seed=0, smooth_px=2.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), smooth_px)
    return (10 * picture / picture.std()).astype(np.float32)


def sampled(image, dy, dx) -> np.ndarray:
    """`image[y + dy, x + dx]`, bilinear, the edge repeated."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
    y, x = (y + dy).clip(0, SHAPE[0] - 1), (x + dx).clip(0, SHAPE[1] - 1)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    below, right = np.minimum(top + 1, SHAPE[0] - 1), np.minimum(left + 1, SHAPE[1] - 1)
    fy, fx = y - top, x - left
    upper = (1 - fx) * image[top, left] + fx * image[top, right]
    lower = (1 - fx) * image[below, left] + fx * image[below, right]
    return (1 - fy) * upper + fy * lower


def refined(image, template, weight=None, begin=(0.0, 0.0)):
    weight = np.ones(SHAPE, np.float32) if weight is None else weight
    return refine(image, template, weight, begin, 8, np.empty(SHAPE, np.float32))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_what_is_looked_at_is_a_gaussian_less_a_box_at_half_the_resolution(kind):
    frame = np.random.default_rng(0).integers(0, 200, (131, 90)).astype(kind)
    half = cv2.resize(frame[:130].astype(np.float32), (45, 65), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(half, (HAZE_PX, HAZE_PX), SMOOTH_PX)
    expected = smooth - cv2.blur(half, (HAZE_PX, HAZE_PX))
    np.testing.assert_allclose(band_passed(frame), expected, atol=1e-3)


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (2.25, -3.5), (-4.75, 1.5), (0.5, 6)])
def test_a_moved_picture_renews_template_variance_and_weight(dy, dx):
    image, template = texture(1), texture(2)
    variance = np.random.default_rng(3).uniform(1, 4, SHAPE).astype(np.float32)
    weight = np.zeros(SHAPE, np.float32)
    apart = sampled(image, dy, dx) - template
    expected_template = template + 0.1 * apart
    expected_variance = variance + 0.1 * (apart**2 - variance)
    mean = absorb(image, template, variance, weight, (dy, dx), 0.1, 0.5)
    np.testing.assert_allclose(template, expected_template, atol=1e-4)
    np.testing.assert_allclose(variance, expected_variance, rtol=1e-3)
    np.testing.assert_allclose(weight, 1 / (expected_variance + 0.5), rtol=1e-3)
    assert mean == pytest.approx(expected_variance.mean(), rel=1e-4)


def test_a_step_comes_close_to_the_shift():
    template = texture()
    image = sampled(template, -0.6, 0.4).astype(np.float32)
    dy, dx, quality = refined(image, template)
    assert (dy, dx) == pytest.approx((0.6, -0.4), abs=0.1)
    assert 0.5 < quality < 1


def test_a_flash_pulls_little():
    template = texture()
    image = sampled(template, -0.6, 0.4).astype(np.float32)
    calm = refined(image, template)[:2]
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    flash = 200 * np.exp(-((y - 30) ** 2 + (x - 36) ** 2) / 18).astype(np.float32)
    assert refined(image + flash, template)[:2] == pytest.approx(calm, abs=0.1)


def test_a_pixel_that_varies_counts_less():
    template = texture()
    image = sampled(template, -0.6, 0.4).astype(np.float32)
    calm = refined(image, template)[:2]
    spoiled, weight = image.copy(), np.ones(SHAPE, np.float32)
    spoiled[20:40, 20:50] = texture(9)[20:40, 20:50]
    weight[20:40, 20:50] = 1e-6
    assert refined(spoiled, template, weight)[:2] == pytest.approx(calm, abs=0.1)


def test_what_has_no_structure_along_an_axis_stays_where_it_was():
    stripes = np.tile(np.sin(np.arange(SHAPE[1]) / 2).astype(np.float32) * 10, (SHAPE[0], 1))
    assert refined(stripes, stripes, begin=(1.5, 0.5))[:2] == (1.5, 0.5)


@pytest.mark.parametrize("image", [np.zeros(SHAPE, np.float32), -texture()])
def test_what_does_not_fit_at_all_has_no_quality(image):
    assert refined(image, texture(), begin=(1.0, 2.0)) == (1.0, 2.0, 0.0)
