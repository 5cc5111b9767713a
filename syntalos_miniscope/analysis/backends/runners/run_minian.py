"""Runs minian (2.x) on a movie; under minian's own Python, see docs/reference/backends.md."""

# What it imports is not in the project's environment, where types are checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from runner_protocol import Tell, serve

Arrays = dict[str, Any]

NOISE_FREQ = 0.06
"""Of the sampling rate: what is faster is noise. This, and all that is not said by the
parameters, is as in minian's own notebook for movies with a known truth."""


def extract(movie: Any, request: dict[str, Any], work: Path, tell: Tell) -> Arrays:
    """Take the haze away, find seeds, and solve space and time twice in turn."""
    begin(work)
    from minian import cnmf, initialization, preprocessing

    asked = request["parameters"]
    side, radius = int(max(asked["gSiz"])), max(asked["gSig"])
    merge = {"thres_corr": float(asked["merge_thr"]), "chunk": 600}
    frames = as_xarray(movie)
    tell("taking the haze away", 0.05)
    frames = frames - frames.min("frame").compute()
    frames = preprocessing.denoise(frames, method="median", ksize=2 * (side // 4) + 1)
    frames = preprocessing.remove_background(frames, method="tophat", wnd=side)
    by_frame = frames.astype(np.float32).persist()
    by_pixel = by_frame.chunk({"frame": -1, "height": 64, "width": 64}).persist()
    top = by_frame.max("frame").compute()
    tell("looking for seeds", 0.15)
    seeds = initialization.seeds_init(
        by_frame, wnd_size=1000, stp_size=500, max_wnd=max(round(5 * radius), 5), diff_thres=3
    )
    seeds, _, _ = initialization.pnr_refine(by_pixel, seeds, noise_freq=NOISE_FREQ, thres=1)
    seeds = initialization.ks_refine(by_pixel, seeds, sig=0.05)
    good = seeds[seeds["mask_ks"] & seeds["mask_pnr"]].reset_index(drop=True)
    if not len(good):
        return nothing(movie)
    near = max(round(0.75 * side), 3)
    try:
        good = initialization.seeds_merge(
            by_pixel, top, good, thres_dist=near, noise_freq=NOISE_FREQ, **merge
        )
    except ValueError:
        # minian raises where no two seeds are near: then none is merged.
        good["mask_mrg"] = True
    tell(f"beginning with {int(good['mask_mrg'].sum())} seeds", 0.25)
    space = initialization.initA(
        by_pixel, good[good["mask_mrg"]], wnd=near, noise_freq=NOISE_FREQ, **merge
    ).persist()
    time = initialization.initC(by_frame, space).persist()
    space, time = merged(cnmf, space, time, merge)
    noise = cnmf.get_noise_fft(by_pixel, noise_range=(NOISE_FREQ, 0.5)).persist()
    spikes = rest = haze = time
    for turn, overlap in enumerate((0.2, 0.4)):
        tell(f"footprints, turn {turn + 1} of 2", 0.35 + 0.3 * turn)
        space, kept, scale = cnmf.update_spatial(
            by_pixel,
            space,
            time,
            noise,
            in_memory=True,
            dl_wnd=near,
            sparse_penal=0.01,
            size_thres=(round((5 * radius / 3) ** 2), None),
        )
        space = space.persist()
        time = (time.sel(unit_id=kept) * scale).persist()
        held = time.chunk({"unit_id": -1, "frame": 300}).persist()
        tell(f"traces, turn {turn + 1} of 2", 0.5 + 0.3 * turn)
        haze, flicker = cnmf.update_background(by_frame, space, held)
        rest = cnmf.compute_trace(by_frame, space, haze, held, flicker)
        rest = rest.chunk({"unit_id": 1, "frame": -1}).persist()
        time, spikes, _, _, _, _ = cnmf.update_temporal(
            space,
            time,
            YrA=rest,
            noise_freq=NOISE_FREQ,
            sparse_penal=1,
            p=max(int(asked["p"]), 1),
            add_lag=20,
            jac_thres=overlap,
        )
        time, spikes = time.persist(), spikes.persist()
        # The traces come back in another order than the footprints went in.
        space = space.sel(unit_id=time.coords["unit_id"]).persist()
        if turn == 0:
            space, time = merged(cnmf, space, time, merge)
    names = time.coords["unit_id"]
    rows = ("unit_id", "frame")
    footprints = dense(space.sel(unit_id=names).transpose("unit_id", "height", "width"))
    raw = dense(rest.sel(unit_id=names).transpose(*rows))
    scale = own_light(movie, footprints, raw)
    return {
        "A": footprints,
        "C": dense(time.transpose(*rows)) * scale,
        "S": dense(spikes.sel(unit_id=names).transpose(*rows)) * scale,
        "raw": raw * scale,
        "background": dense(haze),
    }


def own_light(movie: Any, footprints: Any, raw: Any) -> Any:
    """Give what brings each trace back to the movie's light, (cell, 1).

    Medians and top-hats, in which the cells were looked for, take some of it.
    """
    scale = np.ones((len(raw), 1), np.float32)
    for k, (footprint, trace) in enumerate(zip(footprints, raw, strict=True)):
        rows, columns = np.nonzero(footprint >= 0.8 * max(footprint.max(), 1e-12))
        light = movie[:, rows, columns].mean(axis=1) / footprint[rows, columns].mean()
        slope = np.cov(light, trace)[0, 1] / max(float(trace.var(ddof=1)), 1e-12)
        scale[k] = slope if np.isfinite(slope) and slope > 0 else 1
    return scale


def correct_motion(movie: Any, request: dict[str, Any], work: Path, tell: Tell) -> Arrays:
    """Take the motion out by one shift for each frame; minian's pieces are an experiment."""
    begin(work)
    from minian import motion_correction, preprocessing

    side = int(max(request["parameters"]["gSiz"]))
    frames = as_xarray(movie)
    clean = frames - frames.min("frame").compute()
    clean = preprocessing.remove_background(clean, method="tophat", wnd=side).persist()
    tell("finding the motion", 0.2)
    motion = motion_correction.estimate_motion(clean, dim="frame").persist()
    tell("writing the movie", 0.8)
    moved = motion_correction.apply_transform(frames.astype(np.float32), motion, fill=0)
    out = np.lib.format.open_memmap(work / "corrected.npy", "w+", np.float32, movie.shape)
    for first in range(0, len(movie), 100):
        some = moved.isel(frame=slice(first, first + 100))
        out[first : first + 100] = some.transpose("frame", "height", "width").values
    out.flush()
    # What minian gives is the way back.
    return {"shifts": -motion.transpose("frame", "shift_dim").values.astype(np.float32)}


def begin(work: Path) -> None:
    """Keep minian's own files in the work folder, and its work in this process."""
    os.environ["MINIAN_INTERMEDIATE"] = str(work / "minian_intermediate")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import dask.config

    dask.config.set(scheduler="threads", num_workers=min(os.cpu_count() or 1, 8))


def as_xarray(movie: Any) -> Any:
    """Give the movie as minian wants it, in chunks of frames."""
    import dask.array
    import xarray

    places = {name: np.arange(n) for name, n in zip(AXES, movie.shape, strict=True)}
    chunks: Any = (100, *movie.shape[1:])
    return xarray.DataArray(
        dask.array.from_array(movie, chunks=chunks), dims=AXES, coords=places, name="movie"
    )


AXES = ("frame", "height", "width")


def merged(cnmf: Any, space: Any, time: Any, how: dict[str, Any]) -> tuple[Any, Any]:
    """Merge what is one cell; minian raises when no two overlap."""
    try:
        space, time = cnmf.unit_merge(space, time, **how)[:2]
    except ValueError:
        pass
    return space.persist(), time.persist()


def dense(values: Any) -> Any:
    """Give an array of numpy, whatever minian keeps it in."""
    found = values.compute().data
    found = found.todense() if hasattr(found, "todense") else found
    return np.ascontiguousarray(found, np.float32)


def nothing(movie: Any) -> Arrays:
    """Give the result of a movie without cells."""
    traces = np.zeros((0, len(movie)), np.float32)
    empty = np.zeros((0, *movie.shape[1:]), np.float32)
    return {"A": empty, "C": traces, "S": traces, "raw": traces}


if __name__ == "__main__":
    serve(lambda: version("minian"), {"extract": extract, "correct_motion": correct_motion})
