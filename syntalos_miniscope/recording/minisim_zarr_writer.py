"""Writes a synthetic recording in the layout that minisim reads: zarr format 2, version 2.

Frames and truth are appended while they come, so memory does not grow with the recording.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.minisim_zarr import FORMAT_VERSION, FRAME_AXIS, REQUIRED
from syntalos_miniscope.recording.partial import partial_of
from syntalos_miniscope.recording.truth import ARRAYS, FrameTruth, GroundTruth
from syntalos_miniscope.recording.zarr_arrays import GrowingArray, store_array

MOVIE_CHUNK_FRAMES = 16
TRUTH_CHUNK_FRAMES = 256
_FIELD_OF_FRAME = {"shifts": "shift"}


class MinisimZarrWriter:
    """Writes one synthetic recording; it is under its own name only once it is whole.

    Until `close` the folder has `.partial` in its name; `close` writes what waits, and takes the
    place of a synthetic recording that had the name. Closing early leaves a valid, shorter
    recording; `abandon` leaves nothing. `truth` is what is known before the first frame, and its
    frames are not written. `shape` (height, width) is that of the movie, or None for truth without
    one; `attributes` are stored beside minisim's, which does not look at them. RecordingError if
    something else has the name, or the disk refuses.
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
        self._folder = partial_of(path)
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
                "gt_present": sorted(self._present - set(REQUIRED)),
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

    def expect(self, extras: Mapping[str, NDArray[Any]]) -> None:
        """Make arrays for such extras of a frame, which takes too long for when it comes."""
        for name, value in extras.items():
            self._array(self._extras, "ground_truth/extras", name, value, TRUTH_CHUNK_FRAMES)

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
            array = self._array(
                self._extras, "ground_truth/extras", name, value, TRUTH_CHUNK_FRAMES
            )
            array.append(value)
        for stage, picture in (snapshots or {}).items():
            array = self._array(self._snapshots, "snapshots", stage, picture, MOVIE_CHUNK_FRAMES)
            array.append(picture)

    def _array(
        self, known: dict[str, GrowingArray], group: str, name: str, like: NDArray[Any], chunk: int
    ) -> GrowingArray:
        if name not in known:
            parent = self._root.require_group(group)
            known[name] = GrowingArray(parent, name, np.zeros_like(like), 0, chunk)
        return known[name]

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
