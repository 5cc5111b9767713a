"""Writes rows as a table into the folder of the run."""

from __future__ import annotations

from pydantic import Field

from syntalos_miniscope.node import Context, In, Node, Settings
from syntalos_miniscope.recording.edl import safe_name
from syntalos_miniscope.recording.tables import TableWriter
from syntalos_miniscope.streams import TableRow, names_in


class Table(Node):
    """Records every row it is sent, under the header that the stream declares."""

    inputs = (In("rows-in", "Rows", TableRow),)

    class Settings(Settings):
        """Where the table goes."""

        name: str = Field("table", min_length=1, description="Folder and file name of the table")

    def prepare(self, ctx: Context) -> None:
        """Make the file with its header; nothing in a run that records nothing."""
        self._writer: TableWriter | None = None
        dataset = ctx.dataset(self.settings.name)
        if dataset is not None:
            path = dataset.data_file(f"{safe_name(self.settings.name)}.csv")
            self._writer = TableWriter(path, names_in(ctx.metadata("rows-in"), "table_header"))

    def on_data(self, ctx: Context, port: str, item: TableRow) -> None:
        """Write one row."""
        if self._writer is not None:
            self._writer.add(item.cells)

    def stop(self, ctx: Context) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            ctx.count("rows", self._writer.rows)
