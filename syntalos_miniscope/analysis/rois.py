"""Regions of interest: where cells lie in the frame, and the files that say so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import in_short
from syntalos_miniscope.recording.containment import ensure_believable, refuse_links_out
from syntalos_miniscope.recording.truth import Footprints
from syntalos_miniscope.recording.zarr_arrays import read_array

FORMAT = 1
LEAST_SHARE = 0.02
"""Of its peak: fainter pixels of a footprint that was read are left out."""


@dataclass(frozen=True, eq=False)
class Rois:
    """Named footprints, each with the largest weight 1, in frames of `footprints.canvas_shape`."""

    names: tuple[str, ...]
    footprints: Footprints

    def __len__(self) -> int:
        return len(self.names)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frames."""
        return self.footprints.canvas_shape

    def centers(self) -> NDArray[np.float64]:
        """Give the centre of mass of each, as (row, column)."""
        places = np.zeros((len(self), 2))
        for k, (top, left, patch) in enumerate(self.footprints):
            rows, columns = np.indices(patch.shape)
            total = patch.sum()
            places[k] = top + (rows * patch).sum() / total, left + (columns * patch).sum() / total
        return places

    @classmethod
    def of(cls, dense: NDArray[Any], names: Sequence[str] = ()) -> Rois:
        """Make them of (roi, height, width) weights; empty ones are left out."""
        shape = (int(dense.shape[1]), int(dense.shape[2]))
        return cls.placed(((0, 0, picture) for picture in dense), shape, names)

    @classmethod
    def placed(
        cls,
        pictures: Iterable[tuple[int, int, NDArray[Any]]],
        shape: tuple[int, int],
        names: Sequence[str] = (),
    ) -> Rois:
        """Make them of weights (h, w), each with its row and column in frames of `shape`."""
        patches: list[tuple[int, int, NDArray[np.float32]]] = []
        kept: list[str] = []
        for k, (top, left, picture) in enumerate(pictures):
            name = names[k] if k < len(names) else f"roi {k + 1}"
            weights = np.nan_to_num(np.asarray(picture, np.float32))
            if weights.size and (peak := float(weights.max())) > 0:
                row, column, patch = _cropped(weights / peak)
                patches.append((top + row, left + column, patch))
                kept.append(name)
        return cls(tuple(kept), Footprints.stacked(patches, shape))


def load_rois(path: Path, shape: tuple[int, int]) -> Rois:
    """Read regions for frames of `shape` (height, width).

    The editor's or `save_rois`' JSON, `.npz` with an array `A` (roi, height, width), CaImAn's
    `.hdf5` (with h5py installed), or minian's zarr folder. ValueError, in one line, if it cannot
    be read, holds no region, or is for frames of another size.
    """
    path = path.expanduser()
    if not path.exists():
        raise ValueError(f"there is no file of regions {path}")
    readers = {".json": _from_json, ".npz": _from_npz, ".hdf5": _from_caiman, ".h5": _from_caiman}
    read = _from_minian if path.is_dir() else readers.get(path.suffix.lower())
    if read is None:
        raise ValueError(f"{path}: regions are read from .json, .npz, .hdf5 or a zarr folder")
    try:
        rois = read(path, shape)
    except ValueError as error:
        raise ValueError(f"{path}: {in_short(error)}") from error
    except Exception as error:
        # Readers of five kinds of file raise errors of as many kinds.
        raise ValueError(f"{path}: not a file of regions ({in_short(error)})") from error
    if not len(rois):
        raise ValueError(f"{path} holds no regions")
    if rois.shape != shape:
        (height, width), (rows, columns) = rois.shape, shape
        raise ValueError(
            f"{path} is for frames of {width} x {height} pixels, these have {columns} x {rows}"
        )
    return rois


def save_rois(rois: Rois, path: Path) -> None:
    """Write regions as JSON that the editor reads too: an outline each, with its weights."""
    height, width = rois.shape
    entries = [
        {
            "name": name,
            "kind": "polygon",
            "corners": _outline(top, left, patch),
            "weights": {"top": top, "left": left, "rows": np.round(patch, 3).tolist()},
        }
        for name, (top, left, patch) in zip(rois.names, rois.footprints, strict=True)
    ]
    text = json.dumps({"format": FORMAT, "size": [width, height], "rois": entries})
    path.write_text(text + "\n", "utf-8")


def _from_json(path: Path, shape: tuple[int, int]) -> Rois:
    found = json.loads(path.read_text("utf-8"))
    width, height = found.get("size", shape[::-1])
    frame = (int(height), int(width))
    names: list[str] = []
    patches: list[tuple[int, int, NDArray[np.float32]]] = []
    for entry in found["rois"]:
        weights = entry.get("weights")
        if weights:
            patch = np.array(weights["rows"], np.float32)
            if not np.isfinite(patch).all():
                raise ValueError("a weight of a region is not a number")
            drawn = _clipped(int(weights["top"]), int(weights["left"]), patch, frame)
        else:
            corners = np.array(entry["corners"], np.float64).reshape(-1, 2)
            drawn = _drawn(str(entry["kind"]), corners, frame)
        if drawn is not None:
            names.append(str(entry["name"]))
            patches.append(drawn)
    return Rois(tuple(names), Footprints.stacked(patches, frame))


def _from_npz(path: Path, shape: tuple[int, int]) -> Rois:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        ensure_believable(sum(member.file_size for member in stored.zip.infolist()), "it")
        weights = stored["A"]
        names = [str(name) for name in stored["names"]] if "names" in stored else ()
    if weights.ndim != 3:
        raise ValueError(f"A is (roi, height, width), not {weights.ndim}-dimensional")
    return _read(weights, weights.shape[1:], names)


def _from_caiman(path: Path, shape: tuple[int, int]) -> Rois:
    try:
        import h5py
    except ImportError as error:
        raise ValueError("CaImAn's results are read with h5py, which is not installed") from error
    with h5py.File(path, "r") as stored:
        matrix: Any = stored["estimates/A"]
        data, rows, starts = (np.asarray(matrix[name]) for name in ("data", "indices", "indptr"))
        dims: Any = stored["dims"] if "dims" in stored else stored["estimates/dims"]
        height, width = (int(side) for side in np.asarray(dims))

    def picture(begin: int, end: int) -> NDArray[Any]:
        weights = np.zeros((height, width), np.float32)
        # Pixels are counted down the columns, as in Matlab.
        weights[rows[begin:end] % height, rows[begin:end] // height] = data[begin:end]
        return weights

    return _read((picture(*ends) for ends in pairwise(starts)), (height, width))


def _from_minian(path: Path, shape: tuple[int, int]) -> Rois:
    import zarr

    refuse_links_out(path)
    inside = path / "A.zarr" if (path / "A.zarr").is_dir() else path
    stored: Any = zarr.open_group(str(inside), mode="r")
    weights = read_array(stored["A"])
    return _read(weights, weights.shape[1:])


def _read(
    pictures: Iterable[NDArray[Any]], shape: tuple[int, int], names: Sequence[str] = ()
) -> Rois:
    return Rois.placed(((0, 0, without_skirt(one)) for one in pictures), shape, names)


def without_skirt(weights: NDArray[Any]) -> NDArray[Any]:
    """Give the weights of a footprint without those that are faint beside its peak."""
    return np.where(weights >= LEAST_SHARE * weights.max(), weights, 0)


def _cropped(weights: NDArray[np.float32]) -> tuple[int, int, NDArray[np.float32]]:
    rows, columns = np.flatnonzero(weights.any(1)), np.flatnonzero(weights.any(0))
    top, left = int(rows[0]), int(columns[0])
    patch = weights[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    return top, left, np.maximum(patch, 0)


def _clipped(
    top: int, left: int, patch: NDArray[np.float32], frame: tuple[int, int]
) -> tuple[int, int, NDArray[np.float32]] | None:
    """Give what lies in the frame; None if nothing does."""
    y0, x0 = max(-top, 0), max(-left, 0)
    kept = patch[y0 : max(frame[0] - top, 0), x0 : max(frame[1] - left, 0)]
    return (top + y0, left + x0, kept) if kept.size and kept.max() > 0 else None


def _drawn(
    kind: str, corners: NDArray[np.float64], frame: tuple[int, int]
) -> tuple[int, int, NDArray[np.float32]] | None:
    """Fill a drawn region: a pixel belongs to it if its middle lies inside."""
    if not np.isfinite(corners).all():
        raise ValueError("a corner of a region is not a number")
    inner = np.clip(corners, -1, (frame[1] + 1, frame[0] + 1))
    low, high = np.floor(inner.min(0)).astype(int), np.ceil(inner.max(0)).astype(int)
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
    if kind == "polygon":
        inside = np.zeros(x.shape, np.bool_)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            if y0 != y1:
                inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    elif kind in ("ellipse", "rectangle"):
        middle = (corners.min(0) + corners.max(0)) / 2
        half = np.maximum((corners.max(0) - corners.min(0)) / 2, 1e-9)
        u, v = (x - middle[0]) / half[0], (y - middle[1]) / half[1]
        inside = u**2 + v**2 <= 1 if kind == "ellipse" else (abs(u) <= 1) & (abs(v) <= 1)
    else:
        raise ValueError(f"there is no region of kind {kind!r}")
    return _clipped(int(low[1]), int(low[0]), inside.astype(np.float32), frame)


def _outline(top: int, left: int, patch: NDArray[np.float32]) -> list[list[float]]:
    """Give the corners (x, y) of the line round the part above half of the peak."""
    # Between pixel middles of a padded picture, so that a single pixel has an outline too.
    half = np.pad((patch >= 0.5 * patch.max()).astype(np.uint8), 1)
    grown = cv2.resize(half, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    lines, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    line = max(lines, key=cv2.contourArea)[:, 0, :].astype(np.float64)
    line = cv2.approxPolyDP(line.astype(np.float32)[:, None], 0.8, True)[:, 0]
    return [[round(float(x) / 2 + left - 0.75, 2), round(float(y) / 2 + top - 0.75, 2)]
            for x, y in line]  # fmt: skip
