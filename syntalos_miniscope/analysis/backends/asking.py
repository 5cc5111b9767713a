"""Asks a back end for cells, or for a movie without motion, through files in a work folder."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import xxhash
from numpy.typing import NDArray

from syntalos_miniscope.analysis.backends.built_in import extract_built_in
from syntalos_miniscope.analysis.backends.child import Progress, run_child
from syntalos_miniscope.analysis.backends.environments import (
    BUILT_IN,
    BackendError,
    Installed,
    choose_backend,
    how_to_set_up,
    read_json,
)
from syntalos_miniscope.analysis.extraction import Extraction, ExtractionParameters
from syntalos_miniscope.analysis.rois import Rois

FORMAT = 1
"""Of the request; docs/reference/backends.md."""

LEAST_FRAMES = 50
BATCH_FRAMES = 100
DTYPES = ("uint8", "uint16", "float32")
FRESH = ("result.json", "result.npz", "error.json", "corrected.npy")
"""What a new run must not find of an older one."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionCorrected:
    """A movie (frame, H, W) float32 on disk, without motion, and the shifts taken back."""

    movie: NDArray[np.float32]
    shifts: NDArray[np.float32]
    """(frame, 2): how far the picture had moved down and right, px; the mean of the pieces."""
    backend: str
    log: Path


def extract(
    movie: NDArray[Any],
    parameters: ExtractionParameters,
    backend: str | Installed,
    work_dir: Path,
    progress: Progress | None = None,
    *,
    frame_rate_hz: float,
    rois: Rois | None = None,
) -> Extraction:
    """Have a back end extract the cells of a stabilised movie (frame, H, W), uint8 to float32.

    `built-in` is always there: it needs no work folder, and it alone takes cells that are given.
    The work folder is made, and kept: a result that is there already for the same movie,
    parameters and version is taken. BackendError, in one line, if the back end is not set up or
    fails; on KeyboardInterrupt its processes are ended.
    """
    chosen = choose_backend(backend) if isinstance(backend, str) else backend
    if rois is not None and chosen is not None:
        raise BackendError(f"{chosen.backend.name} looks for cells itself; {BUILT_IN} takes given")
    if chosen is None:
        _check(movie, frame_rate_hz)
        return extract_built_in(movie, parameters, rois, progress, frame_rate_hz=frame_rate_hz)
    arrays = _ask("extract", movie, parameters, chosen, work_dir, progress, frame_rate_hz)
    return _extraction(arrays, movie.shape, chosen.backend.name, work_dir / "log.txt")


def motion_correct(
    movie: NDArray[Any],
    parameters: ExtractionParameters,
    backend: str | Installed,
    work_dir: Path,
    progress: Progress | None = None,
    *,
    frame_rate_hz: float,
) -> MotionCorrected:
    """Have a back end take the motion out of a movie, piecewise if `parameters.pw_rigid` says so.

    minian's is rigid always. As `extract` in all else.
    """
    chosen = choose_backend(backend) if isinstance(backend, str) else backend
    if chosen is None:
        raise BackendError(
            "no back end that corrects motion is set up here; the stabiliser needs none, and "
            f"{how_to_set_up('suite2p')} sets one up"
        )
    name, log = chosen.backend.name, work_dir / "log.txt"
    if name == "minian" and parameters.pw_rigid and progress is not None:
        progress("minian corrects motion rigidly, not by pieces", None)
    arrays = _ask("correct_motion", movie, parameters, chosen, work_dir, progress, frame_rate_hz)
    shifts = arrays.get("shifts", np.zeros(0))
    try:
        corrected = np.load(work_dir / "corrected.npy", mmap_mode="r")
    except (OSError, ValueError) as error:
        raise BackendError(f"{name} left no movie: {error}; see {log}") from error
    if corrected.shape != movie.shape or shifts.shape != (len(movie), 2):
        raise BackendError(f"{name} gave a movie of {corrected.shape}, not of {movie.shape}")
    return MotionCorrected(corrected, shifts.astype(np.float32), name, log)


def _ask(
    what: str,
    movie: NDArray[Any],
    parameters: ExtractionParameters,
    chosen: Installed,
    work: Path,
    progress: Progress | None,
    frame_rate_hz: float,
) -> dict[str, NDArray[Any]]:
    """Write the request, run the child unless it has answered it before, and read its arrays."""
    _check(movie, frame_rate_hz)
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    request: dict[str, Any] = {
        "format": FORMAT,
        "what": what,
        "backend": chosen.backend.name,
        "frame_rate_hz": float(frame_rate_hz),
        "parameters": parameters.model_dump(mode="json"),
    }
    stamp = _stamp(request, movie, chosen)
    if read_json(work / "result.json").get("stamp") != stamp:
        for name in FRESH:
            (work / name).unlink(missing_ok=True)
        path = _on_disk(movie, work)
        full = {**request, "movie": str(path), "shape": list(movie.shape), "stamp": stamp}
        (work / "request.json").write_text(json.dumps(full, indent=1), "utf-8")
        run_child(chosen, work, progress)
        if path == work / "movie.npy":
            path.unlink()
    try:
        with (work / "result.npz").open("rb") as file, np.load(file) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, BadZipFile) as error:
        (work / "result.json").unlink(missing_ok=True)
        raise BackendError(
            f"the result of {chosen.backend.name} cannot be read: {error}; run it again"
        ) from error


def _check(movie: NDArray[Any], frame_rate_hz: float) -> None:
    if movie.ndim != 3 or movie.dtype.name not in DTYPES:
        raise BackendError(
            f"a movie is (frame, height, width) of uint8, uint16 or float32, not {movie.ndim}-"
            f"dimensional {movie.dtype}"
        )
    if len(movie) < LEAST_FRAMES:
        raise BackendError(f"a movie of {len(movie)} frames is too short to find cells in")
    if not 0 < frame_rate_hz < float("inf"):
        raise BackendError(f"the frame rate must be above 0 Hz, not {frame_rate_hz:g}")


def _stamp(request: dict[str, Any], movie: NDArray[Any], chosen: Installed) -> str:
    """Give what tells a request from any other; looks at every value of the movie."""
    seen = xxhash.xxh3_128(json.dumps(request, sort_keys=True).encode())
    seen.update(f"{chosen.version} {movie.shape} {movie.dtype}".encode())
    seen.update(chosen.backend.runner.read_bytes())
    for begin in range(0, len(movie), BATCH_FRAMES):
        some = np.ascontiguousarray(movie[begin : begin + BATCH_FRAMES])
        if some.dtype == np.float32 and not np.isfinite(some).all():
            raise BackendError(f"near frame {begin} the movie has values that are no numbers")
        seen.update(some.data)
    return seen.hexdigest()


def _on_disk(movie: NDArray[Any], work: Path) -> Path:
    """Give the file that holds the movie, and nothing else: its own, or one that is written."""
    if isinstance(movie, np.memmap) and movie.filename is not None:
        path = Path(os.fsdecode(movie.filename))
        if path.suffix == ".npy" and path.exists():
            whole = np.load(path, mmap_mode="r")
            same = whole.shape == movie.shape and whole.dtype == movie.dtype
            if same and whole.offset == movie.offset and whole.strides == movie.strides:
                return path.absolute()
    room, need = shutil.disk_usage(work).free, movie.nbytes
    if need > room:
        raise BackendError(
            f"the movie needs {need / 1e9:.1f} GB in {work}, where {room / 1e9:.1f} GB are free"
        )
    path = work / "movie.npy"
    written = np.lib.format.open_memmap(path, "w+", movie.dtype, movie.shape)
    for begin in range(0, len(movie), BATCH_FRAMES):
        written[begin : begin + BATCH_FRAMES] = movie[begin : begin + BATCH_FRAMES]
    written.flush()
    return path


def _extraction(
    arrays: dict[str, NDArray[Any]], shape: tuple[int, ...], name: str, log: Path
) -> Extraction:
    """Check what came, and bring footprints to a peak of 1; empty cells are left out."""
    missing = {"A", "C", "S", "raw"} - arrays.keys()
    if missing:
        raise BackendError(f"the result of {name} lacks {', '.join(sorted(missing))}; see {log}")
    weights = arrays["A"]
    traces = [arrays[key].astype(np.float32) for key in ("C", "S", "raw")]
    cells, frames = len(weights), shape[0]
    if weights.shape != (cells, *shape[1:]) or any(t.shape != (cells, frames) for t in traces):
        raise BackendError(
            f"the result of {name} is of another size than the movie: footprints "
            f"{weights.shape}, traces {traces[0].shape}; see {log}"
        )
    peaks = np.array([np.nan_to_num(one).max(initial=0) for one in weights], np.float32)
    kept = peaks > 0
    for trace in traces:
        kept &= np.isfinite(trace).all(axis=1)
    peaks = peaks[kept]
    calcium, spikes, raw = (trace[kept] * peaks[:, None] for trace in traces)
    background = arrays.get("background")
    pictures = ((0, 0, weights[k]) for k in np.flatnonzero(kept))
    return Extraction(
        footprints=Rois.placed(pictures, (shape[1], shape[2])).footprints,
        traces=calcium,
        raw_traces=raw,
        spikes=spikes,
        backend=name,
        background=None if background is None else background.astype(np.float32),
        log=log,
    )
