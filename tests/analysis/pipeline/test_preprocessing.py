import numpy as np
import pytest
from scipy import signal

from syntalos_miniscope.analysis.pipeline.preprocessing import crop, crop_window, detrended, relative


@pytest.fixture
def movie() -> np.ndarray:
    rng = np.random.default_rng(0)
    fading = np.linspace(120, 80, 60)[:, None, None]
    return (fading + rng.normal(0, 5, (60, 20, 30))).clip(0, 255).astype(np.uint8)


def test_the_example_of_the_documents_is_cropped_from_the_bottom_left():
    assert crop_window((67, 503, 555, 61), (608, 608)) == (105, 547, 67, 555)


def test_y_counts_from_the_bottom(movie):
    part = crop(movie, (2, 0, 10, 5))
    assert (part == movie[:, 15:20, 2:10]).all()


def test_the_corners_may_come_in_any_order():
    orders = [(1, 2, 9, 8), (9, 8, 1, 2), (1, 8, 9, 2), (9, 2, 1, 8)]
    assert len({crop_window(order, (20, 30)) for order in orders}) == 1


@pytest.mark.parametrize(
    ("coords", "words"),
    [
        ((0, 0, 31, 5), "30 x 20"),
        ((-1, 0, 5, 5), "reach out"),
        ((3, 4, 3, 9), "leave nothing"),
    ],
)
def test_a_crop_that_cannot_be_is_refused(coords, words):
    with pytest.raises(ValueError, match=words):
        crop_window(coords, (20, 30))


def test_linear_is_what_scipy_takes_away(movie):
    expected = signal.detrend(movie.astype(np.float64), axis=0)
    assert detrended(movie, "linear") == pytest.approx(expected, abs=1e-3)


def test_median_levels_the_means_of_the_frames(movie):
    out = detrended(movie, "median")
    means = movie.mean(axis=(1, 2))
    assert out.mean(axis=(1, 2)) == pytest.approx(np.full(60, np.median(means)), abs=1e-3)
    apart = movie[7].astype(float) - means[7]
    assert out[7] - out[7].mean() == pytest.approx(apart, abs=1e-3)


def test_what_was_given_stays_as_it_was(movie):
    before = movie.copy()
    for method in ("median", "linear"):
        detrended(movie, method)
    relative(movie, 20, "delta_f_over_f")
    assert (movie == before).all()


def test_a_transient_is_given_relative_to_its_baseline():
    still = np.full((200, 4, 4), 50, np.float32)
    still[100:104, 2, 2] = 75
    still[:, 0, 0] = 1
    out = relative(still, 20, "delta_f_over_f", window_s=5)
    assert out[101, 2, 2] == pytest.approx(0.5) and out[50, 2, 2] == pytest.approx(0)
    root = relative(still, 20, "delta_f_over_sqrt_f", window_s=5)
    assert root[101, 2, 2] == pytest.approx(25 / np.sqrt(50))


def test_a_slow_drift_is_baseline():
    rising = np.linspace(100, 200, 400, dtype=np.float32)[:, None, None] * np.ones((1, 3, 3))
    out = relative(rising, 20, "delta_f_over_f", window_s=2)
    assert np.abs(out[60:-60]).max() < 0.1
