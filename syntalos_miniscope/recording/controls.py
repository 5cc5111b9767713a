"""What was turned on a scope during a run, as Syntalos keeps it: `ctlvalue-changes.csv`."""

from __future__ import annotations

from syntalos_miniscope.node import Dataset, Settings, live_fields
from syntalos_miniscope.recording.tables import TableWriter

FILE = "ctlvalue-changes.csv"
CONTROLS_HEADER = ("Time", "ID", "Display Value", "Device Value")
"""Times are whole milliseconds."""


class ControlLog:
    """Writes the changes of a scope's controls into its dataset.

    The empty last field of each row is Syntalos's trailing separator.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._table = TableWriter(dataset.data_file(FILE), (*CONTROLS_HEADER, ""))

    def changed(self, time_us: int, control: str, shown: object, device: object) -> None:
        """Keep one change: the value as a person reads it and as the device was sent it."""
        self._table.add((str(time_us // 1000), control, str(shown), str(device), ""))

    def turned(self, time_us: int, settings: Settings, before: Settings | None = None) -> None:
        """Keep the live settings that differ from those before; all of them if there were none."""
        for name in sorted(live_fields(type(settings))):
            value = getattr(settings, name)
            if before is None or value != getattr(before, name):
                self.changed(time_us, name, value, value)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._table.close()
