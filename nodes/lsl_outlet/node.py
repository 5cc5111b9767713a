"""Streams of the graph for whoever listens over the Lab Streaming Layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from syntalos_miniscope.analysis.signals import row_time_us, row_unit_us, signal_unit_us
from syntalos_miniscope.lsl import (
    Channel,
    ClockOffset,
    Lsl,
    Outlet,
    StreamKind,
    Visibility,
    measure_offset,
)
from syntalos_miniscope.node import Context, In, Node, Settings
from syntalos_miniscope.scope import QUATERNION_NAMES
from syntalos_miniscope.streams import FloatSignalBlock, Frame, Item, Metadata, TableRow, names_in


class LslOutlet(Node):
    """Opens one LSL stream for each input that is wired, with the times of the run.

    Streams appear when the run starts, as only then the run clock can be compared with LSL's.
    """

    inputs: ClassVar[tuple[In, ...]] = (
        In("signal-in", "Signal", FloatSignalBlock),
        In("rows-in", "Rows", TableRow),
        In("frames-in", "Frame Times", Frame),
    )

    class Settings(Settings):
        """How the streams are called and who can find them."""

        name: str = Field(
            "Miniscope", min_length=1, description="Of the streams; each outlet has its own"
        )
        content_type: str = Field(
            "", description="LSL's type of the signal; empty: MoCap for orientation, else Signal"
        )
        visibility: Visibility = Field(
            "machine",
            description="Who can listen: this machine, its network link, or the site as LSL's own "
            "configuration says",
        )

    def prepare(self, ctx: Context) -> None:
        """Load LSL and hold it to who may listen."""
        self._lsl: Lsl | None = None
        self._outlets: dict[str, Outlet] = {}
        self._sent = 0
        self._wired = [port.id for port in self.inputs if ctx.wired(port.id)]
        self._signal_unit_us = signal_unit_us(ctx.metadata("signal-in"))
        self._row_unit_us = _unit_of_rows(ctx.metadata("rows-in"))
        if self._wired:
            self._lsl = Lsl(self.settings.visibility)

    def start(self, ctx: Context) -> None:
        """Compare the clocks and open the streams."""
        if self._lsl is None:
            return
        self._offset = measure_offset(ctx.clock, self._lsl.clock_s)
        for port in self._wired:
            channels = _channels(port, ctx.metadata(port))
            # A stream that does not name its channels is opened when the first item shows them.
            if channels:
                self._open(ctx, port, channels)
        ctx.note(
            f"LSL's clock minus the run clock was {self._offset.offset_s:.6f} s at the start, "
            f"± {self._offset.uncertainty_s * 1e6:.0f} µs"
        )

    def on_data(self, ctx: Context, port: str, item: Item) -> None:
        """Send an item with the time at which it was taken."""
        if isinstance(item, FloatSignalBlock):
            times_us = (item.timestamps * self._signal_unit_us).tolist()
            self._send(ctx, port, times_us, item.data)
        elif isinstance(item, Frame):
            sample = [float(item.index), float(item.time_us)]
            self._send(ctx, port, [item.time_us], [sample])
        elif isinstance(item, TableRow):
            self._send(ctx, port, [self._row_time_us(ctx, item)], [list(item.cells)])

    def stop(self, ctx: Context) -> None:
        """Compare the clocks once more and end the streams."""
        if self._lsl is not None and self._outlets:
            end = measure_offset(ctx.clock, self._lsl.clock_s)
            apart_us = (end.offset_s - self._offset.offset_s) * 1e6
            ctx.note(f"LSL's clock moved {apart_us:+.0f} µs against the run clock during the run")
        for outlet in self._outlets.values():
            outlet.close()
        self._outlets.clear()

    def _open(self, ctx: Context, port: str, channels: Sequence[Channel]) -> None:
        assert self._lsl is not None
        kind = _kind(self.settings, port, channels, ctx.metadata(port), self._offset)
        self._outlets[port] = self._lsl.outlet(kind)
        ctx.status(f"{len(self._outlets)} open; LSL clock = run + {self._offset.offset_s:.6f} s")

    def _send(self, ctx: Context, port: str, times_us: Sequence[float], samples: Any) -> None:
        if port not in self._outlets:
            self._open(ctx, port, [Channel(f"channel {k + 1}") for k in range(len(samples[0]))])
        self._outlets[port].push([self._offset.lsl_s(time) for time in times_us], samples)
        ctx.count(f"{port.removesuffix('-in')}_sent", len(times_us))

    def _row_time_us(self, ctx: Context, row: TableRow) -> int:
        """Give the time that the row says, else that of its arrival."""
        said = None if self._row_unit_us is None else row_time_us(row, self._row_unit_us)
        if said is None:
            ctx.count("rows_without_time")
        return ctx.clock.now_us() if said is None else said


def _unit_of_rows(metadata: Metadata) -> int | None:
    try:
        return row_unit_us(names_in(metadata, "table_header"))
    except ValueError:
        return None


def _channels(port: str, metadata: Metadata) -> list[Channel]:
    if port == "frames-in":
        return [Channel("index", "frames"), Channel("time_us", "microseconds")]
    if port == "rows-in":
        return [Channel(name) for name in names_in(metadata, "table_header")]
    unit = str(metadata.get("data_unit", ""))
    return [Channel(name, unit) for name in names_in(metadata, "signal_names")]


def _kind(
    settings: Any, port: str, channels: Sequence[Channel], metadata: Metadata, offset: ClockOffset
) -> StreamKind:
    facts = {
        "manufacturer": "syntalos-miniscope",
        "clock": "timestamps are run time brought onto LSL's clock with a constant offset",
        "run_clock_offset_s": f"{offset.offset_s:.9f}",
        "run_clock_offset_uncertainty_s": f"{offset.uncertainty_s:.9f}",
    }
    if "framerate" in metadata:
        facts["nominal_rate_hz"] = str(metadata["framerate"])
    if port == "frames-in":
        return StreamKind(f"{settings.name} frames", "FrameTimes", "double64", channels, facts)
    if port == "rows-in":
        return StreamKind(f"{settings.name} rows", "Markers", "string", channels, facts)
    turned = tuple(channel.label for channel in channels) == QUATERNION_NAMES
    content_type = settings.content_type or ("MoCap" if turned else "Signal")
    return StreamKind(settings.name, content_type, "float32", channels, facts)
