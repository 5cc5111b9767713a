import cv2
import numpy as np
import pytest

from syntalos_miniscope.analysis.alignment import translate
from syntalos_miniscope.analysis.score import Series, shift_rmse_px
from syntalos_miniscope.analysis.stabilise import Stabiliser, peak


def rmse_px(movie, shifts) -> float:
    said = Series(movie.time_us[: len(shifts)], shifts)
    error = shift_rmse_px(said, movie.truth.shifts)
    assert error is not None
    return error


def texture(seed=0, shape=(200, 260)) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return (128 + 40 * smooth / smooth.std()).clip(0, 255)


def moved(picture, dy, dx) -> np.ndarray:
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = picture.shape[::-1]
    return cv2.warpAffine(picture, move, size, flags=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def test_a_sparse_movie_is_followed_within_a_twentieth_of_a_pixel(sparse):
    assert rmse_px(sparse, sparse.shifts) <= 0.05


def test_a_dense_movie_is_followed_within_half_a_pixel(dense):
    assert rmse_px(dense, dense.shifts) <= 0.5


def test_phase_correlation_would_be_worse(dense):
    mean = dense.frames.mean(axis=0, dtype=np.float32)
    found = [cv2.phaseCorrelate(mean, frame.astype(np.float32))[0] for frame in dense.frames]
    theirs = np.array([(dy, dx) for dx, dy in found]).clip(-24, 24)
    assert rmse_px(dense, theirs) > 2 * rmse_px(dense, dense.shifts)


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (3.5, -7.25), (-20, 11), (0.4, 0.3), (22, -22)])
def test_a_known_shift_is_found_and_taken_back(dy, dx):
    picture = texture()
    stabiliser = Stabiliser()
    stabiliser(picture.astype(np.uint8))
    still, shift = stabiliser(moved(picture, dy, dx))
    assert (shift.dy, shift.dx) == pytest.approx((dy, dx), abs=0.06)
    assert shift.quality > 0.95
    inner = (slice(30, -30), slice(30, -30))
    assert np.abs(still[inner].astype(float) - picture[inner]).mean() < 1.5


def test_no_shift_is_longer_than_the_reach():
    picture = texture()
    stabiliser = Stabiliser(reach_px=8)
    stabiliser(picture.astype(np.uint8))
    shift = stabiliser(moved(picture, 9.5, -9.5))[1]
    assert (shift.dy, shift.dx) == (8, -8)


def test_sixteen_bits_are_followed_as_well():
    picture = texture()
    stabiliser = Stabiliser()
    stabiliser((picture * 16).astype(np.uint16))
    still, shift = stabiliser(moved(picture, 2, -3).astype(np.uint16) * 16)
    assert still.dtype == np.uint16
    assert (shift.dy, shift.dx) == pytest.approx((2, -3), abs=0.1)


def test_the_reference_does_not_wander_in_a_longer_movie(dense):
    errors = dense.shifts[:, :2] - dense.ground.shifts
    begin, end = errors[:300].mean(axis=0), errors[-300:].mean(axis=0)
    assert np.abs(end - begin).max() < 0.25


def test_a_dark_frame_has_no_quality_and_changes_nothing():
    picture = texture().astype(np.uint8)
    stabiliser = Stabiliser()
    for _ in range(5):
        stabiliser(picture)
    dark = stabiliser(np.zeros_like(picture))[1]
    assert dark.quality == 0
    again = stabiliser(picture)[1]
    assert (again.dy, again.dx) == pytest.approx((0, 0), abs=0.02)
    assert again.quality > 0.95


def test_a_stream_that_begins_dark_is_followed_once_there_is_light():
    picture = texture()
    stabiliser = Stabiliser()
    for _ in range(3):
        assert stabiliser(np.zeros(picture.shape, np.uint8))[1].quality == 0
    for _ in range(4):
        stabiliser(picture.astype(np.uint8))
    found = stabiliser(moved(picture, 3, 2))[1]
    assert (found.dy, found.dx) == pytest.approx((3, 2), abs=0.2)


def test_small_frames_are_followed_within_an_eighth():
    stabiliser = Stabiliser()
    picture = texture(3, (72, 80))
    stabiliser(picture.astype(np.uint8))
    found = stabiliser(moved(picture, 3, -4))[1]
    assert (found.dy, found.dx) == pytest.approx((3, -4), abs=0.15)


def test_frames_of_another_size_begin_anew():
    stabiliser = Stabiliser()
    stabiliser(texture().astype(np.uint8))
    assert stabiliser(texture(1, (240, 240)).astype(np.uint8))[1].dy == 0


def test_frames_too_small_for_the_reach_are_refused_with_their_size():
    with pytest.raises(ValueError, match=r"90 x 60 pixels are too small .* 64 along"):
        Stabiliser()(np.zeros((60, 90), np.uint8))


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (1.5, -2.25), (-40.3, 7), (500, -500)])
def test_translation_is_bilinear_and_repeats_the_edge(dy, dx):
    picture = np.random.default_rng(0).integers(0, 256, (40, 50)).astype(np.uint8)
    out = np.empty_like(picture)
    translate(picture, dy, dx, out)
    rows = np.clip(np.arange(40) + np.floor(dy), -1, 40).astype(int)
    padded = np.pad(picture.astype(float), 2, mode="edge")
    columns = np.clip(np.arange(50) + np.floor(dx), -1, 50).astype(int)
    fy, fx = dy - np.floor(dy), dx - np.floor(dx)
    at = lambda r, c: padded[np.ix_(rows + 2 + r, columns + 2 + c)]  # noqa: E731
    expected = (
        (1 - fy) * (1 - fx) * at(0, 0) + (1 - fy) * fx * at(0, 1)
        + fy * (1 - fx) * at(1, 0) + fy * fx * at(1, 1)
    )  # fmt: skip
    assert np.abs(out - expected).max() <= 1.5


def test_the_peak_of_a_parabola_is_found_to_a_fraction():
    y, x = np.mgrid[:9, :11]
    assert peak((-((y - 3.3) ** 2) - (x - 6.6) ** 2).astype(np.float32)) == pytest.approx(
        (3.3, 6.6), abs=1e-3
    )


def test_another_picture_is_taken_up_after_a_while():
    stabiliser = Stabiliser()
    for _ in range(20):
        stabiliser(texture(0).astype(np.uint8))
    other = texture(5)
    found = [stabiliser(other.astype(np.uint8))[1] for _ in range(60)]
    assert found[0].quality < 0.3 and abs(found[0].dy) < 1e-6
    assert found[-1].quality > 0.95
    assert stabiliser(moved(other, 4, -5))[1].dx == pytest.approx(-5, abs=0.1)
