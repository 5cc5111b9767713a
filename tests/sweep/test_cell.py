"""One cell of a sweep: what its figures mean, what its chain is told, and when it is still good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_grid import small_spec, write_grid

from syntalos_miniscope.analysis.extraction import Extraction
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.truth import Footprints, GroundTruth
from syntalos_miniscope.simulation import BrainMotion, Spec, simulate, simulate_zarr
from syntalos_miniscope.simulation.spec import QUIET
from syntalos_miniscope.sweep import cell as cell_module
from syntalos_miniscope.sweep import grid as grid_module
from syntalos_miniscope.sweep.cell import _figures, _stabilised, run_cell
from syntalos_miniscope.sweep.grid import Chain, load_grid

PATH_PX = [(0.0, 0.0), (2.0, -4.0), (4.0, -1.0), (1.0, -6.0)]


def moving(bits: int = 8) -> Spec:
    """The small scene under a brain that moves by more to the left than down."""
    still = small_spec()
    px = still.acquisition.pixel_size_um
    path = [(px * dy, px * dx) for dy, dx in (PATH_PX * 8)[:30]]
    sensor = still.acquisition.image_sensor.model_copy(
        update={"bit_depth": bits, "gain_adu_per_e": 2.0 ** (bits - 8)}
    )
    acquisition = still.acquisition.model_copy(update={"image_sensor": sensor})
    steps = [*still.steps, BrainMotion(trajectory_um=path)]
    parts = {"acquisition": acquisition, "seed": still.seed, "steps": steps}
    return Spec.model_validate(parts, context=QUIET)


@pytest.fixture(scope="module")
def truth() -> GroundTruth:
    return simulate(moving()).ground_truth


AWAY_PX = (3.0, -5.0)
"""How far down and right the picture lies to which a chain has brought all others."""


def perfect(truth: GroundTruth) -> Extraction:
    """What a chain would find that makes no mistake."""
    top, left = truth.fov_offset
    patches = [
        (row - top + int(AWAY_PX[0]), column - left + int(AWAY_PX[1]), patch)
        for row, column, patch in Footprints.stacked(
            [(*at, picture) for at, picture in _seen(truth)], truth.planted.canvas_shape
        )
    ]
    traces = truth.C.astype(np.float32)
    spikes = (truth.S > 0).astype(np.float32)
    return Extraction(
        Footprints.stacked(patches, truth.fov_shape), traces, traces, spikes, "built-in"
    )


def _seen(truth: GroundTruth) -> list[tuple[tuple[int, int], Any]]:
    whole = (0, 0, *truth.planted.canvas_shape)
    found = []
    for picture in truth.planted.dense(whole, truth.observed_sigma_px, truth.observed_gain):
        rows, columns = np.nonzero(picture > 0.05 * picture.max())
        box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        found.append(((box[0].start, box[1].start), picture[box] / picture.max()))
    return found


def figures(found: Extraction, truth: GroundTruth) -> dict[str, float | None]:
    assert truth.shifts is not None
    frames = len(truth.shifts)
    shifts = np.column_stack([truth.shifts - AWAY_PX, np.ones(frames)]).astype(np.float32)
    times = np.arange(frames, dtype=np.int64) * 100_000
    return dict(_figures(found, shifts, times, truth))


def test_a_chain_without_a_mistake_has_the_best_figures(truth: GroundTruth) -> None:
    every = replace(truth, detectable=np.ones(8, np.bool_))
    told = figures(perfect(truth), every)
    assert told["cells_detectable"] == told["cells_found"] == 8
    assert told["shift_rmse_px"] == pytest.approx(0, abs=1e-5)
    assert told["recall"] == told["precision"] == 1
    assert (told["trace_r_median"], told["trace_r_p10"]) == pytest.approx((1, 1))
    assert told["event_f1"] == pytest.approx(1, abs=0.1)


def test_cells_that_nobody_could_see_are_not_asked_for(truth: GroundTruth) -> None:
    some = np.arange(8) < 6
    found = perfect(truth).kept(np.arange(8) != 0)
    told = figures(found, replace(truth, detectable=some))
    assert (told["cells_detectable"], told["cells_found"]) == (6, 7)
    assert told["recall"] == pytest.approx(5 / 6) and told["precision"] == 1


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (12, np.uint16)])
def test_frames_are_brought_to_rest_at_their_full_depth(
    bits: int, kind: type, tmp_path: Path
) -> None:
    recording = open_recording(simulate_zarr(moving(bits), tmp_path / "a.zarr"))
    movie, shifts = _stabilised(recording, tmp_path / "still.npy")
    raw = np.array([frame.mat for frame in recording.frames()])
    assert movie.dtype == kind and (movie.max() > 255) == (bits > 8)
    inside = (slice(12, -12), slice(12, -12))
    moved, still = (np.std(frames[:, *inside], axis=0).mean() for frames in (raw, movie))
    assert still < 0.8 * moved
    expected = np.array((PATH_PX * 8)[:30])
    found = shifts[:, :2] - shifts[0, :2]
    assert np.abs(found - (expected - expected[0])).mean(0).max() < 1.0


def test_the_chain_is_told_what_the_grid_says(monkeypatch: Any, tmp_path: Path) -> None:
    body = "seconds = 0.5\n[chain]\ndecay_s = 0.7\ndiameter_px = 20.0\nmost_cells = 9\n"
    (cell,) = load_grid(write_grid(tmp_path, body)).cells
    told: list[Any] = []

    def refuse(movie: Any, parameters: Any, *, frame_rate_hz: float) -> None:
        told.extend((movie.shape, parameters, frame_rate_hz))
        raise ValueError("that is enough")

    monkeypatch.setattr(cell_module, "extract_built_in", refuse)
    assert run_cell(cell, tmp_path / "out") == "that is enough"
    shape, parameters, frame_rate_hz = told
    assert (shape, frame_rate_hz) == ((5, 64, 96), 10)
    assert (parameters.gSig, parameters.K, parameters.decay_time) == ((5, 5), 9, 0.7)


def test_a_result_is_of_one_spec_one_chain_and_one_version(
    monkeypatch: Any, tmp_path: Path
) -> None:
    (cell,) = load_grid(write_grid(tmp_path, "")).cells
    others = [
        replace(cell, chain=Chain(diameter_px=20.0)),
        replace(cell, spec_json=cell.spec_json.replace("10.0", "11.0")),
    ]
    stamps = [each.stamp for each in (cell, *others)]
    monkeypatch.setattr(grid_module, "version", lambda _: "0.0")
    stamps.append(cell.stamp)
    assert len(set(stamps)) == 4
