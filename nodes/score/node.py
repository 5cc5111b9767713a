"""What the chain says, against what the simulated scope knows."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from syntalos_miniscope.analysis.hearing import FILE, EventLog, SignalLog, save_said, truth_of
from syntalos_miniscope.analysis.score import Said, Scores, Truth, score
from syntalos_miniscope.analysis.score_page import write_page
from syntalos_miniscope.analysis.signals import row_time_us, row_unit_us, signal_unit_us
from syntalos_miniscope.node import Context, In, Node, Out, Settings
from syntalos_miniscope.streams import FloatSignalBlock, Frame, TableRow, names_in

HEADER = ("Time [us]", "Measure", "Value")
SIGNALS = ("shifts-in", "traces-in", "truth-motion-in", "truth-traces-in")
ROWS = ("events-in", "truth-events-in", "truth-cells-in")


class Score(Node):
    """Listens to both and scores: a row for each figure every so often and at the end.

    Here cells are matched by their traces, for footprints do not travel on wires; the recorded
    run can be scored with them (`syntalos-miniscope score`).
    """

    inputs = (
        In("frames-in", "Frames", Frame, depth=256),
        In("shifts-in", "Shifts", FloatSignalBlock, depth=256),
        In("traces-in", "Traces", FloatSignalBlock, depth=256),
        In("events-in", "Events", TableRow, depth=4096),
        In("truth-motion-in", "True Motion", FloatSignalBlock, depth=256),
        In("truth-traces-in", "True Traces", FloatSignalBlock, depth=256),
        In("truth-events-in", "True Events", TableRow, depth=4096),
        In("truth-cells-in", "True Cells", TableRow, depth=4096),
    )
    outputs = (Out("scores-out", "Scores", TableRow),)

    class Settings(Settings):
        """How far back, and how often."""

        memory_s: float = Field(900.0, gt=0, description="The last so many seconds are scored")
        every_s: float = Field(
            0.0, ge=0, description="Score after so long again; 0: at the end only"
        )

    def prepare(self, ctx: Context) -> None:
        """Get ready to listen."""
        rate_hz = max(
            (float(str(ctx.metadata(port.id).get("framerate", 0))) for port in self.inputs),
            default=0.0,
        )
        samples = round(self.settings.memory_s * (rate_hz or 20.0))
        self._logs = {port: SignalLog(samples) for port in SIGNALS}
        self._unit_us = {port: signal_unit_us(ctx.metadata(port)) for port in SIGNALS}
        for port in ROWS[:2]:
            header = names_in(ctx.metadata(port), "table_header")
            self._unit_us[port] = row_unit_us(header or ["Time [us]"])
        self._names = names_in(ctx.metadata("traces-in"), "signal_names")
        self._channel = {name: k for k, name in enumerate(self._names)}
        self._events, self._spikes = EventLog(50 * samples), EventLog(200 * samples)
        self._detectable: list[bool] = []
        self._latency_ms: list[float] = []
        self._most_latencies = 50 * samples
        self._next_us = round(self.settings.every_s * 1e6)
        self._last_us = 0
        self._last_index = -1
        self._dataset = ctx.dataset("score")
        ctx.describe("scores-out", table_header=list(HEADER))

    def on_data(self, ctx: Context, port: str, item: Frame | FloatSignalBlock | TableRow) -> None:
        """Take down what is said."""
        if isinstance(item, Frame):
            self._count_frame(ctx, item)
        elif isinstance(item, FloatSignalBlock):
            self._logs[port].add(item, self._unit_us[port])
            if port == "traces-in" and not ctx.wired("events-in"):
                for time in item.timestamps.tolist():
                    self._add_latency(ctx.clock.now_us() - time * self._unit_us[port])
        elif port == "truth-cells-in":
            self._detectable.append(item.cells[-1] == "yes")
        elif not self._add_row(port, item):
            ctx.count("unreadable_rows")

    def stop(self, ctx: Context) -> None:
        """Score all of it, and keep what was said with a page about it."""
        if not hasattr(self, "_dataset"):
            return
        scores = self._tell(ctx)
        if self._dataset is not None:
            said, truth = self._said(), self._truth()
            save_said(said, self._names, self._dataset.data_file(FILE))
            write_page(self._dataset.aux_file("score.html"), "Rehearsal score", said, truth, scores)

    def _count_frame(self, ctx: Context, frame: Frame) -> None:
        if self._last_index >= 0:
            ctx.count("frames_lost", frame.index - self._last_index - 1)
        ctx.count("frames")
        self._last_index, self._last_us = frame.index, frame.time_us
        if self._next_us and frame.time_us >= self._next_us:
            self._next_us = frame.time_us + round(self.settings.every_s * 1e6)
            self._tell(ctx)

    def _add_row(self, port: str, row: TableRow) -> bool:
        time_us = row_time_us(row, self._unit_us[port])
        if time_us is None or len(row.cells) < 3:
            return False
        try:
            if port == "truth-events-in":
                self._spikes.add(time_us, int(row.cells[1]), float(row.cells[2]))
                return True
            self._events.add(time_us, self._channel[row.cells[1]])
            if len(row.cells) > 3:
                self._add_latency(int(row.cells[3]) - time_us)
        except (ValueError, KeyError):
            return False
        return True

    def _add_latency(self, late_us: float) -> None:
        if len(self._latency_ms) < self._most_latencies:
            self._latency_ms.append(late_us / 1000)

    def _said(self) -> Said:
        times_us, channels = self._events.columns()
        return Said(
            shifts=self._logs["shifts-in"].series(3),
            traces=self._logs["traces-in"].series(len(self._names)),
            event_time_us=times_us,
            event_channel=channels,
            latency_ms=np.array(self._latency_ms),
        )

    def _truth(self) -> Truth:
        return truth_of(
            self._logs["truth-motion-in"].series(2),
            self._logs["truth-traces-in"].series(),
            self._spikes,
            self._detectable,
        )

    def _tell(self, ctx: Context) -> Scores:
        scores = score(self._said(), self._truth())
        for name, value in scores.figures().items():
            if value is not None:
                cells = (str(self._last_us), name, f"{value:.4f}")
                ctx.emit("scores-out", TableRow(cells))
        told = [f"{n} {v:.2f}" for n, v in scores.figures().items() if v is not None][:3]
        ctx.status(", ".join(told))
        return scores
