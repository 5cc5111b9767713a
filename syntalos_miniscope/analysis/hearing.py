"""Collects what a chain says, and what is true, while both come; and keeps the former on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.score import Floats, Said, Series, Times, Truth
from syntalos_miniscope.recording import in_short
from syntalos_miniscope.streams import FloatSignalBlock

FILE = "said.npz"


class SignalLog:
    """The last samples of a signal, in memory."""

    def __init__(self, most_samples: int) -> None:
        self._times_us: deque[int] = deque(maxlen=most_samples)
        self._values: deque[NDArray[np.float32]] = deque(maxlen=most_samples)

    def add(self, block: FloatSignalBlock, unit_us: int) -> None:
        """Take a block whose times are in units of `unit_us`."""
        self._times_us.extend((block.timestamps * unit_us).tolist())
        self._values.extend(block.data)

    def series(self, channels: int = 0) -> Series:
        """Give what is kept."""
        times: Times = np.array(self._times_us, np.int64)
        if not len(times):
            return Series(times, np.zeros((0, channels)))
        return Series(times, np.stack(self._values).astype(np.float64))


class EventLog:
    """The last events: when, and of which channel; with a weight if they have one."""

    def __init__(self, most: int) -> None:
        self._events: deque[tuple[int, int, float]] = deque(maxlen=most)

    def add(self, time_us: int, channel: int, weight: float = 1.0) -> None:
        """Take one."""
        self._events.append((time_us, channel, weight))

    def columns(self) -> tuple[Times, Times]:
        """Give times and channels."""
        return (
            np.array([event[0] for event in self._events], np.int64),
            np.array([event[1] for event in self._events], np.int64),
        )

    def series(self, time_us: Times, channels: int) -> Series:
        """Give the weights as a signal at these times, 0 where nothing happened."""
        values: Floats = np.zeros((len(time_us), channels), np.float64)
        for time, channel, weight in self._events:
            at = int(np.searchsorted(time_us, time))
            if at < len(time_us) and time_us[at] == time and 0 <= channel < channels:
                values[at, channel] += weight
        return Series(time_us, values)


def save_said(said: Said, names: Sequence[str], path: Path) -> None:
    """Keep what was said; `names` are those of the traces."""
    np.savez(
        path,
        names=np.array(list(names), np.str_),
        shift_time_us=said.shifts.time_us,
        shifts=said.shifts.values.astype(np.float32),
        trace_time_us=said.traces.time_us,
        traces=said.traces.values.astype(np.float32),
        event_time_us=said.event_time_us,
        event_channel=said.event_channel,
        latency_ms=said.latency_ms.astype(np.float32),
    )


def load_said(path: Path, cpu_ms_per_frame: float | None = None) -> tuple[Said, list[str]]:
    """Read what was said, and the names of the traces; ValueError if it cannot be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            said = Said(
                shifts=Series(kept["shift_time_us"], kept["shifts"].astype(np.float64)),
                traces=Series(kept["trace_time_us"], kept["traces"].astype(np.float64)),
                event_time_us=kept["event_time_us"],
                event_channel=kept["event_channel"],
                latency_ms=kept["latency_ms"].astype(np.float64),
                cpu_ms_per_frame=cpu_ms_per_frame,
            )
            return said, [str(name) for name in kept["names"]]
    except Exception as error:
        raise ValueError(f"{path} cannot be read: {in_short(error)}") from error


def truth_of(shifts: Series, traces: Series, spikes: EventLog, cells: Sequence[bool]) -> Truth:
    """Give the truth as it came on ports; without a list of cells all are detectable."""
    count = traces.values.shape[1]
    detectable = np.array(cells, np.bool_) if len(cells) == count else np.ones(count, np.bool_)
    return Truth(shifts, traces, spikes.series(traces.time_us, count), detectable)
