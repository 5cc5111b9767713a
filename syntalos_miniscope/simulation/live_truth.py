"""The truth about a live stream: on ports of its own, and stored while it runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from syntalos_miniscope.node import Context, Out
from syntalos_miniscope.recording.minisim_zarr import MinisimZarrWriter
from syntalos_miniscope.simulation.batch import zarr_writer
from syntalos_miniscope.simulation.live import SimulatedExposure
from syntalos_miniscope.simulation.renderer import GAINS, Renderer
from syntalos_miniscope.simulation.truth import TruthKeeper
from syntalos_miniscope.streams import FloatSignalBlock, TableRow

TRUTH_OUTPUTS = (
    Out("truth-motion-out", "True Motion", FloatSignalBlock),
    Out("truth-traces-out", "True Traces", FloatSignalBlock),
    Out("truth-events-out", "True Events", TableRow),
    Out("truth-cells-out", "True Cells", TableRow),
)
"""The ports of what is true: shifts down and right, px; F/F0; spikes per exposure; places."""

CELLS_HEADER = ("Cell", "z [um]", "y [um]", "x [um]", "Row [px]", "Column [px]", "Detectable")
EVENTS_HEADER = ("Time [us]", "Cell", "Spikes")


class LiveTruth:
    """Emits the truth about what a node sends, and keeps it in the dataset `truth` of a run.

    The dataset holds minisim's zarr layout without the movie, one entry per frame that was sent.
    Among the extras, `frame_index` and `time_us` say which, `shown_index` which exposure it shows
    (another one if the link repeated a frame), and the knobs with which that was made.
    """

    def __init__(self, renderer: Renderer, ctx: Context) -> None:
        self._scene = renderer.scene
        self._keeper = TruthKeeper(renderer)
        self._wired = {port.id for port in TRUTH_OUTPUTS if ctx.wired(port.id)}
        self._writer: MinisimZarrWriter | None = None
        dataset = ctx.dataset("truth")
        if dataset is not None:
            path = dataset.data_file("truth.zarr")
            self._writer = zarr_writer(path, renderer.spec, self._keeper.start, movie=False)
        units = [f"cell {unit}" for unit in range(self.n_units)]
        us = {"time_unit": "microseconds"}
        ctx.describe("truth-motion-out", **us, data_unit="px", signal_names=["dy", "dx"])
        ctx.describe("truth-traces-out", **us, data_unit="F/F0", signal_names=units)
        ctx.describe("truth-events-out", table_header=list(EVENTS_HEADER))
        ctx.describe("truth-cells-out", table_header=list(CELLS_HEADER))

    @property
    def n_units(self) -> int:
        """Cells that reach into the field of view."""
        return len(self._scene.units)

    def emit_cells(self, ctx: Context) -> None:
        """Emit a row for every cell."""
        if "truth-cells-out" not in self._wired:
            return
        scene, detectable = self._scene, self._keeper.start.detectable
        places = scene.canvas.to_index(scene.centers_um[:, 1:]) - scene.canvas.margin_px
        for unit, (center, place) in enumerate(zip(scene.centers_um, places, strict=True)):
            where = (f"{value:.2f}" for value in (*center, *place))
            seen = "yes" if detectable[unit] else "no"
            ctx.emit("truth-cells-out", TableRow((str(unit), *where, seen)))

    def emit(self, ctx: Context, exposure: SimulatedExposure) -> None:
        """Emit and store the truth about a frame that was sent."""
        time_us, rendered = exposure.frame.time_us, exposure.rendered
        times = np.array([time_us], np.int64)
        if "truth-motion-out" in self._wired:
            shift = np.array([rendered.shift_px], np.float32)
            ctx.emit("truth-motion-out", FloatSignalBlock(times, shift))
        if "truth-traces-out" in self._wired:
            traces = rendered.traces[None].astype(np.float32)
            ctx.emit("truth-traces-out", FloatSignalBlock(times, traces))
        if "truth-events-out" in self._wired:
            for unit in np.flatnonzero(rendered.spikes):
                cells = (str(time_us), str(unit), str(int(rendered.spikes[unit])))
                ctx.emit("truth-events-out", TableRow(cells))
        if self._writer is not None:
            self._store(self._writer, exposure)

    def close(self) -> None:
        """Finish the file; a second time does nothing."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(replace(self._keeper.start, detectable=self._keeper.detectable()))

    def _store(self, writer: MinisimZarrWriter, exposure: SimulatedExposure) -> None:
        frame, rendered = exposure.frame, exposure.rendered
        truth, knobs = self._keeper.frame(rendered), rendered.settings
        live = {
            "frame_index": frame.index,
            "time_us": frame.time_us,
            "shown_index": rendered.index,
            "led_percent": knobs.led_percent,
            "ewl": knobs.ewl,
            "gain": GAINS[knobs.gain],
            "frame_rate_hz": knobs.frame_rate_hz,
        }
        stamps = {name: np.array(float(value)) for name, value in live.items()}
        writer.append(None, replace(truth, extras={**truth.extras, **stamps}))
