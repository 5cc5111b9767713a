"""Cells and traces on disk: ours to go on from, and a file for the readers of CaImAn's results."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.extraction import Evaluation, Extraction
from syntalos_miniscope.recording import disk_error
from syntalos_miniscope.recording.partial import partial_of
from syntalos_miniscope.recording.truth import Footprints

Holder = TypeVar("Holder")

NEEDS_H5PY = (
    "estimates.hdf5 is not written without h5py: install syntalos-miniscope[analysis]; "
    "estimates.npz holds the same"
)


def save_extraction(path: Path, extraction: Extraction, judged: Evaluation, **more: Any) -> None:
    """Write an `.npz`: A (cell, H, W), C, raw, S (cell, frame), snr, r (cell,), and more arrays.

    Of the footprints there are the patches too, which alone are read again.
    """
    arrays: dict[str, Any] = {
        "A": extraction.pictures(),
        "patch_offsets": extraction.footprints.offsets,
        "patch_shapes": extraction.footprints.shapes,
        "patch_data": extraction.footprints.data,
        "frame_shape": np.array(extraction.footprints.canvas_shape),
        "C": extraction.traces,
        "raw": extraction.raw_traces,
        "S": extraction.spikes,
        "snr": judged.snr,
        "r": judged.r,
        "backend": np.array(extraction.backend),
        **more,
    }
    if extraction.background is not None:
        arrays["background"] = extraction.background
    _write_npz(path, arrays)


def load_extraction(path: Path) -> tuple[Extraction, Evaluation]:
    """Read what `save_extraction` wrote; every cell counts as accepted."""
    with np.load(path) as stored:
        extraction = Extraction(
            # A holds the same, but is a thousand times as large to read.
            footprints=Footprints(
                stored["patch_offsets"],
                stored["patch_shapes"],
                stored["patch_data"],
                (int(stored["frame_shape"][0]), int(stored["frame_shape"][1])),
            ),
            traces=stored["C"],
            raw_traces=stored["raw"],
            spikes=stored["S"],
            backend=str(stored["backend"]),
            background=stored["background"] if "background" in stored else None,
        )
        snr = stored["snr"]
        return extraction, Evaluation(snr, stored["r"], np.ones(len(snr), np.bool_))


def save_arrays(path: Path, holder: Any) -> None:
    """Write a dataclass of arrays as `.npz`."""
    _write_npz(path, {one.name: getattr(holder, one.name) for one in fields(holder)})


def load_arrays(path: Path, kind: type[Holder]) -> Holder:
    """Read what `save_arrays` wrote."""
    with np.load(path) as stored:
        return kind(**{one.name: stored[one.name] for one in fields(cast("Any", kind))})


def save_hdf5(
    path: Path, extraction: Extraction, evaluation: Evaluation, frame_rate_hz: float
) -> bool:
    """Write `estimates/A`, `C`, `S`, `YrA`… and `dims` as CaImAn's own file names and orders them.

    A is a sparse matrix (pixel, cell) in compressed columns, pixels counted down the columns of
    the picture; `YrA` is what the raw traces are above C. False, and no file, without h5py.
    """
    try:
        import h5py
    except ImportError:
        return False

    height, width = extraction.footprints.canvas_shape
    data, rows, starts = _columns(extraction.footprints)
    partial = partial_of(path)
    with h5py.File(partial, "w") as file:
        file["dims"] = np.array([height, width])
        estimates = file.create_group("estimates")
        matrix = estimates.create_group("A")
        matrix.attrs["type"] = "csc_matrix"
        for name, values in (("data", data), ("indices", rows), ("indptr", starts)):
            matrix[name] = values
        matrix["shape"] = np.array([height * width, len(extraction)])
        estimates["C"] = extraction.traces
        estimates["S"] = extraction.spikes
        estimates["YrA"] = extraction.raw_traces - extraction.traces
        estimates["dims"] = np.array([height, width])
        estimates["SNR_comp"] = evaluation.snr
        estimates["r_values"] = evaluation.r
        estimates["idx_components"] = np.flatnonzero(evaluation.accepted)
        estimates["idx_components_bad"] = np.flatnonzero(~evaluation.accepted)
        if extraction.background is not None:
            estimates["b0"] = extraction.background.ravel(order="F")
        parameters = file.create_group("params/data")
        parameters["fr"] = frame_rate_hz
        parameters["dims"] = np.array([height, width])
    partial.replace(path)
    return True


def write_table(path: Path, header: list[str], columns: list[NDArray[Any]]) -> None:
    """Write columns as CSV with commas."""
    partial = partial_of(path)
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(zip(*(column.tolist() for column in columns), strict=True))
    partial.replace(path)


def _write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    partial = partial_of(path)
    try:
        np.savez_compressed(partial, **arrays)
        partial.replace(path)
    except OSError as error:
        raise disk_error(path, error) from error


def _columns(
    footprints: Footprints,
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Give compressed columns: values, pixels down the columns, and where each cell begins."""
    data, rows = [np.zeros(0, np.float32)], [np.zeros(0, np.int32)]
    starts = [0]
    for top, left, patch in footprints:
        x, y = np.nonzero(patch.T)
        data.append(patch[y, x])
        rows.append(((left + x) * footprints.canvas_shape[0] + top + y).astype(np.int32))
        starts.append(starts[-1] + len(x))
    return np.concatenate(data), np.concatenate(rows), np.array(starts, np.int32)
