import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from syntalos_miniscope.analysis.hearing import load_said, save_said
from syntalos_miniscope.analysis.matching import best_matching, cosines, seen_footprints
from syntalos_miniscope.analysis.rois import Rois
from syntalos_miniscope.analysis.score import (
    Said,
    Series,
    Truth,
    correlations,
    near,
    score,
    shift_rmse_px,
)
from syntalos_miniscope.analysis.score_page import page

TIMES = np.arange(400, dtype=np.int64) * 50_000


def calcium(cells=3, seed=0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    spikes = (rng.random((400, cells)) < 0.02) * 5.0
    traces = spikes.copy()
    for t in range(1, 400):
        traces[t] += 0.9 * traces[t - 1]
    return traces, spikes


def truth(cells=3, detectable=None) -> Truth:
    traces, spikes = calcium(cells)
    shifts = np.random.default_rng(9).normal(size=(400, 2))
    seen = np.ones(cells, np.bool_) if detectable is None else np.array(detectable)
    return Truth(Series(TIMES, shifts), Series(TIMES, traces), Series(TIMES, spikes), seen)


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000))
def test_the_matching_is_the_best_there_is(rows, columns, seed):
    likeness = np.random.default_rng(seed).random((rows, columns))
    theirs = linear_sum_assignment(likeness, maximize=True)
    ours = best_matching(likeness, -1.0)
    assert sum(likeness[pair] for pair in ours) == pytest.approx(likeness[theirs].sum())
    assert len({r for r, _ in ours}) == len({c for _, c in ours}) == min(rows, columns)


def test_nobody_is_matched_with_a_stranger():
    assert best_matching(np.array([[0.9, 0.1], [0.2, 0.5]]), 0.6) == [(0, 0)]
    assert best_matching(np.zeros((0, 3)), 0.6) == []


def test_cosines_are_those_of_whole_pictures():
    rng = np.random.default_rng(0)
    dense = np.zeros((3, 40, 40), np.float32)
    for k, (y, x) in enumerate([(3, 4), (8, 9), (25, 20)]):
        dense[k, y : y + 9, x : x + 8] = rng.random((9, 8))
    flat = dense.reshape(3, -1)
    unit = flat / np.linalg.norm(flat, axis=1)[:, None]
    found = cosines(Rois.of(dense).footprints, [(0, 0, one) for one in dense])
    assert found == pytest.approx(unit @ unit.T, abs=1e-5)


def test_true_footprints_are_moved_to_where_they_are_seen(sparse):
    offset = tuple((sparse.ground.shifts - sparse.shifts[:, :2]).mean(axis=0))
    found = cosines(Rois.of(sparse.footprints).footprints, seen_footprints(sparse.ground, offset))
    assert np.diag(found).min() > 0.98


def test_a_constant_offset_of_the_shifts_is_no_error():
    true = truth().shifts
    assert shift_rmse_px(Series(TIMES, true.values + np.array((3, -5))), true) == pytest.approx(0)
    noisy = true.values + np.random.default_rng(0).normal(0, 0.5, (400, 2))
    assert shift_rmse_px(Series(TIMES, noisy), true) == pytest.approx(0.5, rel=0.1)


def test_frames_that_were_not_seen_are_left_out():
    true = truth().shifts
    some = Series(TIMES[::3], true.values[::3])
    assert shift_rmse_px(some, true) == pytest.approx(0)
    assert shift_rmse_px(Series(TIMES + 1, true.values), true) is None


def test_correlation_is_pearsons():
    a, b = np.random.default_rng(0).normal(size=(2, 100, 3))
    expected = np.corrcoef(a.T, b.T)[:3, 3:]
    assert correlations(a, b) == pytest.approx(expected)
    assert correlations(np.ones((100, 1)), b) == pytest.approx(np.zeros((1, 3)))


def said_of(true: Truth, channels, noise=0.2, late_us=0) -> Said:
    """A chain that says what is true of these cells, with noise, and their events."""
    rng = np.random.default_rng(1)
    values = true.traces.values[:, channels] + rng.normal(0, noise, (400, len(channels)))
    events = [
        (time + late_us, k)
        for k, cell in enumerate(channels)
        for time in TIMES[true.spikes.values[:, cell] > 0]
    ]
    times, who = (np.array(column, np.int64) for column in zip(*events, strict=True))
    latency = np.linspace(1, 5, 101)
    return Said(Series(TIMES, np.zeros((400, 3))), Series(TIMES, values), times, who, latency)


@pytest.mark.parametrize("by", ["trace", "footprint"])
def test_a_chain_that_is_right_scores_so(by):
    true = truth()
    said = said_of(true, [2, 0, 1])
    likeness = np.eye(3)[[2, 0, 1]] if by == "footprint" else None
    scores = score(said, true, likeness)
    assert scores.matched_by == by
    assert scores.pairs == ((0, 2), (1, 0), (2, 1))
    assert (scores.recall, scores.precision, scores.event_f1) == (1, 1, 1)
    assert scores.trace_r_median == pytest.approx(1, abs=0.02)
    assert scores.latency_p99_ms == pytest.approx(4.96, abs=0.05)


def test_a_missed_cell_costs_recall_and_a_false_one_precision():
    true = truth(4)
    said = said_of(true, [0, 1])
    noise = np.random.default_rng(3).normal(size=(400, 1))
    values = np.concatenate([said.traces.values, noise], axis=1)
    said = Said(said.shifts, Series(TIMES, values), said.event_time_us, said.event_channel)
    scores = score(said, true)
    assert scores.recall == 0.5 and scores.precision == pytest.approx(2 / 3)


def test_cells_that_nobody_could_see_are_not_asked_for():
    scores = score(said_of(truth(4), [0, 1]), truth(4, [True, True, False, False]))
    assert scores.recall == 1


def test_a_match_with_a_cell_that_nobody_could_see_is_neither_found_nor_false():
    scores = score(said_of(truth(4), [0, 1]), truth(4, [True, False, True, False]))
    assert (scores.recall, scores.precision) == (0.5, 1)


def test_channels_without_a_cell_are_no_false_ones():
    true = truth()
    said = said_of(true, [0, 1, 2])
    values = np.concatenate([said.traces.values, np.full((400, 2), np.nan)], axis=1)
    said = Said(said.shifts, Series(TIMES, values), said.event_time_us, said.event_channel)
    assert score(said, true).precision == 1


@pytest.mark.parametrize(("late_us", "least", "most"), [(100_000, 1, 1), (900_000, 0, 0.4)])
def test_events_may_be_late_by_three_frames_and_no_more(late_us, least, most):
    true = truth()
    f1 = score(said_of(true, [0, 1, 2], late_us=late_us), true).event_f1
    assert least <= f1 <= most


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**7), max_size=30), st.lists(st.integers(0, 10**7), max_size=30))
def test_near_is_what_a_search_through_all_says(these, those):
    a, b = np.array(these, np.int64), np.array(those, np.int64)
    expected = [any(abs(x - y) <= 150_000 for y in those) for x in these]
    assert near(a, b).tolist() == expected


def test_a_run_without_cells_or_events_has_no_such_figures():
    scores = score(Said(), truth())
    assert set(scores.figures().values()) == {None}


def test_what_was_said_comes_back_from_disk(tmp_path):
    said = said_of(truth(), [0, 1])
    save_said(said, ["a", "b"], tmp_path / "said.npz")
    back, names = load_said(tmp_path / "said.npz")
    assert names == ["a", "b"]
    assert back.traces.values == pytest.approx(said.traces.values, abs=1e-5)
    assert back.event_time_us.tolist() == said.event_time_us.tolist()


def test_a_broken_file_of_what_was_said_is_one_line(tmp_path):
    (tmp_path / "said.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(ValueError, match=r"said.npz cannot be read") as refused:
        load_said(tmp_path / "said.npz")
    assert "\n" not in str(refused.value)


def test_the_page_shows_every_figure_and_needs_no_other_file():
    true = truth()
    said = said_of(true, [0, 1, 2])
    text = page("A <run>", said, true, score(said, true))
    assert "A &lt;run&gt;" in text and text.count("<svg") == 7
    for name, value in score(said, true).figures().items():
        assert name in text and (value is None or f"{value:.3f}" in text)
    assert "http" not in text and "nan" not in text
    plots = [
        re.findall(r"<text[^>]*>(.*?)</text>", one) for one in re.findall("<svg.*?</svg>", text)
    ]
    assert [said[1] for said in plots] == [
        "px down", "px right", "shifts", *["of its range"] * 3, "decisions"
    ]  # fmt: skip
    assert [said[-1].split()[1] for said in plots] == ["s", "s", "px", "s", "s", "s", "ms"]


def test_the_page_of_an_empty_run_can_be_drawn():
    assert "<table>" in page("Empty", Said(), truth(), score(Said(), truth()))
