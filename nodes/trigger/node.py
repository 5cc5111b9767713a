"""A rule, and the command that follows from it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from syntalos_miniscope.analysis.signals import row_time_us, row_unit_us, signal_unit_us
from syntalos_miniscope.analysis.trigger import Burst, Crossing
from syntalos_miniscope.node import Context, In, Node, Out, Settings, live
from syntalos_miniscope.recording.quaternion_table import euler_deg
from syntalos_miniscope.scope import QUATERNION_NAMES
from syntalos_miniscope.streams import Control, ControlKind, FloatSignalBlock, TableRow, names_in

HEADER = ("Time [us]", "Decided [us]", "Cause", "Value", "Command")
ANGLES = ("roll", "pitch", "yaw")
KEPT_LATENCIES = 100_000


class Trigger(Node):
    """A signal or rows in, commands and a log of them out.

    A signal fires when its watched value crosses the level; rows fire when enough of them have
    come. Times in the log are those of the frame and of the decision.
    """

    inputs = (
        In("signal-in", "Signal", FloatSignalBlock),
        In("rows-in", "Events", TableRow),
    )
    outputs = (Out("control-out", "Control", Control), Out("log-out", "Log", TableRow))

    class Settings(Settings):
        """When, and what then."""

        watch: str = Field(
            "any",
            min_length=1,
            description="A channel of the signal, any, mean, or roll, pitch or yaw in degrees",
        )
        level: float = live(10.0, description="To be crossed, in the unit of the signal")
        direction: Literal["rises above", "falls below"] = live(
            "rises above", description="Which way"
        )
        hysteresis: float = live(
            0.0, ge=0, description="How far back it must go before it can cross again"
        )
        cells: str = Field("", description="Rows of these cells count, by name; empty: all")
        events: int = live(1, ge=1, le=10_000, description="So many rows make a burst")
        within_ms: float = live(0.0, ge=0, description="A burst is no longer than this")
        refractory_s: float = live(1.0, ge=0, description="Nothing follows for so long")
        command: Literal["start", "pause", "stop", "step", "custom"] = Field(
            "start", description="What is sent"
        )
        custom_text: str = Field("", description="The text of a custom command")

    def prepare(self, ctx: Context) -> None:
        """Find the watched channel, and refuse a rule that cannot be."""
        settings = self.settings
        about = ctx.metadata("signal-in")
        self._names = names_in(about, "signal_names")
        self._signal_unit_us = signal_unit_us(about)
        if ctx.wired("signal-in"):
            self._ensure_watchable(settings.watch)
        self._row_unit_us = 1
        header: list[str] = []
        if ctx.wired("rows-in"):
            header = names_in(ctx.metadata("rows-in"), "table_header")
            self._row_unit_us = row_unit_us(header)
        self._cells = {name.strip() for name in settings.cells.split(",") if name.strip()}
        if self._cells and header and "Cell" not in header:
            raise ValueError(f"the rows have no column Cell, only {', '.join(header)}")
        self._cell_at = header.index("Cell") if "Cell" in header else 1
        self._crossings: dict[int, Crossing] = {}
        self._burst = Burst(settings.events, round(settings.within_ms * 1000))
        self._ready_us = 0
        self._latencies_us: list[int] = []
        ctx.describe("log-out", table_header=list(HEADER))

    def on_data(self, ctx: Context, port: str, item: FloatSignalBlock | TableRow) -> None:
        """Weigh what came."""
        if isinstance(item, TableRow):
            self._weigh_row(ctx, item)
            return
        for time, sample in zip(item.timestamps.tolist(), item.data, strict=True):
            self._weigh_sample(ctx, time * self._signal_unit_us, sample)

    def apply(self, ctx: Context, settings: Any) -> None:
        """Begin again with another rule; what has been heard counts no more."""
        self._crossings = {}
        self._burst = Burst(settings.events, round(settings.within_ms * 1000))

    def stop(self, ctx: Context) -> None:
        """Report how late decisions were."""
        late_us = getattr(self, "_latencies_us", [])
        if late_us:
            p50, p95, p99 = (round(float(p)) for p in np.percentile(late_us, (50, 95, 99)))
            ctx.count("latency_p50_us", p50)
            ctx.count("latency_p95_us", p95)
            ctx.count("latency_p99_us", p99)

    def _ensure_watchable(self, watch: str) -> None:
        turns = watch in ANGLES and set(QUATERNION_NAMES) <= set(self._names)
        if not turns and watch not in ("any", "mean", *self._names):
            known = ", ".join(self._names[:8]) or "none"
            raise ValueError(f"watch: the signal has no channel {watch!r}; there are {known}")

    def _weigh_sample(self, ctx: Context, time_us: int, sample: np.ndarray) -> None:
        self._count_latency(ctx, time_us)
        for channel, value in self._watched(sample):
            crossing = self._crossings.get(channel)
            if crossing is None:
                settings = self.settings
                crossing = Crossing(settings.level, settings.direction, settings.hysteresis)
                self._crossings[channel] = crossing
            if crossing(value):
                cause = self._names[channel] if channel >= 0 else self.settings.watch
                self._fire(ctx, time_us, cause, f"{value:.4g}")

    def _watched(self, sample: np.ndarray) -> list[tuple[int, float]]:
        watch = self.settings.watch
        if watch in self._names:
            at = self._names.index(watch)
            return [(at, float(sample[at]))]
        if watch == "any":
            return list(enumerate(sample.tolist()))
        if watch == "mean":
            there = sample[np.isfinite(sample)]
            return [(-1, float(there.mean()))] if len(there) else []
        quaternion = [float(sample[self._names.index(name)]) for name in QUATERNION_NAMES]
        return [(-1, float(euler_deg(np.array([quaternion]))[0, ANGLES.index(watch)]))]

    def _weigh_row(self, ctx: Context, row: TableRow) -> None:
        time_us = row_time_us(row, self._row_unit_us)
        if time_us is None:
            ctx.count("unreadable_rows")
            return
        self._count_latency(ctx, time_us)
        cell = row.cells[self._cell_at] if len(row.cells) > self._cell_at else ""
        if (not self._cells or cell in self._cells) and self._burst(time_us):
            self._fire(ctx, time_us, f"{self.settings.events} events, last {cell}".strip(), cell)

    def _count_latency(self, ctx: Context, time_us: int) -> None:
        if len(self._latencies_us) < KEPT_LATENCIES:
            self._latencies_us.append(ctx.clock.now_us() - time_us)

    def _fire(self, ctx: Context, time_us: int, cause: str, value: str) -> None:
        if time_us < self._ready_us:
            ctx.count("held_back")
            return
        self._ready_us = time_us + round(self.settings.refractory_s * 1e6)
        kind = ControlKind(self.settings.command)
        decided_us = ctx.clock.now_us()
        ctx.emit("control-out", Control(kind, self.settings.custom_text))
        ctx.count("fired")
        row = (str(time_us), str(decided_us), cause, value, kind.value)
        ctx.emit("log-out", TableRow(row))
