"""What each cell does, from regions that were drawn, loaded or found."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from syntalos_miniscope.analysis.cell_finder import CellSearch
from syntalos_miniscope.analysis.cell_watch import CellWatch
from syntalos_miniscope.analysis.rois import Rois, load_rois, save_rois
from syntalos_miniscope.analysis.traces import TraceReader, trace_reader
from syntalos_miniscope.node import Context, In, Node, Out, Settings
from syntalos_miniscope.streams import FloatSignalBlock, Frame


class RoiTraces(Node):
    """Stabilised frames in, one sample of every region out.

    Without a file of regions, cells are found in what comes first; the traces begin when they
    are known, and the channels that are left over are NaN.
    """

    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("traces-out", "Traces", FloatSignalBlock),)

    class Settings(Settings):
        """Which regions, and how they are read."""

        rois: str = Field(
            "", description="File of regions: JSON of the canvas, npz, CaImAn or minian; or none"
        )
        method: Literal["mean", "annulus", "demix"] = Field(
            "demix", description="The mean, less that of the surround, or the cell's own share"
        )
        find_after_s: float = Field(
            20.0, ge=5, le=120, description="Without a file: find cells in so many seconds"
        )
        most_cells: int = Field(150, ge=1, le=2000, description="Without a file: no more cells")
        diameter_px: float = Field(
            12.0, ge=4, le=60, description="Without a file: how large a cell looks"
        )

    def prepare(self, ctx: Context) -> None:
        """Read the regions, or get ready to find them."""
        settings, incoming = self.settings, ctx.metadata("frames-in")
        self._read: TraceReader | None = None
        self._watch: CellWatch | None = None
        self._dataset = ctx.dataset("rois")
        rate = incoming.get("framerate", 20.0)
        if settings.rois:
            rois = load_rois(Path(settings.rois), _shape(incoming.get("size")))
            names = list(rois.names)
            self._use(rois)
        else:
            names = [f"roi {k + 1}" for k in range(settings.most_cells)]
            search = CellSearch(settings.diameter_px, most_cells=settings.most_cells)
            self._watch = CellWatch(search, settings.find_after_s, float(str(rate)))
        self._channels = len(names)
        ctx.describe(
            "traces-out",
            time_unit="microseconds",
            data_unit="counts",
            signal_names=names,
            framerate=float(str(rate)),
        )

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        """Read one frame."""
        if item.mat.ndim != 2:
            raise ValueError("the frames have colour; traces are read from grey ones")
        if self._watch is not None:
            self._find(ctx, self._watch, item)
        if self._read is None:
            return
        values = np.full((1, self._channels), np.nan, np.float32)
        found = self._read(item.mat)
        values[0, : len(found)] = found
        ctx.emit("traces-out", FloatSignalBlock(np.array([item.time_us], np.int64), values))

    def stop(self, ctx: Context) -> None:
        """Wait for a search that is under way."""
        watch = getattr(self, "_watch", None)
        if watch is not None:
            watch.close()
            ctx.note("The run ended before cells were found; there are no traces.")

    def _find(self, ctx: Context, watch: CellWatch, frame: Frame) -> None:
        rois = watch.add(frame.mat)
        ctx.status(watch.status)
        if rois is None:
            return
        self._watch = None
        ctx.count("cells", len(rois))
        ctx.note(f"{len(rois)} cells were found by {frame.time_us / 1e6:.1f} s.")
        ctx.status(f"{len(rois)} cells")
        if len(rois):
            self._use(rois)

    def _use(self, rois: Rois) -> None:
        self._read = trace_reader(rois, self.settings.method)
        locked = np.zeros(rois.shape, np.uint8)
        locked.flags.writeable = False
        trace_reader(rois, self.settings.method)(locked)
        if self._dataset is not None:
            save_rois(rois, self._dataset.data_file("rois.json"))


def _shape(size: object) -> tuple[int, int]:
    if not isinstance(size, tuple | list):
        raise ValueError("the stream of frames does not say its size, which regions must fit")
    width, height = size
    return int(height), int(width)
