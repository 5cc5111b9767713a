"""What cells do: bursts, spikes, and the calcium that follows them (minisim, 2.4).

Time runs in frames of the Spec, each divided into fine bins of about 1/300 s; an exposure may
begin and end at any bin.
"""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import ceil, exp, log

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.noise import normal, uniform
from syntalos_miniscope.simulation.steps import CellActivity

Floats = NDArray[np.float64]


class Activity:
    """Traces of `n` cells, one frame after the other; `advance` must be called for every frame.

    `gains` (n,) is how bright each cell is. `trace` (n, bins) is fluorescence, gain and baseline
    included, and `spikes` (n, bins) says where a spike fell, of the frame advanced to last;
    `emission` (n,) is the mean of the trace over it, and `total` the sum of that.
    `half_rise` is the ΔF/F0 at which the indicator gives half of what it can; None is linear.
    """

    def __init__(
        self,
        step: CellActivity,
        n: int,
        fps: float,
        key: noise.Key,
        half_rise: float | None = None,
    ) -> None:
        if step.tau_rise_s >= step.tau_decay_s:
            raise ValueError(
                f"tau_rise_s ({step.tau_rise_s:g}) must be less than "
                f"tau_decay_s ({step.tau_decay_s:g})"
            )
        self.step = step
        self.bins = max(round(step.spike_sim_hz / fps), 1)
        self.fps = fps
        self.trace = np.zeros((n, self.bins))
        self.spikes = np.zeros((n, self.bins), np.uint8)
        self.emission, self.total = np.zeros(n), 0.0
        self._keys = noise.keys(key, n)
        self.gains = _gains(self._keys, step.brightness_cv)
        self._scale = 1 / float(self.kernel().max())
        self._numbers = (
            step.p_quiescent_to_active,
            step.p_active_to_quiescent,
            self._p(step.quiescent_rate_hz),
            self._p(step.active_rate_hz),
            exp(-1 / (step.tau_rise_s * self.rate_hz)),
            exp(-1 / (step.tau_decay_s * self.rate_hz)),
            self._scale,
            step.f0,
            step.trace_noise,
            -1.0 if half_rise is None else half_rise,
        )
        self._everyone = np.ones(n)
        self._lead_in = ceil(6 * step.tau_decay_s * fps)
        self.reset()

    @property
    def rate_hz(self) -> float:
        """Bins per second."""
        return self.bins * self.fps

    def kernel(self) -> Floats:
        """Give the calcium of one spike by bin, before it is scaled to a peak of 1."""
        t = np.arange(ceil(5 * self.step.tau_decay_s * self.rate_hz)) / self.rate_hz
        return np.exp(-t / self.step.tau_decay_s) - np.exp(-t / self.step.tau_rise_s)

    def expected_trace(self) -> Floats:
        """Give the long-run mean of each cell (n,), closed form (saturation aside)."""
        step = self.step
        active = step.p_quiescent_to_active / (
            step.p_quiescent_to_active + step.p_active_to_quiescent
        )
        p = active * self._p(step.active_rate_hz) + (1 - active) * self._p(step.quiescent_rate_hz)
        return self.gains * (step.f0 + p * float(self.kernel().sum()) * self._scale)

    def reset(self) -> None:
        """Go back to before frame 0, with the past of 6 decay times already lived."""
        n = len(self.gains)
        share = self.step.p_quiescent_to_active
        share /= share + self.step.p_active_to_quiescent
        self._active = noise.each_uniform(self._keys, 0) < share
        self._rise, self._decay = np.zeros(n), np.zeros(n)
        for frame in range(-self._lead_in, 0):
            self.advance(frame)

    def advance(self, frame: int, drive: Floats | None = None) -> None:
        """Live through a frame; `drive` (n,) multiplies how readily each cell becomes active."""
        self.total = _advance(
            self._keys,
            frame + self._lead_in,
            self._numbers,
            self._everyone if drive is None else drive,
            self.gains,
            self._active,
            self._rise,
            self._decay,
            self.trace,
            self.spikes,
            self.emission,
        )

    def _p(self, rate_hz: float) -> float:
        return min(rate_hz / self.rate_hz, 1.0)


def _gains(keys: NDArray[np.uint64], cv: float) -> Floats:
    variance = log(1 + cv**2)
    return np.exp(-variance / 2 + variance**0.5 * noise.each_normal(keys, 1))


@kernel
def _advance(keys, frame, numbers, drive, gains, active, rises, falls, trace, spikes, emission):
    p_on, p_off, p_quiescent, p_active, rising, falling, scale, f0, trace_noise, half_rise = numbers
    n, bins = trace.shape
    everything = 0.0
    for cell in range(n):
        key = keys[cell]
        # Draws 0 and 1 of a cell are its first state and its gain.
        draw = 2 + frame * (bins + 2)
        u = uniform(key, draw)
        active[cell] = u >= p_off if active[cell] else u < p_on * drive[cell]
        p = p_active if active[cell] else p_quiescent
        floor = f0
        if trace_noise > 0:
            floor += trace_noise / gains[cell] * normal(key, draw + 1)
        rise, fall, total = rises[cell], falls[cell], 0.0
        for b in range(bins):
            spike = uniform(key, draw + 2 + b) < p
            rise = rising * rise + spike
            fall = falling * fall + spike
            spikes[cell, b] = spike
            calcium = scale * (fall - rise)
            if half_rise > 0:
                calcium = calcium / (1 + calcium / half_rise)
            trace[cell, b] = gains[cell] * (floor + calcium)
            total += trace[cell, b]
        rises[cell], falls[cell] = rise, fall
        emission[cell] = total / bins
        everything += emission[cell]
    return everything


@kernel
def add_bins(trace, spikes, first, end, total, counts):
    """Add bins `first` … `end - 1` of a frame to sums (n,) of fluorescence and spikes."""
    for cell in range(len(total)):
        # Summed beside the arrays, which might overlap for all that a compiler knows.
        light, fired = total[cell], 0
        for b in range(first, end):
            light += trace[cell, b]
            fired += spikes[cell, b]
        total[cell] = light
        counts[cell] += fired
