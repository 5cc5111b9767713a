"""The truth about a live stream, stored while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from syntalos_miniscope.node import Dataset
from syntalos_miniscope.recording.minisim_zarr import MinisimZarrWriter
from syntalos_miniscope.simulation.batch import zarr_writer
from syntalos_miniscope.simulation.live import SimulatedExposure
from syntalos_miniscope.simulation.renderer import GAINS, Renderer
from syntalos_miniscope.simulation.truth import TruthKeeper
from syntalos_miniscope.streams import TableRow

CELLS_HEADER = ("Cell", "z [um]", "y [um]", "x [um]", "Row [px]", "Column [px]", "Detectable")


class LiveTruth:
    """Keeps minisim's zarr layout, without the movie, in a dataset; None keeps nothing.

    One entry per frame that was sent. Among the extras, `frame_index` and `time_us` say which,
    `shown_index` which exposure it shows (another one if the link repeated a frame), and the
    knobs with which that was made stand beside.
    """

    def __init__(self, renderer: Renderer, dataset: Dataset | None) -> None:
        self._scene = renderer.scene
        self._keeper = TruthKeeper(renderer)
        self._writer: MinisimZarrWriter | None = None
        if dataset is not None:
            path = dataset.data_file("truth.zarr")
            self._writer = zarr_writer(path, renderer.spec, self._keeper.start, movie=False)

    @property
    def n_units(self) -> int:
        """Cells that reach into the field of view."""
        return len(self._scene.units)

    def add(self, exposure: SimulatedExposure) -> None:
        """Store the truth about a frame."""
        if self._writer is None:
            return
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
        self._writer.append(None, replace(truth, extras={**truth.extras, **stamps}))

    def close(self) -> None:
        """Finish the file; a second time does nothing."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(replace(self._keeper.start, detectable=self._keeper.detectable()))

    def cell_rows(self) -> Iterator[TableRow]:
        """Give a row under `CELLS_HEADER` for every unit."""
        scene = self._scene
        places = scene.canvas.to_index(scene.centers_um[:, 1:]) - scene.canvas.margin_px
        detectable = self._keeper.start.detectable
        for unit, (center, place) in enumerate(zip(scene.centers_um, places, strict=True)):
            where = (f"{value:.2f}" for value in (*center, *place))
            yield TableRow((str(unit), *where, "yes" if detectable[unit] else "no"))
