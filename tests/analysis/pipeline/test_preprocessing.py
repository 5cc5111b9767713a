import numpy as np
import pytest
from scipy import signal

from syntalos_miniscope.analysis.pipeline.preprocessing import Trend, crop_window, relative

MOVIE = (
    np.linspace(120, 80, 60)[:, None, None]
    + np.random.default_rng(0).normal(0, 5, (60, 20, 30))
).clip(0, 255).astype(np.uint8)  # fmt: skip


def detrended(movie, method) -> np.ndarray:
    trend = Trend(method)
    for frame in movie:
        trend.add(frame)
    taken = trend.taken()
    return np.stack([frame - taken(place) for place, frame in enumerate(movie)])


def changed(movie, rate_hz, method, **settings) -> np.ndarray:
    given = (frame for frame in movie.astype(np.float32))
    return np.stack(list(relative(given, rate_hz, method, least=float(movie.min()), **settings)))


def test_the_example_of_the_documents_is_cropped_from_the_bottom_left():
    assert crop_window((67, 503, 555, 61), (608, 608)) == (105, 547, 67, 555)


def test_y_counts_from_the_bottom():
    assert crop_window((2, 0, 10, 5), (20, 30)) == (15, 20, 2, 10)


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


def test_linear_is_what_scipy_takes_away():
    expected = signal.detrend(MOVIE.astype(np.float64), axis=0)
    assert detrended(MOVIE, "linear") == pytest.approx(expected, abs=1e-3)


def test_median_levels_the_means_of_the_frames():
    out = detrended(MOVIE, "median")
    means = MOVIE.mean(axis=(1, 2))
    expected = MOVIE - (means - np.median(means))[:, None, None]
    assert out == pytest.approx(expected, abs=1e-3)


def test_without_a_method_the_movie_stays_as_it_is():
    assert (detrended(MOVIE, None) == MOVIE).all()


def as_a_whole(movie, rate_hz, method, window_s, percentile) -> np.ndarray:
    """The same, of an array."""
    raised = movie + max(1 - movie.min(), 0)
    length = round(window_s * rate_hz)
    begins = range(0, len(movie) - length + 1, length)
    levels = np.array([np.percentile(raised[b : b + length], percentile, axis=0) for b in begins])
    middles = np.array(begins) + (length - 1) / 2
    at = np.arange(len(movie))
    base = np.empty(movie.shape)
    for y, x in np.ndindex(movie.shape[1:]):
        base[:, y, x] = np.interp(at, middles, levels[:, y, x])
    return (raised - base) / (base if method == "delta_f_over_f" else np.sqrt(base))


@pytest.mark.parametrize("method", ["delta_f_over_f", "delta_f_over_sqrt_f"])
@pytest.mark.parametrize(("frames", "window_s"), [(100, 1), (117, 1), (119, 2), (45, 2)])
def test_frame_by_frame_it_is_what_the_whole_array_gives(method, frames, window_s):
    movie = np.random.default_rng(frames).normal(40, 30, (frames, 5, 6))
    expected = as_a_whole(movie, 20, method, window_s, 8)
    found = changed(movie, 20, method, window_s=window_s)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_movie_shorter_than_a_window_has_one_baseline():
    movie = np.full((30, 4, 4), 50.0)
    movie[10] = 75
    out = changed(movie, 20, "delta_f_over_f", window_s=5)
    assert len(out) == 30 and out[10] == pytest.approx(0.5) and out[20] == pytest.approx(0)


def test_a_transient_is_given_relative_to_its_baseline():
    still = np.full((200, 4, 4), 50, np.float32)
    still[100:104, 2, 2] = 75
    still[:, 0, 0] = 1
    out = changed(still, 20, "delta_f_over_f", window_s=5)
    assert out[101, 2, 2] == pytest.approx(0.5) and out[50, 2, 2] == pytest.approx(0)
    root = changed(still, 20, "delta_f_over_sqrt_f", window_s=5)
    assert root[101, 2, 2] == pytest.approx(25 / np.sqrt(50))
