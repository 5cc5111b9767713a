"""The truth about a live stream: on ports of its own, and stored while it runs."""

from __future__ import annotations

from dataclasses import replace
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.node import Context, Out
from syntalos_miniscope.recording.minisim_zarr_writer import MinisimZarrWriter
from syntalos_miniscope.recording.truth import FrameTruth, GroundTruth
from syntalos_miniscope.simulation.batch import zarr_writer
from syntalos_miniscope.simulation.live import SimulatedExposure
from syntalos_miniscope.simulation.renderer import GAINS, Rendered, Renderer
from syntalos_miniscope.simulation.truth import TruthKeeper, extras_of
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

WAITING_FRAMES = 1024
"""So many frames may wait for the disk before the source does."""


class LiveTruth:
    """Emits the truth about what a node sends, and keeps it in the dataset `truth` of a run.

    The dataset holds minisim's zarr layout without the movie, one entry per frame that was sent.
    Among the extras, `frame_index` and `time_us` say which, `shown_index` which exposure it shows
    (another one if the link repeated a frame), and the knobs with which that was made. Focus, blur
    and vessels are those of the knobs at the beginning.
    """

    def __init__(self, renderer: Renderer, ctx: Context) -> None:
        self._scene = renderer.scene
        self._keeper = TruthKeeper(renderer)
        self._wired = {port.id for port in TRUTH_OUTPUTS if ctx.wired(port.id)}
        self._file: TruthFile | None = None
        dataset = ctx.dataset("truth")
        if dataset is not None:
            path = dataset.data_file("truth.zarr")
            writer = zarr_writer(path, renderer.spec, self._keeper.start, movie=False)
            writer.expect(_extras_of(renderer.advance(), 0, 0))
            renderer.seek(0)
            self._file = TruthFile(writer)
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
        if self._file is not None:
            self._file.add(self._known_of(exposure))

    def close(self) -> None:
        """Finish the file; a second time does nothing."""
        file, self._file = self._file, None
        if file is not None:
            file.close(self._keeper.start)

    def _known_of(self, exposure: SimulatedExposure) -> FrameTruth:
        frame, rendered = exposure.frame, exposure.rendered
        extras = _extras_of(rendered, frame.index, frame.time_us)
        return replace(self._keeper.frame(rendered), extras=extras)


def _extras_of(rendered: Rendered, frame_index: int, time_us: int) -> dict[str, NDArray[Any]]:
    knobs = rendered.settings
    live = {
        "frame_index": frame_index,
        "time_us": time_us,
        "shown_index": rendered.index,
        "led_percent": knobs.led_percent,
        "ewl": knobs.ewl,
        "gain": GAINS[knobs.gain],
        "frame_rate_hz": knobs.frame_rate_hz,
    }
    stamps = {name: np.array(float(value)) for name, value in live.items()}
    return extras_of(rendered) | stamps


class TruthFile:
    """Writes on a thread of its own, so that a chunk that goes to the disk makes no frame late.

    What the disk refuses is raised by the next `add`, or by `close`, which leaves a valid file of
    what came before.
    """

    def __init__(self, writer: MinisimZarrWriter) -> None:
        self._writer = writer
        self._waiting: Queue[FrameTruth | None] = Queue(WAITING_FRAMES)
        self._error: Exception | None = None
        self._thread = Thread(target=self._run, name="truth", daemon=True)
        self._thread.start()

    def add(self, truth: FrameTruth) -> None:
        """Add a frame; waits while the disk is far behind."""
        self._raise_error()
        self._waiting.put(truth)

    def close(self, truth: GroundTruth) -> None:
        """Write what waits, and finish with what only the end can tell."""
        self._waiting.put(None)
        self._thread.join()
        self._writer.close(truth)
        self._raise_error()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        failed = False
        while (truth := self._waiting.get()) is not None:
            try:
                if not failed:
                    self._writer.append(None, truth)
            except Exception as error:  # noqa: BLE001 - raised again where the truth comes from
                self._error, failed = error, True
