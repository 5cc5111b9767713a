"""Extraction without other programs, and the judging of components."""

from dataclasses import replace

import numpy as np
import pytest
from extraction_score import PARAMETERS, judged

from syntalos_miniscope.analysis.backends import BUILT_IN, BackendError, extract
from syntalos_miniscope.analysis.extraction import (
    Extraction,
    ExtractionParameters,
    evaluate_components,
    signal_to_noise,
)
from syntalos_miniscope.analysis.rois import Rois


@pytest.fixture(scope="module")
def found(sparse, tmp_path_factory) -> Extraction:
    work = tmp_path_factory.mktemp("work")
    return extract(sparse.still, PARAMETERS, BUILT_IN, work, frame_rate_hz=20.0)


def test_the_built_in_way_finds_separate_cells(found, sparse):
    score = judged(found, sparse)
    assert score.recall >= 0.95
    assert score.precision >= 0.95
    assert score.trace_r >= 0.97
    assert found.backend == BUILT_IN
    assert found.pictures().max(axis=(1, 2)).tolist() == [1] * len(found)


def test_cells_that_are_given_are_not_looked_for(sparse, tmp_path):
    given = Rois.of(sparse.footprints[:7])
    few = extract(sparse.still, PARAMETERS, BUILT_IN, tmp_path, frame_rate_hz=20.0, rois=given)
    assert len(few) == 7
    r = [np.corrcoef(few.traces[k], sparse.ground.C[k])[0, 1] for k in range(7)]
    assert np.median(r) > 0.97
    with pytest.raises(ValueError, match="the regions are for frames of 256 x 256"):
        extract(
            sparse.still[:, :99], PARAMETERS, BUILT_IN, tmp_path, frame_rate_hz=20.0, rois=given
        )


def test_a_footprint_times_its_trace_is_in_counts_of_the_movie(found, sparse):
    where = found.pictures()[0] == 1
    light = sparse.still[:, where].mean(axis=1).astype(float)
    slope = np.polyfit(found.raw_traces[0], light, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.25)


def test_too_short_a_movie_is_refused(sparse, tmp_path):
    with pytest.raises(BackendError, match="too short"):
        extract(sparse.still[:20], PARAMETERS, BUILT_IN, tmp_path, frame_rate_hz=20.0)


def test_real_cells_are_accepted(found, sparse):
    judgement = evaluate_components(found, sparse.still, frame_rate_hz=20.0)
    assert judgement.accepted.mean() >= 0.95
    assert np.median(judgement.r) > 0.95


def decoys(found: Extraction, sparse) -> Extraction:
    """Footprints where no cell is, with the traces that are read there."""
    free = sparse.footprints.sum(axis=0)
    y, x = np.mgrid[:256, :256]
    random = np.random.default_rng(4)
    footprints = []
    while len(footprints) < 12:
        row, column = random.integers(15, 240, 2)
        disc = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 18).astype(np.float32)
        disc[disc < 0.05] = 0
        if (free * disc).sum() < 0.01:
            footprints.append(disc)
    a = np.array(footprints)
    raw = np.tensordot(a, sparse.still.astype(np.float32), ((1, 2), (1, 2)))
    raw /= (a**2).sum(axis=(1, 2))[:, None]
    return Extraction(Rois.of(a).footprints, raw - raw.min(), raw, raw * 0, BUILT_IN)


def test_places_where_no_cell_is_are_not_accepted(found, sparse):
    judgement = evaluate_components(decoys(found, sparse), sparse.still, frame_rate_hz=20.0)
    assert not judgement.accepted.any()


def test_a_footprint_beside_its_cell_does_not_fit_what_the_movie_shows(found, sparse):
    footprints = Rois.of(np.roll(found.pictures(), 5, axis=2)).footprints
    beside = replace(found, footprints=footprints)
    judgement = evaluate_components(beside, sparse.still, frame_rate_hz=20.0)
    assert not judgement.accepted.any()
    assert (judgement.snr >= 3).all()  # their traces are as good as before


def test_the_neighbours_light_is_taken_out_before_a_cell_is_judged():
    random = np.random.default_rng(1)
    y, x = np.mgrid[:40, :40]
    one, two = (np.exp(-((y - 20) ** 2 + (x - at) ** 2) / 32) for at in (16, 23))
    first = np.convolve(random.random(600) < 0.02, np.exp(-np.arange(60) / 10))[:600]
    # The second is bright whenever the first is, and at other times too.
    second = 2 * first + np.convolve(random.random(600) < 0.02, np.exp(-np.arange(60) / 10))[:600]
    movie = random.normal(0, 0.02, (600, 40, 40)) + np.multiply.outer(first, one)
    movie = (movie + np.multiply.outer(second, two)).astype(np.float32)
    a = np.array([one, two], np.float32)
    c = np.array([first, second], np.float32)
    whole = Extraction(Rois.of(a).footprints, c, c, c, "suite2p")
    together = evaluate_components(whole, movie, frame_rate_hz=20.0).r
    alone = evaluate_components(whole.kept(np.array([True, False])), movie, frame_rate_hz=20.0).r
    assert together[0] > 0.95
    assert alone[0] < 0.85


def test_the_correlation_is_that_of_the_plain_formula_wherever_a_footprint_has_pixels():
    random = np.random.default_rng(2)
    a = np.zeros((30, 24, 33), np.float32)
    for one in a:
        row, column = random.integers(0, 18, 2)
        one[row : row + 6, column : column + 6] = random.random((6, 6))
        one[random.integers(0, 24, 3), random.integers(0, 33, 3)] = 0.4  # specks far away
    c = random.random((30, 300)).astype(np.float32)
    movie = np.einsum("kyx,kt->tyx", a, c) + random.normal(0, 0.2, (300, 24, 33))
    footprints = Rois.of(a).footprints
    c *= a.max(axis=(1, 2))[:, None]
    a /= a.max(axis=(1, 2), keepdims=True)
    found = evaluate_components(
        Extraction(footprints, c, c, c, "minian"), movie.astype(np.float32), frame_rate_hz=20.0
    )
    for k in range(30):
        order = np.argsort(c[k])
        rest = movie - np.einsum("kyx,kt->tyx", np.delete(a, k, 0), np.delete(c, k, 0))
        picture = rest[order[-40:]].mean(axis=0) - rest[order[:120]].mean(axis=0)
        support = a[k] > 0.1 * a[k].max()
        expected = np.corrcoef(a[k][support], picture[support])[0, 1]
        assert found.r[k] == pytest.approx(expected, abs=1e-4)
    assert len(evaluate_components(found_nothing(), movie, frame_rate_hz=20.0).r) == 0


def found_nothing() -> Extraction:
    traces = np.zeros((0, 300), np.float32)
    return Extraction(Rois.of(np.zeros((0, 24, 33))).footprints, traces, traces, traces, "minian")


def test_the_signal_to_noise_ratio_is_that_of_the_best_transient():
    random = np.random.default_rng(0)
    traces = random.normal(0, 2.0, (4, 3000))
    traces[1, 500:508] += 2.0 * 10  # ten standard deviations for as long as is asked
    traces[2, 500] += 2.0 * 10  # one frame alone
    traces[3] = 7
    quiet, good, spike, dead = signal_to_noise(traces, 8)
    assert quiet < 2.5
    assert good == pytest.approx(10, abs=1)
    assert spike < 4.5
    assert dead == 0


def test_a_trace_that_is_held_at_its_zero_has_noise_all_the_same():
    random = np.random.default_rng(0)
    trace = random.normal(-0.5, 1.0, (1, 4000))
    trace[0, 500:508] += 10
    assert 5 < signal_to_noise(np.maximum(trace, 0), 8)[0] < 20


def test_thresholds_say_who_is_accepted(found, sparse):
    strict = evaluate_components(found, sparse.still, frame_rate_hz=20.0, min_snr=1e6, rval_thr=-1)
    lax = evaluate_components(found, sparse.still, frame_rate_hz=20.0, min_snr=-1, rval_thr=-1)
    assert not strict.accepted.any()
    assert lax.accepted.all()
    assert len(found.kept(strict.accepted)) == 0
    assert len(found.kept(strict.accepted).rois()) == 0


def test_a_movie_of_another_size_is_refused(found, sparse):
    with pytest.raises(ValueError, match="pixels"):
        evaluate_components(found, sparse.still[:, :99], frame_rate_hz=20.0)
    with pytest.raises(ValueError, match="frames"):
        evaluate_components(found, sparse.still[:99], frame_rate_hz=20.0)


def test_a_row_of_the_table_says_how_to_extract():
    row = {"gSig": (3, 3), "min_SNR": 2.5, "K": None, "comments": "x", "use_cnn": False}
    parameters = ExtractionParameters.model_validate(row)
    assert parameters.gSig == (3, 3)
    assert parameters.min_SNR == 2.5
    assert parameters.decay_time == 0.4
