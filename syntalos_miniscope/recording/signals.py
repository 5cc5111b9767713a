"""Float signals at rest: a table as Syntalos's writer makes it, or zarr for long ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import zarr

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.tables import TableWriter
from syntalos_miniscope.streams import FloatSignalBlock

UNITS = {"nanoseconds": "ns", "microseconds": "µs", "milliseconds": "ms", "seconds": "s"}
CHUNK_SAMPLES = 4096


class SignalWriter(Protocol):
    """Takes the blocks of one signal. RecordingError when the disk refuses."""

    def add(self, block: FloatSignalBlock) -> None:
        """Write a block."""
        ...

    def close(self) -> None:
        """Finish the file; may be called twice."""
        ...


class SignalTable:
    """Writes a signal as CSV: the time in its own unit, which the header says, then channels.

    Values have the digits that a float32 holds; every row is on disk when `add` returns.
    """

    def __init__(self, path: Path, names: Sequence[str], time_unit: str) -> None:
        self._names = list(names)
        self._table: TableWriter | None = None
        self._path = path
        self._unit = UNITS.get(time_unit, time_unit)
        if names:
            self._open(len(names))

    def add(self, block: FloatSignalBlock) -> None:
        """Write a row for each sample."""
        table = self._table or self._open(block.data.shape[1])
        for time, values in zip(block.timestamps, block.data, strict=True):
            table.add((str(time), *(str(value) for value in values)))

    def close(self) -> None:
        """Close the file."""
        (self._table or self._open(0)).close()

    def _open(self, channels: int) -> TableWriter:
        names = self._names or [f"channel {number}" for number in range(channels)]
        self._table = TableWriter(self._path, [f"Time [{self._unit}]", *names])
        return self._table


class SignalZarr:
    """Writes a signal as zarr: `timestamps` (samples,) int64, `data` (samples, channels) float32.

    A chunk of 4096 samples waits in memory, so that much is lost when the program is killed.
    """

    def __init__(self, path: Path, names: Sequence[str], time_unit: str, data_unit: str) -> None:
        self.path = path
        self._names = list(names)
        self._attributes: dict[str, Any] = {"time_unit": time_unit, "data_unit": data_unit}
        self._times: list[np.ndarray] = []
        self._data: list[np.ndarray] = []
        self._waiting = 0
        self._arrays: tuple[zarr.Array[Any], zarr.Array[Any]] | None = None

    def add(self, block: FloatSignalBlock) -> None:
        """Take a block; full chunks are written."""
        self._times.append(block.timestamps)
        self._data.append(block.data)
        self._waiting += len(block.timestamps)
        if self._waiting >= CHUNK_SAMPLES:
            self._flush()

    def close(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._flush()
        elif self._arrays is None:
            self._create(len(self._names))

    def _flush(self) -> None:
        times, data = np.concatenate(self._times), np.concatenate(self._data)
        try:
            stored_times, stored_data = self._arrays or self._create(data.shape[1])
            stored_times.append(times)
            stored_data.append(data)
        except OSError as error:
            raise disk_error(self.path, error) from error
        self._times, self._data, self._waiting = [], [], 0

    def _create(self, channels: int) -> tuple[zarr.Array[Any], zarr.Array[Any]]:
        if self.path.exists():
            raise RecordingError(f"cannot write {self.path}: it exists, and nothing is overwritten")
        group = zarr.open_group(str(self.path), mode="w-", zarr_format=2)
        group.attrs.update({**self._attributes, "signal_names": self._names})
        self._arrays = (
            group.create_array("timestamps", shape=(0,), chunks=(CHUNK_SAMPLES,), dtype="int64"),
            group.create_array(
                "data", shape=(0, channels), chunks=(CHUNK_SAMPLES, channels), dtype="float32"
            ),
        )
        return self._arrays
