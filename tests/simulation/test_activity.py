"""Bursts, spikes and calcium, against the statistics of minisim 1.0.3."""

from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.simulation import CellActivity, noise
from syntalos_miniscope.simulation import activity as activity_module
from syntalos_miniscope.simulation.activity import Activity, add_bins
from syntalos_miniscope.simulation.presets import ACTIVITY_PRESETS


def live(activity: Activity, frames: int):
    """The mean trace and the spikes of every frame: (cells, frames) each."""
    n = len(activity.gains)
    traces, spikes = np.empty((frames, n)), np.empty((frames, n))
    for frame in range(frames):
        activity.advance(frame)
        traces[frame] = activity.emission
        spikes[frame] = activity.spikes.sum(1)
    return traces.T, spikes.T


# Of 2000 cells over 100 s at 20 fps, over the gain of each cell: share of frames in a burst,
# spikes/s, mean, SD, percentiles 50, 90, 99, median of the largest ΔF, autocorrelation at 0.5 s
# and 1 s, Fano factor of spikes in 1 s.
PUBLISHED = {
    "Quiet": (0.00498, 0.604, 1.450, 1.655, 1.012, 1.93, 9.20, 14.6, 0.526, 0.221, 10.5),
    "Moderate": (0.01639, 3.091, 2.980, 5.771, 1.372, 5.03, 32.4, 48.0, 0.506, 0.180, 29.4),
    "Active": (0.05660, 15.20, 9.935, 19.25, 2.116, 29.8, 98.0, 115.3, 0.549, 0.195, 74),
}


@pytest.mark.parametrize("preset", PUBLISHED)
def test_activity_has_the_statistics_of_minisims(preset: str):
    step = ACTIVITY_PRESETS[preset]
    activity = Activity(step, 2000, 20.0, noise.stream(1))
    traces, spikes = live(activity, 2000)
    relative = traces / activity.gains[:, None]
    _, rate, mean, sd, p50, p90, p99, peak, acf_half, acf_one, fano = PUBLISHED[preset]
    assert spikes.mean() * 20 == pytest.approx(rate, rel=0.04)
    assert relative.mean() == pytest.approx(mean, rel=0.03)
    assert relative.std() == pytest.approx(sd, rel=0.05)
    assert np.percentile(relative, (50, 90, 99)) == pytest.approx((p50, p90, p99), rel=0.07)
    assert np.median(relative.max(1) - step.f0) == pytest.approx(peak, rel=0.07)
    centred = relative - relative.mean()
    for lag, expected in ((10, acf_half), (20, acf_one)):
        found = np.mean(centred[:, lag:] * centred[:, :-lag]) / centred.var()
        assert found == pytest.approx(expected, abs=0.03)
    counts = spikes.reshape(2000, 100, 20).sum(2)
    assert counts.var() / counts.mean() == pytest.approx(fano, rel=0.08)


def test_the_expected_mean_is_the_closed_form():
    for name, expected in (("Quiet", 1.446), ("Moderate", 2.954), ("Active", 9.871)):
        activity = Activity(ACTIVITY_PRESETS[name], 50, 20.0, noise.stream(0))
        assert activity.expected_trace() / activity.gains == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    ("decay_s", "total", "peak_ms"),
    [(0.5, 192.276, 127.9), (0.6, 223.956, 135.5), (0.45, 176.311, 123.6)],
)
def test_the_kernel_is_minisims(decay_s: float, total: float, peak_ms: float):
    kernel = Activity(CellActivity(tau_decay_s=decay_s), 1, 20.0, noise.stream(0)).kernel()
    assert kernel.sum() / kernel.max() == pytest.approx(total, rel=2e-3)
    assert kernel.argmax() / 300 * 1000 == pytest.approx(peak_ms, abs=1000 / 300)


def test_one_spike_gives_the_kernel_scaled_to_one():
    step = CellActivity(quiescent_rate_hz=0.05, p_quiescent_to_active=1e-12, brightness_cv=0.0)
    activity = Activity(step, 200, 20.0, noise.stream(2))
    fine, spikes = [], []
    for frame in range(100):
        activity.advance(frame)
        fine.append(activity.trace.copy())
        spikes.append(activity.spikes.copy())
    trace, spiked = np.concatenate(fine, 1), np.concatenate(spikes, 1)
    kernel = activity.kernel() / activity.kernel().max()
    alone = [c for c in range(200) if spiked[c].sum() == 1 and trace[c, 0] == 1]
    assert len(alone) > 20
    for cell in alone:
        at = int(spiked[cell].argmax())
        length = min(len(kernel), 1500 - at)
        assert trace[cell, at : at + length] == pytest.approx(1 + kernel[:length], abs=1e-6)


def test_gains_are_log_normal_with_a_mean_of_one():
    gains = Activity(CellActivity(), 20_000, 20.0, noise.stream(0)).gains
    assert gains.mean() == pytest.approx(1, abs=0.01)
    assert gains.std() / gains.mean() == pytest.approx(0.3, abs=0.01)
    assert (Activity(CellActivity(brightness_cv=0.0), 5, 20.0, noise.stream(0)).gains == 1).all()


def test_a_cell_does_the_same_whatever_the_others_do():
    few, many = (Activity(CellActivity(), n, 20.0, noise.stream(3)) for n in (5, 50))
    assert (live(few, 40)[0] == live(many, 40)[0][:5]).all()


def test_no_random_number_serves_twice(monkeypatch):
    step = CellActivity(trace_noise=0.1)
    living = Activity(step, 1, 20.0, noise.stream(3))
    advance: Any = activity_module._advance
    drawn: list[int] = []

    def counted(key, number):
        drawn.append(number)
        return 0.5

    for name in ("uniform", "normal"):
        monkeypatch.setattr(activity_module, name, counted)
    for frame in range(4):
        arrays = (np.ones(1), living.gains, np.zeros(1, np.bool_), np.zeros(1), np.zeros(1))
        advance.py_func(
            np.ones(1, np.uint64), frame, living._numbers, *arrays,
            living.trace, living.spikes, living.emission,
        )  # fmt: skip
    assert len(drawn) == len(set(drawn)) == 4 * (15 + 2)
    assert min(drawn) == 2, "the first two are of the first state and the gain"


def test_time_can_be_lived_again():
    activity = Activity(CellActivity(), 20, 20.0, noise.stream(3))
    first = live(activity, 30)[0]
    activity.reset()
    assert (live(activity, 30)[0] == first).all()


def test_saturation_bends_large_transients_and_leaves_small_ones():
    linear = Activity(CellActivity(brightness_cv=0), 300, 20.0, noise.stream(4))
    bent = Activity(CellActivity(brightness_cv=0), 300, 20.0, noise.stream(4), half_rise=20.0)
    for frame in range(50):
        linear.advance(frame)
        bent.advance(frame)
    rise = linear.trace - 1
    assert rise.max() > 20
    assert bent.trace - 1 == pytest.approx(rise / (1 + rise / 20))


def test_trace_noise_has_the_sd_it_is_given():
    quiet = Activity(CellActivity(trace_noise=0.0), 300, 20.0, noise.stream(4))
    noisy = Activity(CellActivity(trace_noise=0.2), 300, 20.0, noise.stream(4))
    difference = live(noisy, 60)[0] - live(quiet, 60)[0]
    assert difference.std() == pytest.approx(0.2, rel=0.03)


def test_part_of_a_frame_is_the_sum_of_its_bins():
    activity = Activity(CellActivity(), 9, 20.0, noise.stream(4))
    activity.advance(0)
    total, spikes = np.zeros(9), np.zeros(9)
    add_bins(activity.trace, activity.spikes, 3, 7, total, spikes)
    assert total == pytest.approx(activity.trace[:, 3:7].sum(1))
    assert (spikes == activity.spikes[:, 3:7].sum(1)).all()


def test_a_rise_slower_than_the_decay_is_refused_in_one_line():
    with pytest.raises(
        ValueError, match=r"tau_rise_s \(0.6\) must be less than tau_decay_s \(0.5\)"
    ):
        Activity(CellActivity(tau_rise_s=0.6), 1, 20.0, noise.stream(0))
