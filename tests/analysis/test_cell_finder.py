import cv2
import numpy as np
import pytest

from syntalos_miniscope.analysis.cell_finder import CellSearch, find_cells, half_band
from syntalos_miniscope.analysis.cell_watch import CellWatch
from syntalos_miniscope.analysis.matching import best_matching, cosines
from syntalos_miniscope.analysis.projection import Projection, as_bytes


def found_in(movie, seconds=30):
    bands = [half_band(frame, 12.0) for frame in movie.still[: 20 * seconds]]
    pairs = [
        cv2.addWeighted(one, 0.5, two, 0.5, 0).astype(np.float32)
        for one, two in zip(bands[::2], bands[1::2], strict=True)
    ]
    return find_cells(pairs, movie.still.shape[1:], CellSearch(most_cells=500))


def recall_and_precision(movie, rois) -> tuple[float, float]:
    true = [(0, 0, one) for one in movie.footprints.astype(np.float32)]
    pairs = best_matching(cosines(rois.footprints, true), 0.6)
    return len(pairs) / len(true), len(pairs) / len(rois)


def test_all_cells_of_a_sparse_field_are_found_and_no_others(sparse):
    recall, precision = recall_and_precision(sparse, found_in(sparse))
    assert recall >= 0.98 and precision >= 0.98


def test_most_cells_of_a_dense_field_are_found_in_half_a_minute(dense):
    recall, precision = recall_and_precision(dense, found_in(dense))
    assert recall >= 0.7 and precision >= 0.9


def test_noise_holds_no_cells():
    rng = np.random.default_rng(0)
    frames = [rng.poisson(80, (80, 80)).astype(np.uint8) for _ in range(300)]
    assert len(find_cells([half_band(f, 12.0) for f in frames], (80, 80))) == 0


def test_a_blinking_pixel_is_no_cell():
    rng = np.random.default_rng(0)
    movie = rng.poisson(80, (300, 80, 80))
    movie[::30, 40, 40] = 255
    assert len(find_cells([half_band(f.astype(np.uint8), 12.0) for f in movie], (80, 80))) == 0


def test_no_more_cells_than_asked_for_and_the_brightest_first(sparse):
    bands = [half_band(frame, 12.0) for frame in sparse.still[:400:2]]
    few = find_cells(bands, sparse.still.shape[1:], CellSearch(most_cells=5))
    more = find_cells(bands, sparse.still.shape[1:], CellSearch(most_cells=10))
    assert len(few) == 5
    assert few.centers() == pytest.approx(more.centers()[:5])


def test_cells_are_found_beside_the_stream_and_told_once(sparse):
    watch = CellWatch(CellSearch(most_cells=20), find_after_s=10, rate_hz=20)
    told = [rois for frame in sparse.still[:200] if (rois := watch.add(frame)) is not None]
    watch.close()
    told += [rois for frame in sparse.still[200:205] if (rois := watch.add(frame)) is not None]
    assert len(told) == 1 and len(told[0]) == 20


def test_what_breaks_the_search_is_raised_where_the_frames_come(monkeypatch):
    watch = CellWatch(CellSearch(), find_after_s=1, rate_hz=20)
    monkeypatch.setattr("syntalos_miniscope.analysis.cell_watch.find_cells", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        for _ in range(100):
            watch.add(np.zeros((64, 64), np.uint8))
            watch.close()


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    """Noise, with a cell that flashes at (40, 52)."""
    rng = np.random.default_rng(4)
    movie = rng.normal(100, 3, (400, 80, 96))
    rows, columns = np.indices((80, 96))
    shape = np.exp(-((rows - 40) ** 2 + (columns - 52) ** 2) / 18)
    flashes = np.zeros(400)
    flashes[50::70] = 40
    for t in range(1, 400):
        flashes[t] += 0.85 * flashes[t - 1]
    return (movie + flashes[:, None, None] * shape).clip(0, 255).astype(np.uint8)


def projected(clip, kind, memory=1e9) -> np.ndarray:
    projection = Projection(kind, memory)
    for frame in clip:
        projection.add(frame)
    return projection.picture()


def test_mean_and_deviation_are_those_of_all_frames(clip):
    assert projected(clip, "mean") == pytest.approx(clip.mean(axis=0), abs=0.01)
    assert projected(clip, "std") == pytest.approx(clip.std(axis=0), abs=0.02)


def test_the_maximum_fades_no_further_than_to_the_mean(clip):
    assert np.abs(projected(clip, "max") - clip.max(axis=0)).max() < 1e-3 + 255 * 400 / 1e9
    bright = np.concatenate([np.full((1, 80, 96), 250, np.uint8), clip[:300]])
    assert projected(bright, "max", memory=20).mean() == pytest.approx(105, abs=6)


@pytest.mark.parametrize("kind", ["correlation", "peak to noise", "std"])
def test_a_cell_stands_out(clip, kind):
    picture = projected(clip, kind)
    y, x = np.unravel_index(np.argmax(picture), picture.shape)
    assert abs(y - 40) <= 3 and abs(x - 52) <= 3


def test_correlation_is_that_with_the_four_neighbours(clip):
    bands = np.array([half_band(frame, 12.0) for frame in clip]).astype(np.float64)
    y, x = 20, 26
    around = (bands[:, y - 2, x] + bands[:, y + 2, x] + bands[:, y, x - 2] + bands[:, y, x + 2]) / 4
    mean_sd = np.mean([bands[:, y + a, x + b].std() for a, b in ((-2, 0), (2, 0), (0, -2), (0, 2))])
    covariance = np.cov(bands[:, y, x], around, bias=True)[0, 1]
    expected = covariance / (bands[:, y, x].std() * mean_sd)
    projection = Projection("correlation", 1e9)
    for frame in clip:
        projection.add(frame)
    small = projection.picture()[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean()
    assert small == pytest.approx(expected, abs=0.03)
    assert expected > 0.9


def test_a_picture_is_stretched_over_all_greys(clip):
    shown = as_bytes(projected(clip, "std"))
    assert shown.dtype == np.uint8 and shown.min() == 0 and shown.max() == 255
