"""A synthetic recording on disk, in the layout that minisim reads: zarr format 2, version 2.

Frames and truth are appended while they come, so memory does not grow with the recording.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError, disk_error, in_short
from syntalos_miniscope.recording.containment import ensure_believable, refuse_links_out
from syntalos_miniscope.recording.truth import (
    ARRAYS,
    PER_UNIT,
    Footprints,
    FrameTruth,
    GroundTruth,
)
from syntalos_miniscope.recording.zarr_arrays import (
    GrowingArray,
    read_array,
    sound_array,
    store_array,
)

FORMAT_VERSION = 2
"""Of the layout; minisim 1.0.3 reads and writes this one only."""

MOVIE_CHUNK_FRAMES = 16
TRUTH_CHUNK_FRAMES = 256

FRAME_AXIS = {
    "C": 1,
    "S": 1,
    "bleaching": 1,
    "shifts": 0,
    "neuropil_temporal": 1,
    "neuropil_population": 0,
}
"""The axis along which frames go, of the arrays of the truth that have one."""
_FIELD_OF_FRAME = {"shifts": "shift"}
_REQUIRED = ("C", "S", "centers_um", "amplitude_per_cell", "in_focus", "detectable")


class MinisimZarrWriter:
    """Writes one synthetic recording; it is under its own name only once it is whole.

    Until `close` the folder is called `<name>.tmp`; `close` writes what waits, and takes the place
    of a synthetic recording that had the name. Closing early leaves a valid, shorter recording;
    `abandon` leaves nothing. `truth` is what is known before the first frame, and its frames are
    not written. `shape` (height, width) is that of the movie, or None for truth without one;
    `attributes` are stored beside minisim's, which does not look at them.
    RecordingError if something else has the name, or the disk refuses.
    """

    def __init__(
        self,
        path: Path,
        *,
        spec_json: str,
        spec_cache_key: str,
        truth: GroundTruth,
        shape: tuple[int, int] | None,
        dtype: str = "float32",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        if path.exists() and not (path / "spec.json").is_file():
            raise RecordingError(
                f"{path} is there and is no synthetic recording; give another name"
            )
        self.path = path
        self._folder = path.with_name(path.name + ".tmp")
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self._folder.mkdir(parents=True)
        except OSError as error:
            raise disk_error(self._folder, error) from error
        self._root = zarr.open_group(str(self._folder), mode="w", zarr_format=2)
        self._truth = truth
        self._dtype = np.dtype(dtype)
        self._present = {name for name in ARRAYS if getattr(truth, name) is not None}
        self._snapshots: dict[str, GrowingArray] = {}
        self._extras: dict[str, GrowingArray] = {}
        self._root.attrs.update(
            {
                "format_version": FORMAT_VERSION,
                "spec_cache_key": spec_cache_key,
                "gt_present": sorted(self._present - set(_REQUIRED)),
                "snapshot_names": [],
                **(attributes or {}),
            }
        )
        (self._folder / "spec.json").write_text(spec_json)
        self._movie = None
        if shape is not None:
            self._movie = GrowingArray(
                self._root, "observed", np.zeros(shape, self._dtype), 0, MOVIE_CHUNK_FRAMES
            )
        self._group = self._root.create_group("ground_truth")
        self._columns = self._open_columns()
        self._write_truth(truth)

    def append(
        self,
        movie: NDArray[Any] | None,
        truth: FrameTruth,
        snapshots: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Add one frame: its picture, its truth, and pictures of it after single stages."""
        if movie is not None and self._movie is not None:
            self._movie.append(movie)
        for name, column in self._columns.items():
            column.append(getattr(truth, _FIELD_OF_FRAME.get(name, name)))
        for name, value in truth.extras.items():
            self._grow(self._extras, "ground_truth/extras", name, value, TRUTH_CHUNK_FRAMES)
        for stage, picture in (snapshots or {}).items():
            self._grow(self._snapshots, "snapshots", stage, picture, MOVIE_CHUNK_FRAMES)

    def _grow(
        self, to: dict[str, GrowingArray], group: str, name: str, value: NDArray[Any], chunk: int
    ) -> None:
        if name not in to:
            like = np.zeros_like(value)
            to[name] = GrowingArray(self._root.require_group(group), name, like, 0, chunk)
        to[name].append(value)

    def flush(self) -> None:
        """Bring what waits in memory to the disk."""
        if self._movie is not None:
            self._movie.flush()
        for arrays in (self._columns, self._extras, self._snapshots):
            for array in arrays.values():
                array.flush()

    def close(self, truth: GroundTruth | None = None) -> None:
        """Finish, and give the recording its name; `truth` says what only the end can tell.

        Everything of `truth` is written but its frames, which were appended.
        """
        self.flush()
        if truth is not None:
            for name in ARRAYS:
                if name not in FRAME_AXIS and getattr(truth, name) is not None:
                    array: Any = self._group[name]
                    array[...] = getattr(truth, name)
        self._root.attrs["snapshot_names"] = sorted(self._snapshots)
        shutil.rmtree(self.path, ignore_errors=True)
        self._folder.rename(self.path)

    def abandon(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _open_columns(self) -> dict[str, GrowingArray]:
        columns: dict[str, GrowingArray] = {}
        for name in sorted(self._present & set(FRAME_AXIS)):
            axis = FRAME_AXIS[name]
            like = np.zeros(np.delete(getattr(self._truth, name).shape, axis))
            columns[name] = GrowingArray(self._group, name, like, axis, TRUTH_CHUNK_FRAMES)
        return columns

    def _write_truth(self, truth: GroundTruth) -> None:
        for name in sorted(self._present - set(FRAME_AXIS)):
            store_array(self._group, name, getattr(truth, name))
        self._group.attrs["focal_depth_um"] = truth.focal_depth_um
        planted = self._group.create_group("planted")
        planted.attrs.update(
            {
                "canvas_shape": list(truth.planted.canvas_shape),
                "fov_offset": list(truth.fov_offset),
                "fov_shape": list(truth.fov_shape),
            }
        )
        for name in ("offsets", "shapes", "data"):
            store_array(planted, name, getattr(truth.planted, name))
        for name, values in truth.maps.items():
            store_array(self._group.require_group("maps"), name, values)


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
            **{str(name): read_array(group[name]) for name in (*_REQUIRED, *present)},
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
