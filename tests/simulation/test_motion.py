"""How the brain moves, against the statistics of minisim 1.0.3."""

import numpy as np
import pytest
from scipy.ndimage import shift as scipy_shift

from syntalos_miniscope.simulation import BrainMotion, noise
from syntalos_miniscope.simulation.motion import Motion, move


def trajectory(step: BrainMotion, frames: int, seed: int = 0, fps: float = 20.0) -> np.ndarray:
    motion = Motion(step, fps, noise.stream(seed))
    shifts = np.empty((frames, 2))
    for frame in range(frames):
        motion.advance(frame)
        shifts[frame] = motion.path.mean(0)
    return shifts


@pytest.fixture(scope="module")
def minutes() -> list[np.ndarray]:
    return [trajectory(BrainMotion(), 1200, seed) for seed in range(20)]


def over(minutes, figure) -> float:
    return float(np.mean([figure(shifts) for shifts in minutes]))


def band(shifts: np.ndarray, axis: int, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(shifts[:, axis] - shifts[:, axis].mean())) ** 2
    frequency = np.fft.rfftfreq(len(shifts), 1 / 20)
    return float(power[(frequency >= low) & (frequency < high)].sum())


def test_the_99th_percentile_is_the_amplitude_within_ten_percent(minutes):
    radii = [np.percentile(np.hypot(*shifts.T), 99) for shifts in minutes]
    assert np.mean(radii) == pytest.approx(10, rel=0.05)
    assert np.percentile(radii, 10) > 9 and np.percentile(radii, 90) < 11


@pytest.mark.parametrize(
    "numbers",
    [
        {"locomotion_fraction": 1.0},
        {"locomotion_fraction": 0.0},
        {"locomotion_freq_hz": 30.0},
        {"damping_ratio": 3.0},
        {"resonance_freq_hz": 1.0},
    ],
    ids=str,
)
def test_other_numbers_have_the_amplitude_that_is_asked_for(numbers):
    radii = [
        np.percentile(np.hypot(*trajectory(BrainMotion(**numbers), 1200, seed).T), 99)
        for seed in range(8)
    ]
    assert np.mean(radii) == pytest.approx(10, rel=0.06)


def test_radius_spread_and_steps_are_minisims(minutes):
    assert over(minutes, lambda s: np.sqrt(np.mean(np.sum(s**2, 1)))) == pytest.approx(
        4.70, rel=0.06
    )
    assert over(minutes, lambda s: np.median(np.hypot(*s.T))) == pytest.approx(3.91, rel=0.07)
    assert over(minutes, lambda s: s[:, 0].std()) == pytest.approx(3.38, rel=0.06)
    assert over(minutes, lambda s: s[:, 1].std()) == pytest.approx(3.10, rel=0.06)
    steps = over(minutes, lambda s: np.median(np.hypot(*np.diff(s, axis=0).T)))
    assert steps == pytest.approx(3.09, rel=0.06)


def test_the_spectrum_is_minisims(minutes):
    for axis, below_4hz in ((0, 0.759), (1, 0.901)):
        share = over(minutes, lambda s, a=axis: band(s, a, 0, 4) / band(s, a, 0, 11))
        assert share == pytest.approx(below_4hz, abs=0.04)
    strides = over(minutes, lambda s: band(s, 0, 6, 8) / band(s, 1, 6, 8))
    assert strides == pytest.approx(8.1, abs=1.6)
    for axis, lag_one in ((0, 0.594), (1, 0.785)):
        found = over(minutes, lambda s, a=axis: np.corrcoef(s[1:, a], s[:-1, a])[0, 1])
        assert found == pytest.approx(lag_one, abs=0.04)


@pytest.mark.parametrize("fps", [20.0, 25.0, 30.0])
def test_other_frame_rates_move_as_much(fps: float):
    shifts = trajectory(BrainMotion(), int(600 * fps), fps=fps)
    assert np.sqrt(np.mean(np.sum(shifts**2, 1))) == pytest.approx(4.685, rel=0.05)


def test_the_axis_of_strides_can_be_chosen():
    shifts = trajectory(BrainMotion(locomotion_axis="x", locomotion_fraction=1.0), 1200)
    assert shifts[:, 1].std() > 1 and shifts[:, 0].std() < 0.3


def test_the_first_frame_is_at_rest_and_none_leaves_the_clamp():
    step = BrainMotion(motion_amplitude_um=10.0, max_shift_um=10.0)
    shifts = trajectory(step, 4000)
    assert shifts[0] == pytest.approx(0)
    assert np.hypot(*shifts.T).max() <= 10 + 1e-9


def test_a_walk_has_the_steps_it_is_given_and_stays_within_bounds():
    shifts = trajectory(BrainMotion(model="walk", walk_step_um=0.3, max_shift_um=5.0), 4000)
    inside = np.hypot(*shifts.T) < 4
    steps = np.diff(shifts, axis=0)[inside[:-1] & inside[1:]]
    assert shifts[0].tolist() == [0, 0]
    assert steps.std() == pytest.approx(0.3, rel=0.05)
    assert np.hypot(*shifts.T).max() <= 5 + 1e-9


def test_a_trajectory_is_followed_and_held_at_its_end():
    told = [(0.0, 0.0), (1.0, -2.0), (3.0, 0.5)]
    assert trajectory(BrainMotion(trajectory_um=told), 5).tolist() == [
        *map(list, told),
        [3, 0.5],
        [3, 0.5],
    ]


def test_a_part_of_the_trajectory_is_its_beginning():
    assert (trajectory(BrainMotion(), 50) == trajectory(BrainMotion(), 200)[:50]).all()


@pytest.mark.parametrize("by", [(0.0, 0.0), (1.5, -2.25), (-0.3, 3.9), (7.0, 7.0), (-30.0, 12.5)])
def test_content_moves_down_and_right_bilinearly(by: tuple[float, float]):
    canvas = np.random.default_rng(0).random((40, 44)).astype(np.float32)
    out = np.zeros((30, 34), np.float32)
    move(canvas, 5, np.array([by]), out)
    moved = scipy_shift(canvas.astype(float), by, order=1, mode="grid-constant")[5:35, 5:39]
    assert out == pytest.approx(moved, abs=1e-5)
