"""Calcium events in many traces, while they come."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.baseline import Baseline
from syntalos_miniscope.analysis.oasis import Oasis

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Event:
    """A rise of one trace: when it began, and by how much, in the unit of the trace."""

    trace: int
    sample: int
    rise: float


class EventFinder:
    """Finds rises that noise would hardly make, with `Oasis`.

    A trace counts from its `Baseline`, towards which calcium decays. From the first
    `learn_samples` of it comes its noise, and from that the least rise that is an event:
    `threshold_sd` standard deviations. Until then there are no events. A rise is told once it has
    stood for `confirm_samples` more, or the next one has come; it is told once, and one that is
    taken back later stays told. A trace that is NaN does not exist and is left alone.
    """

    def __init__(
        self,
        count: int,
        *,
        rate_hz: float,
        decay_s: float,
        threshold_sd: float,
        learn_samples: int,
        confirm_samples: int = 0,
    ) -> None:
        self.g = exp(-1 / (decay_s * rate_hz))
        self.oasis: Oasis | None = None
        """What has been heard since the noise is known; None before."""
        self._count = count
        self._threshold_sd = threshold_sd
        self._learn = max(learn_samples, 2)
        self._confirm = confirm_samples
        self._baseline = Baseline(count)
        self._heard: list[Floats] = []
        self._first = 0
        self._told = np.full(count, -1, np.int64)

    def push(self, sample: NDArray[Any]) -> tuple[Floats, list[Event]]:
        """Take (trace,) and give the spikes of this moment, (trace,), and the events now known.

        The sample of an event counts from the first one pushed.
        """
        sample = np.asarray(sample, np.float64)
        if self.oasis is None and not np.isfinite(sample).any():
            self._first += 1
            return np.zeros(self._count), []
        self._baseline.add(np.nan_to_num(sample))
        if self.oasis is None:
            self._heard.append(sample)
            if len(self._heard) == self._learn:
                self._begin()
            return np.zeros(self._count), []
        _, spikes = self.oasis.push(np.nan_to_num(sample - self._baseline.level))
        return spikes, self._news(self.oasis, np.flatnonzero(spikes > 0))

    def flush(self) -> list[Event]:
        """End, and give the events that waited to be confirmed."""
        if self.oasis is None:
            return []
        self.oasis.flush()
        return [
            event
            for trace in range(self._count)
            for event in [self._event(trace, self.oasis.last_pools(trace)[1])]
            if event is not None
        ]

    def _begin(self) -> None:
        heard = np.array(self._heard)
        least = self._threshold_sd * noise_sd(heard)
        self.oasis = Oasis(self._count, self.g, least_spike=least)
        self.oasis.push_all(np.nan_to_num(heard - self._baseline.level))
        # What happened while the noise was not known is not news.
        self._told[:] = len(heard) - 1
        self._heard = []

    def _news(self, oasis: Oasis, begun: NDArray[np.int64]) -> list[Event]:
        """Give the events that the latest sample has confirmed."""
        if self._confirm == 0:
            found = [self._event(int(k), oasis.last_pools(int(k))[1]) for k in begun]
        else:
            due = oasis.samples - 1 - self._confirm
            last, before = oasis.last_begins(1), oasis.last_begins(2)
            closed = np.flatnonzero(before > self._told)
            found = [self._event(int(k), oasis.last_pools(int(k))[0]) for k in closed]
            stands = np.flatnonzero((last > self._told) & (last <= due))
            found += [self._event(int(k), oasis.last_pools(int(k))[1]) for k in stands]
        return [event for event in found if event is not None]

    def _event(self, trace: int, pool: tuple[int, int, float]) -> Event | None:
        begin, _, rise = pool
        # The very first pool begins with the recording: no rise.
        if begin <= max(self._told[trace], 0):
            return None
        self._told[trace] = begin
        return Event(trace, begin + self._first, rise)


def noise_sd(traces: Floats) -> Floats:
    """Give the noise of (sample, trace), by the median step, of a Gaussian; NaN as infinite.

    Steps of 0 do not count: a trace that is held at its zero has no noise to tell by them.
    """
    steps = np.abs(np.diff(traces, axis=0))
    noise = np.full(traces.shape[1], np.inf)
    for k, step in enumerate(steps.T):
        moving = step[step > 0]
        if len(moving):
            noise[k] = np.median(moving) / (0.6745 * np.sqrt(2))
    return noise
