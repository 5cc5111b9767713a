"""Writes a float signal into the folder of the run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from syntalos_miniscope.node import Context, In, Node, Settings
from syntalos_miniscope.recording.edl import safe_name
from syntalos_miniscope.recording.signals import SignalTable, SignalWriter, SignalZarr
from syntalos_miniscope.streams import FloatSignalBlock, names_in


class SignalRecorder(Node):
    """Records every sample it is sent, with its time in the unit that the stream declares."""

    inputs = (In("signal-in", "Signal", FloatSignalBlock),)

    class Settings(Settings):
        """Where the signal goes, and in which form."""

        name: str = Field("signal", min_length=1, description="Folder and file name")
        format: Literal["csv", "zarr"] = Field(
            "csv", description="A table, or zarr for fast or long signals"
        )

    def prepare(self, ctx: Context) -> None:
        """Claim the file; nothing in a run that records nothing."""
        self._writer: SignalWriter | None = None
        self._samples = 0
        dataset = ctx.dataset(self.settings.name)
        if dataset is None:
            return
        about = ctx.metadata("signal-in")
        columns = names_in(about, "signal_names")
        time_unit = str(about.get("time_unit", "microseconds"))
        data_unit = str(about.get("data_unit", ""))
        stem = safe_name(self.settings.name)
        if self.settings.format == "csv":
            self._writer = SignalTable(dataset.data_file(f"{stem}.csv"), columns, time_unit)
        else:
            path = dataset.data_file(f"{stem}.zarr")
            self._writer = SignalZarr(path, columns, time_unit, data_unit)
        dataset.describe({"time_unit": time_unit, "data_unit": data_unit, "signal_names": columns})

    def on_data(self, ctx: Context, port: str, item: FloatSignalBlock) -> None:
        """Write one block."""
        if self._writer is not None:
            self._writer.add(item)
            self._samples += len(item.timestamps)

    def stop(self, ctx: Context) -> None:
        """Write what waits and close."""
        if self._writer is not None:
            self._writer.close()
            ctx.count("samples", self._samples)
