"""Runs CaImAn (from 1.9 on) on a movie, under its own Python; see docs/reference/backends.md.

Written from CaImAn's public documentation; it has not been run where this was written.
"""

# What it imports is not in the project's environment, where types are checked.
# pyright: reportMissingImports=false
# ruff: noqa: E402

from __future__ import annotations

import multiprocessing
import os

# CaImAn works in processes: with threads in each of them they would crowd each other out. It is
# read when numpy is imported.
for threads in ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[threads] = "1"

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from runner_protocol import Tell, serve

Arrays = dict[str, Any]


def version() -> str:
    """Give CaImAn's version; PyPI's `caiman` is another program, and has no source extraction."""
    caiman = import_module("caiman")
    import_module("caiman.source_extraction.cnmf")
    return str(getattr(caiman, "__version__", "unknown"))


def extract(movie: Any, request: dict[str, Any], work: Path, tell: Tell) -> Arrays:
    """Fit CNMF-E, in patches if `rf` says so, and give every component that it finds."""
    os.environ["CAIMAN_TEMP"] = str(work)
    import caiman
    from caiman.source_extraction.cnmf import cnmf, params

    asked = request["parameters"]
    height, width = movie.shape[1:]
    tell("writing the movie as CaImAn maps it", 0.05)
    mapped = write_mapped(movie, work)
    options = options_of(params.CNMFParams, asked, (height, width), request["frame_rate_hz"])
    pixels, dims, count = caiman.load_memmap(mapped)
    images = np.reshape(pixels.T, [count, *dims], order="F")
    tell("looking for cells", 0.15)
    with workers() as (pool, number):
        model = cnmf.CNMF(n_processes=number, dview=pool, params=options)
        model.fit(images)
    found = model.estimates
    tell(f"writing {found.A.shape[1]} cells", 0.95)
    # Pixels are counted down the columns, as in Matlab.
    weights = found.A.astype(np.float32)
    weights = weights.toarray() if hasattr(weights, "toarray") else weights
    weights = weights.T.reshape(-1, width, height)

    def traces(name: str) -> Any:
        # Where no cell is found, lists are empty, or None.
        told = getattr(found, name, None)
        rows = np.zeros((0, count)) if told is None or not len(told) else told
        return np.asarray(rows, np.float32).reshape(-1, count)

    calcium, rest, spikes = traces("C"), traces("YrA"), traces("S")
    result = {
        "A": weights.transpose(0, 2, 1),
        "C": calcium,
        "S": spikes if len(spikes) else np.zeros_like(calcium),
        "raw": calcium + rest if len(rest) else calcium,
    }
    haze = getattr(found, "b0", None)
    if haze is not None and np.size(haze) == height * width:
        result["background"] = np.asarray(haze, np.float32).reshape(width, height).T
    return result


def options_of(kind: Any, asked: dict[str, Any], dims: tuple[int, int], rate_hz: float) -> Any:
    """Give CaImAn's parameters; ValueError if it does not know one, of which it only warns.

    From 1.11 on they stand in groups, and after 1.13 some only there; before that by themselves.
    """
    nb, p = int(asked["nb"]), int(asked["p"])
    groups: dict[str, dict[str, Any]] = {
        "data": {"dims": dims, "fr": float(rate_hz), "decay_time": float(asked["decay_time"])},
        "patch": {
            "rf": asked["rf"],
            "stride": asked["stride"],
            "nb_patch": nb,
            "low_rank_background": None,
            "only_init": True,
            "del_duplicates": True,
            "border_pix": 0,
        },
        "preprocess": {"p": p},
        "init": {
            "method_init": "corr_pnr",
            "center_psf": True,
            "normalize_init": False,
            "K": asked["K"],
            "gSig": whole(asked["gSig"]),
            "gSiz": whole(asked["gSiz"]),
            "nb": nb,
            **{name: int(asked[name]) for name in ("tsub", "ssub", "ssub_B")},
            **{name: float(asked[name]) for name in ("min_corr", "min_pnr", "ring_size_factor")},
        },
        "spatial": {"nb": nb, "update_background_components": True},
        "temporal": {"nb": nb, "p": p, "method_deconvolution": "oasis"},
        "merging": {"merge_thr": float(asked["merge_thr"])},
    }
    made = kind(params_dict=groups)
    if made.get("init", "method_init") != groups["init"]["method_init"]:
        made = kind(params_dict={k: v for group in groups.values() for k, v in group.items()})
    for group, names in groups.items():
        for name in names:
            try:
                made.get(group, name)
            except KeyError:
                raise ValueError(f"this CaImAn has no parameter {name} ({group})") from None
    return made


def correct_motion(movie: Any, request: dict[str, Any], work: Path, tell: Tell) -> Arrays:
    """Correct motion with NoRMCorre, piecewise if it is asked for."""
    os.environ["CAIMAN_TEMP"] = str(work)
    from caiman.motion_correction import MotionCorrect

    asked = request["parameters"]
    tell("writing the movie as CaImAn maps it", 0.05)
    mapped = write_mapped(movie, work)
    tell("finding the motion", 0.15)
    with workers() as (pool, _):
        correction = MotionCorrect(
            [mapped],
            dview=pool,
            max_shifts=whole(asked["max_shifts"]),
            gSig_filt=whole(asked["gSig_filt"]),
            strides=whole(asked["strides"]),
            overlaps=whole(asked["overlaps"]),
            max_deviation_rigid=int(asked["max_deviation_rigid"]),
            pw_rigid=bool(asked["pw_rigid"]),
            border_nan="copy",
            nonneg_movie=False,
        )
        correction.motion_correct(save_movie=True)
    tell("writing the movie", 0.9)
    saved = correction.fname_tot_els if asked["pw_rigid"] else correction.fname_tot_rig
    images = read_mapped(saved[0], movie.shape)
    out = np.lib.format.open_memmap(work / "corrected.npy", "w+", np.float32, movie.shape)
    for first in range(0, len(out), 100):
        out[first : first + 100] = images[first : first + 100]
    out.flush()
    if asked["pw_rigid"]:
        down = np.mean(correction.x_shifts_els, axis=1)
        right = np.mean(correction.y_shifts_els, axis=1)
        back = np.stack([down, right], axis=1)
    else:
        back = np.asarray(correction.shifts_rig)[:, :2]
    # What CaImAn gives is the way back.
    return {"shifts": -back.astype(np.float32)}


def write_mapped(movie: Any, work: Path) -> str:
    """Write the movie as CaImAn's memory map, pixels (by columns) x frames, and give its name.

    The name carries the shape: that is how CaImAn reads it.
    """
    frames, height, width = movie.shape
    path = work / f"movie_d1_{height}_d2_{width}_d3_1_order_C_frames_{frames}_.mmap"
    mapped = np.memmap(path, np.float32, "w+", shape=(height * width, frames), order="C")
    for first in range(0, frames, 100):
        some = movie[first : first + 100].astype(np.float32)
        mapped[:, first : first + 100] = some.transpose(2, 1, 0).reshape(height * width, -1)
    mapped.flush()
    return str(path)


def read_mapped(name: str, shape: tuple[int, int, int]) -> Any:
    """Give the movie of a memory map that CaImAn wrote for one of a shape.

    Its name begins with that of the movie it was made of, which says the order of values too;
    CaImAn's own reader (1.13) takes what the name says first, and mixes all pixels up.
    """
    frames, height, width = shape
    order: Any = name.rpartition("_order_")[2][0]
    pixels = np.memmap(name, np.float32, "r", shape=(height * width, frames), order=order)
    return pixels.T.reshape(frames, height, width, order="F")


@contextmanager
def workers() -> Generator[tuple[Any, int]]:
    """Give processes that work for CaImAn and their number, one fewer than there are cores.

    Each takes about 1 GB. It is the pool that CaImAn's own cluster is, without its way of ending
    one: where there is no pool, that runs a program that may not be there.
    """
    number = max((os.cpu_count() or 2) - 1, 1)
    if number == 1:
        yield None, 1
        return
    with multiprocessing.Pool(number) as pool:
        yield pool, number


def whole(pair: Any) -> tuple[int, int]:
    """Give two whole numbers, as CaImAn wants lengths."""
    return round(pair[0]), round(pair[1])


if __name__ == "__main__":
    serve(version, {"extract": extract, "correct_motion": correct_motion})
