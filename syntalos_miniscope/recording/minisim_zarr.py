"""Reads a synthetic recording in the layout of minisim: zarr format 2, version 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError, in_short
from syntalos_miniscope.recording.containment import ensure_believable, refuse_links_out
from syntalos_miniscope.recording.truth import PER_UNIT, Footprints, GroundTruth
from syntalos_miniscope.recording.zarr_arrays import read_array, sound_array

FORMAT_VERSION = 2
"""Of the layout; minisim 1.0.3 reads and writes this one only."""

FRAME_AXIS = {
    "C": 1,
    "S": 1,
    "bleaching": 1,
    "shifts": 0,
    "neuropil_temporal": 1,
    "neuropil_population": 0,
}
"""The axis along which frames go, of the arrays of the truth that have one."""
REQUIRED = ("C", "S", "centers_um", "amplitude_per_cell", "in_focus", "detectable")
"""The arrays that every truth has; the others are listed in the attribute `gt_present`."""


@dataclass(frozen=True, slots=True, eq=False)
class MinisimZarr:
    """A synthetic recording that is open for reading; pictures are read when they are asked for."""

    path: Path
    root: zarr.Group

    @property
    def spec_json(self) -> str:
        """The text of the Spec that the recording was made from."""
        return (self.path / "spec.json").read_text()

    @property
    def observed(self) -> Any:
        """(frame, height, width) the movie as a zarr array; None if only the truth was stored."""
        observed = self.root.get("observed")
        return None if observed is None else sound_array(observed)

    @property
    def snapshot_names(self) -> list[str]:
        """The stages after which the movie was kept."""
        names: Any = self.root.attrs.get("snapshot_names", [])
        return [str(name) for name in names]

    def snapshot(self, stage: str) -> NDArray[Any]:
        """Give the movie (frame, height, width) after a stage."""
        return read_array(self.root[f"snapshots/{stage}"])

    def truth(self) -> GroundTruth:
        """Read the truth into memory; RecordingError if it is not sound."""
        try:
            return self._truth()
        except RecordingError:
            raise
        except Exception as error:
            raise RecordingError(f"{self.path} holds no sound truth: {in_short(error)}") from error

    def _truth(self) -> GroundTruth:
        group: Any = self.root["ground_truth"]
        present: Any = self.root.attrs.get("gt_present", [])
        planted = group["planted"]
        footprints = Footprints(
            offsets=read_array(planted["offsets"]),
            shapes=read_array(planted["shapes"]),
            data=read_array(planted["data"]),
            canvas_shape=_pair(planted.attrs["canvas_shape"]),
        )
        truth = GroundTruth(
            planted=footprints,
            fov_offset=_pair(planted.attrs["fov_offset"]),
            fov_shape=_pair(planted.attrs["fov_shape"]),
            focal_depth_um=group.attrs.get("focal_depth_um"),
            extras=_all_of(group, "extras"),
            maps=_all_of(group, "maps"),
            **{str(name): read_array(group[name]) for name in (*REQUIRED, *present)},
        )
        _ensure_fits(truth)
        return truth


def _ensure_fits(truth: GroundTruth) -> None:
    """Refuse, with a ValueError, a truth whose parts are not about the same cells and frames."""
    planted, cells, frames = truth.planted, truth.n_units, truth.C.shape[1]
    canvas, first = np.array(planted.canvas_shape), np.array(truth.fov_offset)
    fov = np.array(truth.fov_shape)
    if fov.min() < 1 or first.min() < 0 or np.any(first + fov > canvas):
        raise ValueError("the frame does not lie in the canvas")
    ensure_believable(8 * int(canvas[0]) * int(canvas[1]), "its canvas")
    if planted.shapes.shape != planted.offsets.shape or planted.offsets.shape != (cells, 2):
        raise ValueError("places and sizes of footprints are not one pair for each cell")
    small = cells and (planted.offsets.min() < 0 or planted.shapes.min() < 1)
    if small or np.any(planted.offsets + planted.shapes > canvas):
        raise ValueError("a footprint lies outside of the canvas")
    if planted.data.shape != (int(planted.shapes.prod(axis=1).sum()),):
        raise ValueError("the footprints have other sizes than are said")
    for name in PER_UNIT:
        values = getattr(truth, name)
        if values is not None and values.shape[:1] != (cells,):
            raise ValueError(f"{name} is not about {cells} cells")
    for name, axis in FRAME_AXIS.items():
        values = getattr(truth, name)
        if values is not None and (values.ndim <= axis or values.shape[axis] != frames):
            raise ValueError(f"{name} is not about {frames} frames")


def _all_of(group: Any, name: str) -> dict[str, NDArray[Any]]:
    """Read all arrays of a part of a group; none if there is no such part."""
    part = group.get(name)
    return {} if part is None else {key: read_array(array) for key, array in part.arrays()}


def open_minisim_zarr(path: Path) -> MinisimZarr:
    """Open a synthetic recording, ours or minisim's; RecordingError if it cannot be read."""
    if not (path / ".zgroup").is_file() or not (path / "spec.json").is_file():
        raise RecordingError(
            f"{path} is no synthetic recording: it has no spec.json in a zarr group"
        )
    refuse_links_out(path)
    try:
        root = zarr.open_group(str(path), mode="r")
        version = root.attrs.get("format_version")
    except Exception as error:
        raise RecordingError(f"{path} is not sound zarr: {in_short(error)}") from error
    if version != FORMAT_VERSION:
        raise RecordingError(
            f"{path} is in version {version!r} of the layout; this program reads {FORMAT_VERSION}"
        )
    return MinisimZarr(path, root)


def _pair(values: Any) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)
