"""Runs minian (2.x) on a movie; under minian's own Python, see docs/reference/backends.md."""

# What it imports is not in the project's environment, where types are checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from runner_protocol import Tell, serve

Arrays = dict[str, Any]

NOISE_FREQ = 0.06
"""Of the sampling rate: what is faster is noise. This, and all that is not said by the
parameters, is as in minian's own notebook for movies with a known truth."""


@dataclass(frozen=True)
class Told:
    """What minian is told, by the names of its own parameters where it has them."""

    radius: float
    """Of a cell, px."""
    side: int
    """Of the window of the haze, px."""
    merge: dict[str, Any]
    p: int

    @property
    def near(self) -> int:
        """Within so many pixels seeds may be one cell, and a footprint may grow."""
        return max(round(0.75 * self.side), 3)


@dataclass(frozen=True)
class Clean:
    """The movie without haze, twice: in chunks of frames, and in chunks of pixels."""

    by_frame: Any
    by_pixel: Any


def extract(movie: Any, request: dict[str, Any], work: Path, tell: Tell) -> Arrays:
    """Take the haze away, find seeds, and solve space and time twice in turn."""
    begin(work)
    from minian import cnmf, initialization

    asked = request["parameters"]
    told = Told(
        radius=max(asked["gSig"]),
        side=int(max(asked["gSiz"])),
        merge={"thres_corr": float(asked["merge_thr"]), "chunk": 600},
        p=max(int(asked["p"]), 1),
    )
    tell("taking the haze away", 0.05)
    clean = without_haze(movie, told.side)
    tell("looking for seeds", 0.15)
    seeds = seeds_of(clean, told)
    if not len(seeds):
        return nothing(movie)
    tell(f"beginning with {len(seeds)} seeds", 0.25)
    space = initialization.initA(
        clean.by_pixel, seeds, wnd=told.near, noise_freq=NOISE_FREQ, **told.merge
    ).persist()
    time = initialization.initC(clean.by_frame, space).persist()
    space, time = merged(cnmf, space, time, told.merge)
    space, time, spikes, rest, haze = solved(clean, space, time, told, tell)
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


def without_haze(movie: Any, side: int) -> Clean:
    """Give the movie less its darkest picture, its pixel noise and what is wider than a cell."""
    from minian import preprocessing

    frames = as_xarray(movie)
    frames = frames - frames.min("frame").compute()
    frames = preprocessing.denoise(frames, method="median", ksize=2 * (side // 4) + 1)
    frames = preprocessing.remove_background(frames, method="tophat", wnd=side)
    by_frame = frames.astype(np.float32).persist()
    return Clean(by_frame, by_frame.chunk({"frame": -1, "height": 64, "width": 64}).persist())


def seeds_of(clean: Clean, told: Told) -> Any:
    """Give the seeds, each a pixel, that stand out of the noise and are not one cell's twice."""
    from minian import initialization

    widest = max(round(5 * told.radius), 5)
    seeds = initialization.seeds_init(
        clean.by_frame, wnd_size=1000, stp_size=500, max_wnd=widest, diff_thres=3
    )
    if not len(seeds):
        return seeds
    seeds, _, _ = initialization.pnr_refine(clean.by_pixel, seeds, noise_freq=NOISE_FREQ, thres=1)
    seeds = initialization.ks_refine(clean.by_pixel, seeds, sig=0.05)
    good = seeds[seeds["mask_ks"] & seeds["mask_pnr"]].reset_index(drop=True)
    if not len(good):
        return good
    top = clean.by_frame.max("frame").compute()
    apart = {"thres_dist": told.near, "noise_freq": NOISE_FREQ}
    try:
        good = initialization.seeds_merge(clean.by_pixel, top, good, **apart, **told.merge)
    except ValueError:
        # minian raises where no two seeds are near: then none is merged.
        return good
    return good[good["mask_mrg"]]


def solved(clean: Clean, space: Any, time: Any, told: Told, tell: Tell) -> tuple[Any, ...]:
    """Solve space and time twice in turn; gives both, spikes, traces as they came, and the haze."""
    from minian import cnmf

    noise = cnmf.get_noise_fft(clean.by_pixel, noise_range=(NOISE_FREQ, 0.5)).persist()
    least = round((5 * told.radius / 3) ** 2)
    shape = {"dl_wnd": told.near, "sparse_penal": 0.01, "size_thres": (least, None)}
    rise = {"noise_freq": NOISE_FREQ, "sparse_penal": 1, "p": told.p, "add_lag": 20}
    spikes = rest = haze = time
    for turn, overlap in enumerate((0.2, 0.4)):
        tell(f"footprints, turn {turn + 1} of 2", 0.35 + 0.3 * turn)
        space, kept, scale = cnmf.update_spatial(
            clean.by_pixel, space, time, noise, in_memory=True, **shape
        )
        space = space.persist()
        time = (time.sel(unit_id=kept) * scale).persist()
        held = time.chunk({"unit_id": -1, "frame": 300}).persist()
        tell(f"traces, turn {turn + 1} of 2", 0.5 + 0.3 * turn)
        haze, flicker = cnmf.update_background(clean.by_frame, space, held)
        rest = cnmf.compute_trace(clean.by_frame, space, haze, held, flicker)
        rest = rest.chunk({"unit_id": 1, "frame": -1}).persist()
        time, spikes, _, _, _, _ = cnmf.update_temporal(
            space, time, YrA=rest, jac_thres=overlap, **rise
        )
        time, spikes = time.persist(), spikes.persist()
        # The traces come back in another order than the footprints went in.
        space = space.sel(unit_id=time.coords["unit_id"]).persist()
        if turn == 0:
            space, time = merged(cnmf, space, time, told.merge)
    return space, time, spikes, rest, haze


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
