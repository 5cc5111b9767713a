"""Keeps with a recording what a scope tells beside its frames."""

from __future__ import annotations

from collections.abc import Iterable

from syntalos_miniscope.miniscope.events import ControlChange, Event, Note, SyncPoint
from syntalos_miniscope.node import Context, Dataset
from syntalos_miniscope.recording.controls import ControlLog
from syntalos_miniscope.recording.tables import TableWriter

SYNC_FILE = "sync-points.csv"
SYNC_HEADER = (
    "Frame",
    "Time [us]",
    "First Bytes [us]",
    "End of Frame [us]",
    "Device Time [us]",
)
"""One row per frame: the time that was given to it and all that it was made of, so that it can be
corrected afterwards. The device's own time is empty where its firmware tells none."""


class ScopeLog:
    """Writes control changes and sync points into the scope's dataset; notes go to the report.

    Without a dataset only the notes are kept.
    """

    def __init__(self, dataset: Dataset | None) -> None:
        self._controls = ControlLog(dataset) if dataset else None
        self._sync = TableWriter(dataset.aux_file(SYNC_FILE), SYNC_HEADER) if dataset else None

    def take(self, ctx: Context, events: Iterable[Event]) -> None:
        """Keep what happened."""
        for event in events:
            match event:
                case Note():
                    ctx.note(event.text)
                case ControlChange():
                    if self._controls:
                        shown, code = event.shown, event.code
                        self._controls.changed(event.time_us, event.control, shown, code)
                case SyncPoint():
                    if self._sync:
                        self._sync.add(_row(event))

    def close(self) -> None:
        """Close the files."""
        if self._controls:
            self._controls.close()
        if self._sync:
            self._sync.close()


def _row(point: SyncPoint) -> tuple[str, ...]:
    device = "" if point.device_us is None else str(point.device_us)
    numbers = (point.index, point.time_us, point.first_us, point.end_us)
    return (*map(str, numbers), device)
