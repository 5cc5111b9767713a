"""Spikes behind a calcium trace, as each sample comes: OASIS for one decay (AR1)."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

POOLS = 512
"""Pools that are kept of a live trace; what is older is settled, which bounds memory and time."""


class Oasis:
    """Deconvolves many traces at once, sample by sample.

    The calcium c that explains the trace y best, where c[t] - g·c[t-1] = s[t] is 0 or at least
    `least_spike`, less a `penalty` on the sum of s: pools of samples that decay together, joined
    backwards whenever a rise is too small (Friedrich, Zhou and Paninski 2017, algorithms 1 and
    3). `g` is the decay from one sample to the next, between 0 and 1. A later sample may still
    take back a rise of the last pools; after `flush`, `pools` hold what the whole would give.
    """

    def __init__(
        self,
        count: int,
        g: float,
        penalty: float = 0.0,
        least_spike: Any = 0.0,
        room: int = POOLS,
    ) -> None:
        if not 0 < g < 1:
            raise ValueError(f"the decay from sample to sample must be between 0 and 1, not {g:g}")
        self.g = g
        self.penalty = penalty
        self.least_spike = np.broadcast_to(np.asarray(least_spike, np.float64), (count,)).copy()
        self.samples = 0
        # Of each pool: value at its begin, sum of squared decays, begin, length.
        self._values = np.zeros((count, room))
        self._weights = np.zeros((count, room))
        self._begins = np.zeros((count, room), np.int64)
        self._lengths = np.zeros((count, room), np.int64)
        self._used = np.zeros(count, np.int64)
        self._calcium, self._spikes = np.zeros(count), np.zeros(count)

    def push(self, sample: NDArray[Any]) -> tuple[Floats, Floats]:
        """Take (trace,) and give calcium and spikes of this moment as they look now, (trace,)."""
        _push(
            np.asarray(sample, np.float64) - self.penalty * (1 - self.g),
            *(self.samples, self.g, self.least_spike),
            *(self._values, self._weights, self._begins, self._lengths, self._used),
            *(self._calcium, self._spikes),
        )
        self.samples += 1
        return self._calcium.copy(), self._spikes.copy()

    def push_all(self, samples: NDArray[Any]) -> None:
        """Take (sample, trace), one after the other."""
        lowered = np.asarray(samples, np.float64) - self.penalty * (1 - self.g)
        _push_all(
            *(lowered, self.samples, self.g, self.least_spike),
            *(self._values, self._weights, self._begins, self._lengths, self._used),
            *(self._calcium, self._spikes),
        )
        self.samples += len(lowered)

    def flush(self) -> None:
        """Weigh the last sample as the end: nothing decays from it, so its penalty is whole."""
        if self.samples and self.penalty:
            _end(
                *(self.penalty * self.g, self.g, self.least_spike),
                *(self._values, self._weights, self._begins, self._lengths, self._used),
            )

    def pools(self, trace: int) -> list[tuple[int, int, float]]:
        """Give the pools of a trace that are still kept: begin, length, and calcium at begin."""
        used = int(self._used[trace])
        return [
            (int(self._begins[trace, k]), int(self._lengths[trace, k]), max(value, 0.0))
            for k in range(used)
            for value in [float(self._values[trace, k])]
        ]

    def last_begins(self, back: int) -> NDArray[np.int64]:
        """Give where the last pool but `back` - 1 of every trace begins; -1 if there is none."""
        at = self._used - back
        begins = self._begins[np.arange(len(at)), np.maximum(at, 0)]
        return np.where(at >= 0, begins, -1)

    def last_pools(self, trace: int) -> tuple[tuple[int, int, float], tuple[int, int, float]]:
        """Give begin, length and rise of the last pool but one and of the last."""
        used = int(self._used[trace])
        return self._rise(trace, used - 2), self._rise(trace, used - 1)

    def result(self, trace: int) -> tuple[Floats, Floats]:
        """Give calcium and spikes of a trace, (sample,), from the first pool that is kept."""
        calcium = np.zeros(self.samples)
        for begin, length, value in self.pools(trace):
            calcium[begin : begin + length] = value * self.g ** np.arange(length)
        spikes = np.diff(calcium, prepend=0.0)
        spikes[1:] += (1 - self.g) * calcium[:-1]
        begins = [begin for begin, _, _ in self.pools(trace)][1:]
        kept = np.zeros(self.samples)
        kept[begins] = spikes[begins]
        return calcium, kept

    def _rise(self, trace: int, at: int) -> tuple[int, int, float]:
        if at < 0:
            return -1, 0, 0.0
        before = 0.0
        if at > 0:
            length = int(self._lengths[trace, at - 1])
            before = max(float(self._values[trace, at - 1]), 0.0) * self.g**length
        value = max(float(self._values[trace, at]), 0.0)
        return int(self._begins[trace, at]), int(self._lengths[trace, at]), value - before


def deconvolve(
    trace: NDArray[Any], g: float, penalty: float = 0.0, least_spike: float = 0.0
) -> tuple[Floats, Floats]:
    """Give calcium and spikes (sample,) of a whole trace."""
    solver = Oasis(1, g, penalty, least_spike, room=max(len(trace), 2))
    solver.push_all(np.asarray(trace, np.float64)[:, None])
    solver.flush()
    return solver.result(0)


@numba.njit(nogil=True, cache=True)
def _join(
    k: int,
    n: int,
    g: float,
    least: float,
    values: Floats,
    weights: Floats,
    begins: Ints,
    lengths: Ints,
) -> int:
    """Join the last of `n` pools with those before while its rise is too small; gives how many."""
    while n > 1:
        decay = g ** lengths[k, n - 2]
        if values[k, n - 1] >= decay * values[k, n - 2] + least:
            break
        total = weights[k, n - 2] + decay * decay * weights[k, n - 1]
        values[k, n - 2] = (
            weights[k, n - 2] * values[k, n - 2] + decay * weights[k, n - 1] * values[k, n - 1]
        ) / total
        weights[k, n - 2] = total
        lengths[k, n - 2] += lengths[k, n - 1]
        n -= 1
    return n


@numba.njit(nogil=True, cache=True)
def _push(
    sample: Floats,
    at: int,
    g: float,
    least: Floats,
    values: Floats,
    weights: Floats,
    begins: Ints,
    lengths: Ints,
    used: Ints,
    calcium: Floats,
    spikes: Floats,
) -> None:
    room = values.shape[1]
    for k in range(len(sample)):
        n = used[k]
        if n == room:
            half = room // 2
            for j in range(half):
                values[k, j] = values[k, j + half]
                weights[k, j] = weights[k, j + half]
                begins[k, j] = begins[k, j + half]
                lengths[k, j] = lengths[k, j + half]
            n = half
        values[k, n], weights[k, n], begins[k, n], lengths[k, n] = sample[k], 1.0, at, 1
        n = _join(k, n + 1, g, least[k], values, weights, begins, lengths)
        used[k] = n
        now = max(values[k, n - 1], 0.0)
        calcium[k] = now * g ** (lengths[k, n - 1] - 1)
        spikes[k] = 0.0
        if lengths[k, n - 1] == 1 and n > 1:
            spikes[k] = now - max(values[k, n - 2], 0.0) * g ** lengths[k, n - 2]


@numba.njit(nogil=True, cache=True)
def _push_all(
    samples: Floats,
    at: int,
    g: float,
    least: Floats,
    values: Floats,
    weights: Floats,
    begins: Ints,
    lengths: Ints,
    used: Ints,
    calcium: Floats,
    spikes: Floats,
) -> None:
    for t in range(len(samples)):
        _push(samples[t], at + t, g, least, values, weights, begins, lengths, used, calcium, spikes)


@numba.njit(nogil=True, cache=True)
def _end(
    penalty: float,
    g: float,
    least: Floats,
    values: Floats,
    weights: Floats,
    begins: Ints,
    lengths: Ints,
    used: Ints,
) -> None:
    for k in range(len(used)):
        n = used[k]
        # The last sample is lowered, in the pool that it has come to belong to.
        values[k, n - 1] -= penalty * g ** (lengths[k, n - 1] - 1) / weights[k, n - 1]
        used[k] = _join(k, n, g, least[k], values, weights, begins, lengths)
