"""Calcium events in traces, as they happen."""

from __future__ import annotations

from collections import deque

import numpy as np
from pydantic import Field

from syntalos_miniscope.analysis.events import Event, EventFinder
from syntalos_miniscope.analysis.signals import signal_unit_us
from syntalos_miniscope.node import Context, In, Node, Out, Settings
from syntalos_miniscope.streams import FloatSignalBlock, TableRow, names_in

HEADER = ("Time [us]", "Cell", "Rise", "Decided [us]")
REMEMBERED_SAMPLES = 4096


class Events(Node):
    """Traces in; a row for each event, and the spikes of each moment as a signal, out."""

    inputs = (In("traces-in", "Traces", FloatSignalBlock),)
    outputs = (
        Out("events-out", "Events", TableRow),
        Out("activity-out", "Activity", FloatSignalBlock),
    )

    class Settings(Settings):
        """What an event is."""

        decay_s: float = Field(0.5, gt=0, description="Time constant of the indicator's decay, s")
        threshold_sd: float = Field(
            4.0, gt=0, description="Least rise of an event, in standard deviations of the noise"
        )
        learn_s: float = Field(
            10.0, gt=0, description="From so much of the traces comes the noise; no events before"
        )
        confirm_frames: int = Field(
            1, ge=0, le=100, description="Frames that a rise must stand before it is told"
        )
        rate_hz: float = Field(0.0, ge=0, description="Samples per second; 0: as the stream says")

    def prepare(self, ctx: Context) -> None:
        """Take the channels from the stream."""
        settings, incoming = self.settings, ctx.metadata("traces-in")
        names = names_in(incoming, "signal_names")
        rate_hz = settings.rate_hz or float(str(incoming.get("framerate", 0)))
        if rate_hz <= 0:
            raise ValueError("the traces do not say their framerate; give rate_hz")
        if not names:
            raise ValueError("the traces do not name their channels (signal_names)")
        self._names = names
        self._to_us = signal_unit_us(incoming)
        self._finder = EventFinder(
            len(names),
            rate_hz=rate_hz,
            decay_s=settings.decay_s,
            threshold_sd=settings.threshold_sd,
            learn_samples=round(settings.learn_s * rate_hz),
            confirm_samples=settings.confirm_frames,
        )
        # One sample through a finder that knows its noise: all kernels are loaded.
        warm = EventFinder(1, rate_hz=20, decay_s=1, threshold_sd=1, learn_samples=2)
        for _ in range(3):
            warm.push(np.zeros(1))
        self._times_us: deque[int] = deque(maxlen=REMEMBERED_SAMPLES)
        self._samples = 0
        ctx.describe("events-out", table_header=list(HEADER))
        ctx.describe(
            "activity-out",
            time_unit="microseconds",
            data_unit=str(incoming.get("data_unit", "au")),
            signal_names=self._names,
            framerate=rate_hz,
        )

    def on_data(self, ctx: Context, port: str, item: FloatSignalBlock) -> None:
        """Take the samples of a block."""
        for time, sample in zip(item.timestamps.tolist(), item.data, strict=True):
            time_us = time * self._to_us
            self._times_us.append(time_us)
            self._samples += 1
            spikes, events = self._finder.push(sample)
            self._tell(ctx, events)
            block = FloatSignalBlock(np.array([time_us], np.int64), spikes.astype(np.float32)[None])
            ctx.emit("activity-out", block)

    def stop(self, ctx: Context) -> None:
        """Tell the events that waited to be confirmed."""
        finder = getattr(self, "_finder", None)
        if finder is not None:
            self._tell(ctx, finder.flush())

    def _tell(self, ctx: Context, events: list[Event]) -> None:
        if not events:
            return
        decided_us = ctx.clock.now_us()
        oldest = self._samples - len(self._times_us)
        for event in events:
            time_us = self._times_us[max(event.sample - oldest, 0)]
            name = self._names[event.trace]
            cells = (str(time_us), name, f"{event.rise:.3f}", str(decided_us))
            ctx.emit("events-out", TableRow(cells))
        ctx.count("events", len(events))
