"""Runs suite2p (1.x) on a movie; under suite2p's own Python, see docs/reference/backends.md."""

# What it imports is not in the project's environment, where types are checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from runner_protocol import Tell, serve

Arrays = dict[str, Any]


def without_cellpose() -> None:
    """Let suite2p be imported where cellpose is not installed.

    It imports names of cellpose that only its anatomical detection uses, which is not done here;
    cellpose would bring torchvision and a network for segmentation.
    """
    if find_spec("cellpose") is None:
        for name in ("cellpose", "cellpose.transforms", "cellpose.metrics"):
            sys.modules[name] = ModuleType(name)
        vars(sys.modules["cellpose"])["transforms"] = sys.modules["cellpose.transforms"]
        vars(sys.modules["cellpose.metrics"]).update(_intersection_over_union=None, mask_ious=None)
        # Registration ends with a picture for suite2p's window, which is not looked at.
        vars(sys.modules["cellpose.transforms"])["normalize_img"] = lambda picture, **_: picture


def extract(movie: Any, request: dict[str, Any], work: Path, tell: Tell) -> Arrays:
    """Find cells with sparsery, read their traces less 0.7 of the neuropil's, deconvolve them."""
    without_cellpose()
    import torch
    from suite2p import default_settings
    from suite2p.extraction import dcnv, extraction_wrapper

    asked, rate_hz = request["parameters"], float(request["frame_rate_hz"])
    settings, cpu = default_settings(), torch.device("cpu")
    decay_s = float(asked["decay_time"])
    tell("looking for cells", 0.1)
    stat = cells_of(movie, asked, rate_hz, settings["detection"], cpu)
    if not len(stat):
        return nothing(movie)
    tell(f"reading the traces of {len(stat)} cells", 0.6)
    light, haze, _, _ = extraction_wrapper(stat, movie, settings=settings["extraction"], device=cpu)
    share = settings["extraction"]["neuropil_coefficient"]
    before = settings["dcnv_preprocess"]
    clean = light - share * haze
    flat = dcnv.preprocess(
        clean, **{**before, "fs": rate_hz, "device": cpu, "batch_size": len(clean)}
    )
    tell("deconvolving", 0.9)
    spikes = dcnv.oasis(flat, batch_size=len(flat), tau=decay_s, fs=rate_hz)
    footprints, scale = footprints_of(stat, movie.shape[1:])
    calcium = decayed(spikes, np.exp(-1 / (decay_s * rate_hz)))
    return {"A": footprints, "C": calcium * scale, "S": spikes * scale, "raw": flat * scale}


def cells_of(movie: Any, asked: dict[str, Any], rate_hz: float, detection: Any, cpu: Any) -> Any:
    """Give the cells that suite2p detects, in its own form; `detection` are its settings."""
    from suite2p.detection import detection_wrapper

    # The box whose mean is taken for the haze: about two patches of a cell.
    detection["sparsery_settings"]["highpass_neuropil"] = 2 * int(max(asked["gSiz"])) - 1
    if asked["K"] is not None:
        detection["sparsery_settings"]["max_ROIs"] = int(asked["K"])
    try:
        _, stat, _ = detection_wrapper(
            movie,
            diameter=[4.0 * side for side in asked["gSig"]],
            tau=float(asked["decay_time"]),
            fs=rate_hz,
            settings=detection,
            device=cpu,
        )
    except ValueError as error:
        if "no ROIs" not in str(error):
            raise
        return []
    return stat


def footprints_of(stat: Any, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Give footprints (cell, H, W) with a peak of 1, and what brings a trace to the light there.

    A trace is the mean weighted by lam.
    """
    footprints = np.zeros((len(stat), *shape), np.float32)
    scale = np.zeros((len(stat), 1), np.float32)
    for k, cell in enumerate(stat):
        weights = np.asarray(cell["lam"], np.float32)
        footprints[k, cell["ypix"], cell["xpix"]] = weights / weights.max()
        own = weights[~cell["overlap"]] if (~cell["overlap"]).any() else weights
        scale[k] = own.sum() * weights.max() / (own**2).sum()
    return footprints, scale


def decayed(spikes: Any, decay: float) -> Any:
    """Give the calcium that spikes (cell, frame) make."""
    calcium = np.array(spikes, np.float32)
    for frame in range(1, calcium.shape[1]):
        calcium[:, frame] += decay * calcium[:, frame - 1]
    return calcium


def nothing(movie: Any) -> Arrays:
    """Give the result of a movie without cells."""
    traces = np.zeros((0, len(movie)), np.float32)
    empty = np.zeros((0, *movie.shape[1:]), np.float32)
    return {"A": empty, "C": traces, "S": traces, "raw": traces}


def correct_motion(movie: Any, request: dict[str, Any], work: Path, tell: Tell) -> Arrays:
    """Register the movie by phase correlation, then in blocks if it is asked for."""
    without_cellpose()
    import torch
    from suite2p import default_settings
    from suite2p.registration import registration_wrapper

    asked = request["parameters"]
    settings = default_settings()["registration"]
    settings["nonrigid"] = bool(asked["pw_rigid"])
    settings["block_size"] = tuple(int(side) for side in asked["strides"])
    settings["maxregshift"] = min(max(asked["max_shifts"]) / min(movie.shape[1:]), 0.9)
    settings["maxregshiftNR"] = int(asked["max_deviation_rigid"])
    tell("finding the motion", 0.1)
    # suite2p registers 16-bit integers in place: the values are spread over them.
    low, high = float(movie.min()), float(movie.max())
    gain = 30000 / max(high - low, 1e-9)
    whole = np.lib.format.open_memmap(work / "whole.npy", "w+", np.int16, movie.shape)
    for begin in range(0, len(movie), 200):
        part = movie[begin : begin + 200].astype(np.float32)
        whole[begin : begin + 200] = np.rint((part - low) * gain)
    found = registration_wrapper(whole, settings=settings, device=torch.device("cpu"))
    tell("writing the movie", 0.9)
    out = np.lib.format.open_memmap(work / "corrected.npy", "w+", np.float32, movie.shape)
    for begin in range(0, len(movie), 200):
        out[begin : begin + 200] = whole[begin : begin + 200] / gain + low
    out.flush()
    (work / "whole.npy").unlink()
    shifts = np.stack([found["yoff"], found["xoff"]], axis=1).astype(np.float32)
    if settings["nonrigid"]:
        shifts += np.stack([found["yoff1"].mean(1), found["xoff1"].mean(1)], axis=1)
    return {"shifts": shifts}


if __name__ == "__main__":
    serve(lambda: version("suite2p"), {"extract": extract, "correct_motion": correct_motion})
