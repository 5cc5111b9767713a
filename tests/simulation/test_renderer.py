"""The whole way of light: one path for batch and live, repeatable to the byte."""

# A None where a picture or a stage was promised fails a test all the same.
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalOperand=false, reportArgumentType=false, reportOperatorIssue=false
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from small_scene import FULL, SMALL, knobs, movie, play, spec

from syntalos_miniscope.simulation import (
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    Leakage,
    Output,
    PlaceNeurons,
    Sensor,
    Vasculature,
    VesselLayer,
)
from syntalos_miniscope.simulation.detection import Swing
from syntalos_miniscope.simulation.presets import CA1, MINISCOPE_V4, build_spec, studio_spec
from syntalos_miniscope.simulation.renderer import Renderer


def test_the_same_spec_gives_the_same_bytes():
    first, second = (movie(play(Renderer(spec()), 10)) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_a_short_recording_is_the_beginning_of_a_long_one():
    short = movie(play(Renderer(spec(duration_s=0.5)), 10))
    long = movie(play(Renderer(spec(duration_s=60.0)), 40))
    assert (long[:10] == short).all()


def test_seeking_is_playing_without_looking():
    played = play(Renderer(spec()), 30)
    sought = Renderer(spec())
    sought.seek(29)
    frame = sought.advance()
    assert (frame.image == played[29].image).all()
    assert (frame.traces == played[29].traces).all()
    assert (frame.intact == played[29].intact).all()
    assert frame.shift_px == played[29].shift_px
    sought.seek(4)
    assert (sought.advance().image == played[4].image).all()


def test_seeking_renders_no_pixel(monkeypatch):
    renderer = Renderer(spec())
    renderer.advance()

    def refuse(*_):
        raise AssertionError("pixels were rendered")

    monkeypatch.setattr(renderer, "_render", refuse)
    renderer.seek(50)
    assert renderer.index == 50


def test_threads_and_processes_make_no_difference():
    script = (
        "import sys, hashlib; sys.path.insert(0, 'tests/simulation');"
        "from small_scene import *;"
        "print(hashlib.sha256(movie(play(Renderer(spec()), 5))).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert digests == {hashlib.sha256(movie(play(Renderer(spec()), 5))).hexdigest() + "\n"}


def test_a_seeded_recording_is_pinned():
    # To re-pin after a change of the physics that is meant: put in the digest that this test
    # prints, and say in the changelog that seeded recordings changed. Kernels inline functions
    # of noise.py: after editing it, empty the __pycache__ folders first.
    frames = movie(play(Renderer(studio_spec("Miniscope V4 - CA1", seed=7)), 5))
    assert frames.dtype == np.uint8 and frames.shape == (5, 608, 608)
    assert hashlib.sha256(frames.tobytes()).hexdigest() == PINNED


PINNED = "0455f750c8b680de5f4585095a249307ac8734115926f20344121f69fe36fea3"


def test_scopes_of_one_seed_see_other_tissue():
    first, second = Renderer(spec(), scope=0), Renderer(spec(), scope=1)
    assert first.scene.centers_um.shape != second.scene.centers_um.shape or not np.allclose(
        first.scene.centers_um, second.scene.centers_um
    )
    assert (first.advance().image != second.advance().image).any()


def test_a_shift_is_told_in_pixels_and_the_picture_moves_by_it():
    px = SMALL.pixel_size_um
    steps = (PlaceNeurons(positions_um=[(50.0, 0.0, 0.0)]), CellActivity(), Composite())
    path = BrainMotion(trajectory_um=[(0.0, 0.0), (2 * px, -3 * px)])
    still, moved = play(Renderer(spec(*steps, path)), 2)
    assert moved.shift_px == pytest.approx((2, -3))
    places = [np.argwhere(frame.image > 0).mean(0) for frame in (still, moved)]
    assert places[1] - places[0] == pytest.approx((2, -3), abs=1e-6)


def test_scopes_of_one_seed_have_a_life_and_a_noise_of_their_own():
    cells = PlaceNeurons(positions_um=[(50.0, 0.0, 0.0)])
    still = spec(cells, CellActivity(p_quiescent_to_active=0.5), Composite(), Leakage(), Sensor())
    lives, noises = [], []
    for scope in (0, 1):
        renderer = Renderer(still, scope=scope)
        lives.append([frame.traces[0] for frame in play(renderer, 10)])
        noises.append(renderer.advance(knobs(led_percent=0.0)).image)
    assert lives[0] != lives[1]
    assert (noises[0] != noises[1]).any()


def test_detectable_is_by_what_falls_on_a_cell_where_it_rests():
    # minisim, 2.15: light in, light out and vessels at the pixel of the cell, shot and read noise.
    renderer = Renderer(spec())
    scene = renderer.scene
    (rows, columns), px = SMALL.shape, SMALL.pixel_size_um
    middle = np.array([rows - 1, columns - 1]) / 2
    at = np.rint(middle + scene.centers_um[:, 1:] / px).astype(int)
    row, column = at[:, 0].clip(0, rows - 1), at[:, 1].clip(0, columns - 1)
    field = scene.illumination[row, column] * scene.vignette[row, column]
    margin = scene.canvas.margin_px
    onto = (at + margin).clip(0, np.array(scene.canvas.shape) - 1)
    field *= scene.vessels.mask[onto[:, 0], onto[:, 1]]
    per_unit = scene.view.brightness * field * 100 * 0.7
    rise = 3.0 * np.sqrt(per_unit + 4) / per_unit
    low = np.ones(len(rise))
    for share, expected in ((0.999, False), (1.001, True)):
        found = scene.detectable(Swing(low, low + share * rise))
        assert (found == expected).all()
    of_life = renderer.life.swing(10.0)
    told = Swing(of_life.low[scene.units], of_life.high[scene.units])
    assert (scene.detectable() == scene.detectable(told)).all()


def test_an_absent_step_has_no_effect():
    bare = spec(PlaceNeurons(), CellActivity(), Composite())
    (frame,) = play(Renderer(bare), 1)
    cells = Renderer(bare).scene.planted.dense((0, 0, *SMALL.shape))
    expected = np.tensordot(frame.traces, cells, 1)
    assert frame.image.dtype == np.float32
    assert frame.image == pytest.approx(expected, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("change", ["sensor", "leakage", "brain_motion", "neuropil"])
def test_leaving_out_a_step_leaves_the_random_numbers_of_the_others(change: str):
    without = [step for step in FULL if step.kind != change]
    whole, part = Renderer(spec()), Renderer(spec(*without))
    first, second = play(whole, 5), play(part, 5)
    inside = [c for c in whole.scene.centers_um.tolist() if abs(c[1]) < 55 and abs(c[2]) < 55]
    if change != "brain_motion":  # the margin holds more cells
        assert inside == [
            c for c in part.scene.centers_um.tolist() if abs(c[1]) < 55 and abs(c[2]) < 55
        ]
        for one, other in zip(first, second, strict=True):
            assert (one.traces == other.traces).all()


def test_the_whole_is_the_product_of_its_stages():
    renderer = Renderer(spec().model_copy(update={"output": Output(save_intermediates=True)}))
    (frame,) = play(renderer, 1)
    stages, scene = frame.stages, renderer.scene
    assert list(stages) == [
        "cells_only", "neuropil", "vasculature", "brain_motion",
        "illumination_profile", "vignette", "leakage", "sensor",
    ]  # fmt: skip
    assert stages["cells_only"].shape == scene.canvas.shape
    haze = 0.5 / 3 * np.tensordot(frame.neuropil_temporal, scene_haze(renderer), 1)
    fov = scene.canvas.fov
    assert (stages["neuropil"] - stages["cells_only"])[fov] == pytest.approx(haze, abs=1e-5)
    assert stages["vasculature"] == pytest.approx(stages["neuropil"] * scene.vessels.mask, abs=1e-6)
    # Frame 0 is at rest.
    assert stages["brain_motion"] == pytest.approx(stages["vasculature"][fov], abs=1e-6)
    lit = stages["brain_motion"] * scene.illumination
    assert stages["illumination_profile"] == pytest.approx(lit, rel=1e-5)
    assert stages["vignette"] == pytest.approx(lit * scene.vignette, rel=1e-5)
    assert stages["leakage"] == pytest.approx(stages["vignette"] + scene.leakage, rel=1e-5)
    assert (stages["sensor"] == frame.image).all()
    residual = frame.image - np.clip(stages["leakage"] * 70 - 0.5, 0, 255)
    assert abs(residual.mean()) < 0.2


def scene_haze(renderer: Renderer) -> np.ndarray:
    return renderer.life.haze.spatial()


def test_looking_at_the_stages_changes_nothing():
    kept = Renderer(spec().model_copy(update={"output": Output(save_intermediates=True)}))
    assert (movie(play(kept, 5)) == movie(play(Renderer(spec()), 5))).all()


@pytest.mark.parametrize("until", ["composite", "cells_only", "neuropil", "vignette", "leakage"])
def test_until_ends_the_way_of_light(until: str):
    kept = Renderer(spec().model_copy(update={"output": Output(save_intermediates=True)}))
    ended = Renderer(spec(), until=until)
    for _ in range(3):
        stage = kept.advance().stages["cells_only" if until == "composite" else until]
        if stage.shape != SMALL.shape:
            stage = stage[kept.scene.canvas.fov]
        assert (ended.advance().image == stage).all()


def test_until_a_step_of_cells_makes_no_picture_but_all_truth():
    frame = Renderer(spec(), until="cell_activity").advance()
    assert frame.image is None
    assert (frame.traces == Renderer(spec()).advance().traces).all()


def test_until_an_unknown_stage_lists_those_there_are():
    with pytest.raises(ValueError, match=r"no stage 'lens'; there are place_neurons, .*sensor"):
        Renderer(spec(), until="lens")


def test_observed_footprints_times_traces_are_the_picture():
    cells = (PlaceNeurons(), CellActivity(), CellOptics(), Composite())
    renderer = Renderer(spec(*cells))
    frame = play(renderer, 3)[-1]
    view = renderer.scene.view
    footprints = renderer.scene.planted.dense((0, 0, *SMALL.shape), view.sigma_px, view.gain)
    expected = np.tensordot(frame.traces, footprints, 1)
    assert frame.image == pytest.approx(expected, abs=2e-3 * expected.max())


def test_auto_focus_and_what_is_detected_are_minisims():
    # Four seeds of V4 CA1, moderate, 10 s: 911 units, 662 [17] detectable, 218 in focus at 177 µm.
    renderers = [Renderer(build_spec(MINISCOPE_V4, CA1, seed=seed)) for seed in range(4)]
    scenes = [renderer.scene for renderer in renderers]
    assert all(len(scene.units) == 911 for scene in scenes)
    assert np.mean([scene.focal_depth_um or 0.0 for scene in scenes]) == pytest.approx(177, abs=5)
    assert np.mean([scene.detectable().sum() for scene in scenes]) == pytest.approx(662, abs=25)
    assert np.mean([scene.view.in_focus.sum() for scene in scenes]) == pytest.approx(218, rel=0.1)


@pytest.mark.parametrize(("wanted", "at_um"), [("auto", None), (40.0, 40.0)])
def test_vessels_have_a_focus_without_optics_too(wanted, at_um):
    layer = VesselLayer(depth_um=30.0, root_radius_um=9.0)
    steps = (*FULL[:2], Composite(), Vasculature(enabled=True, layers=[layer]))
    renderer = Renderer(spec(*steps, focal_depth_in_tissue_um=wanted))
    mask = renderer.scene.vessels.mask.copy()
    assert renderer.scene.focal_depth_um is None
    renderer.scene.vessels.focus(at_um or float(np.median(renderer.scene.cells.z_um)))
    assert (renderer.scene.vessels.mask == mask).all()


def test_memory_does_not_grow():
    renderer = Renderer(spec())
    play(renderer, 20)
    before = resident_bytes()
    for _ in range(1500):
        renderer.advance()
    assert resident_bytes() - before < 3e6


def resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
