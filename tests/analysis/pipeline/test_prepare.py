import json

import movies
import numpy as np
import pytest

from syntalos_miniscope.analysis.alignment import band_passed, translate
from syntalos_miniscope.analysis.pipeline.configs import PreprocessConfig
from syntalos_miniscope.analysis.pipeline.motion import MotionWitness, crispness
from syntalos_miniscope.analysis.pipeline.movie_file import MovieWriter, open_movie
from syntalos_miniscope.analysis.pipeline.prepare import moved_back, prepare
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.video import VideoReader, VideoWriter

WINDOW = (20, 180, 30, 200)


@pytest.fixture(scope="module")
def video(sparse, tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "sparse.mkv"
    writer = VideoWriter(path, movies.FPS, sparse.frames[0])
    for index, frame in enumerate(sparse.frames[:120]):
        writer.add(frame, index * 50_000)
    writer.close()
    return path


def prepared(video, folder, *, stabilise=False, **settings):
    told: list[tuple[int, int]] = []
    found, witness = prepare(
        open_recording(video),
        WINDOW,
        PreprocessConfig(**settings),
        stabilise=stabilise,
        movie=folder / "movie.npy",
        video=folder / "seen.avi",
        tell=lambda *step: told.append(step),
    )
    assert told[-1] == (240, 240)
    movie = open_movie(folder / "movie.npy")
    return (
        found,
        witness,
        movie,
        np.stack([m for _, m in VideoReader(folder / "seen.avi").frames()]),
    )


def cropped(sparse) -> np.ndarray:
    return sparse.frames[:120, 20:180, 30:200].astype(np.float64)


def test_a_plain_movie_is_the_cropped_recording(video, sparse, tmp_path):
    found, _, movie, seen = prepared(video, tmp_path, detrend_method=None)
    assert movie.dtype == np.float32 and (movie == cropped(sparse)).all()
    assert seen.dtype == np.uint8 and (seen == cropped(sparse)).all()
    assert found.time_us.tolist() == [50_000 * k for k in range(120)]
    assert found.means == pytest.approx(cropped(sparse).mean(axis=(1, 2)))
    np.testing.assert_allclose(found.mean, movie.mean(axis=0), atol=1e-3)


def test_median_detrending_is_in_both_movies(video, sparse, tmp_path):
    _, _, movie, seen = prepared(video, tmp_path)
    raw = cropped(sparse)
    means = raw.mean(axis=(1, 2))
    expected = raw - (means - np.median(means))[:, None, None]
    np.testing.assert_allclose(movie, expected, atol=1e-3)
    np.testing.assert_allclose(seen, np.clip(expected, 0, 255), atol=0.51)


@pytest.mark.parametrize(
    ("settings", "unit"),
    [
        ({"detrend_method": "linear"}, "counts"),
        ({"df_over_f": True}, "dF/sqrt(F)"),
        ({"df_over_f": True, "df_over_f_method": "delta_f_over_f"}, "dF/F"),
        ({"df_over_f": True, "detrend_method": "linear"}, "dF/sqrt(F)"),
    ],
)
def test_a_movie_of_fractions_is_written_in_16_bits_with_its_scale(video, tmp_path, settings, unit):
    _, _, movie, seen = prepared(video, tmp_path, **settings)
    scale = json.loads((tmp_path / "seen.json").read_text())
    assert seen.dtype == np.uint16 and scale["unit"] == unit
    value = scale["offset"] + scale["step"] * seen.astype(np.float64)
    fits = np.abs(movie) < 50
    assert fits.mean() > 0.999
    np.testing.assert_allclose(value[fits], movie[fits], atol=scale["step"])


def test_the_motion_is_taken_back_in_the_movie_and_left_in_the_video(video, sparse, tmp_path):
    found, witness, movie, seen = prepared(video, tmp_path, stabilise=True, detrend_method=None)
    assert (seen == cropped(sparse)).all()
    true = sparse.ground.shifts[:120]
    error = found.shifts[:, :2] - true
    assert np.sqrt(((error - error.mean(axis=0)) ** 2).sum(axis=1).mean()) < 0.2
    view = witness.view()
    assert view.crispness[1] > 1.15 * view.crispness[0]
    assert np.median(view.fit_after) > np.median(view.fit_before) + 0.05
    assert view.lines_before.shape == view.lines_after.shape == (120, 85)
    assert movie[17] == pytest.approx(
        moved_back(seen[17].astype(np.float32), *found.shifts[17, :2])
    )


@pytest.mark.parametrize("shift", [(0.0, 0.0), (2.25, -1.5), (-3.75, 4.5)])
def test_a_picture_is_moved_as_the_live_stabiliser_moves_it(sparse, shift):
    frame = np.ascontiguousarray(sparse.frames[3])
    expected = np.empty_like(frame)
    translate(frame, shift[0], shift[1], expected)
    np.testing.assert_allclose(moved_back(frame.astype(np.float32), *shift), expected, atol=0.51)


def test_crispness_is_the_norm_of_the_gradient():
    picture = np.random.default_rng(0).normal(size=(40, 48)).astype(np.float32)
    inner = picture[5:35, 6:42].astype(np.float64)
    expected = np.sqrt(sum((part**2).sum() for part in np.gradient(inner)))
    assert crispness(picture) == pytest.approx(expected)


def test_another_programs_movie_is_looked_at_in_the_same_frames(sparse):
    frames = sparse.frames[:50].astype(np.float32)
    witness = MotionWitness(50, 20)
    for place, frame in enumerate(frames):
        witness.add(place, frame, frame[::-1])
    view = witness.view()
    assert len(view.fit_before) == 17
    expected = np.mean([band_passed(frame) for frame in frames[::3]], axis=0)
    np.testing.assert_allclose(view.before, expected, atol=1e-3)


def test_a_movie_that_is_not_whole_is_not_there(tmp_path):
    path = tmp_path / "movie.npy"
    with pytest.raises(KeyboardInterrupt), MovieWriter(path, (3, 4, 5)) as writer:
        writer.add(np.zeros((4, 5), np.float32))
        raise KeyboardInterrupt
    with MovieWriter(path, (3, 4, 5)) as writer:
        writer.add(np.zeros((4, 5), np.float32))
    assert list(tmp_path.iterdir()) == []
    with MovieWriter(path, (1, 4, 5)) as writer:
        writer.add(np.ones((4, 5), np.float32))
    assert open_movie(path).shape == (1, 4, 5) and (open_movie(path) == 1).all()


def test_a_full_disk_is_one_line_and_leaves_nothing_half(video, tmp_path, small_disk):
    with small_disk(500_000), pytest.raises(RecordingError, match="cannot write"):
        prepared(video, tmp_path)
    assert list(tmp_path.iterdir()) == []
