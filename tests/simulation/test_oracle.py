"""Ours beside minisim itself: it reads what we write, we read what it writes, the movies agree.

minisim runs in an environment of its own, made by tests/oracles/make_minisim_env; without it
these tests skip.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.recording.truth import ARRAYS
from syntalos_miniscope.simulation import (
    Acquisition,
    Bleaching,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    Extras,
    IlluminationProfile,
    ImageSensor,
    Leakage,
    NeuronPopulation,
    Neuropil,
    Output,
    PlaceNeurons,
    Recording,
    Sensor,
    Spec,
    Vasculature,
    VesselLayer,
    Vignette,
    simulate,
    simulate_zarr,
)
from syntalos_miniscope.simulation.extras import Behaviour
from syntalos_miniscope.simulation.presets import STUDIO_PRESETS, studio_spec

PYTHON = Path(__file__).parents[2] / ".venv-minisim/bin/python"
Minisim = Callable[..., Any]


@pytest.fixture(scope="session")
def minisim() -> Minisim:
    """Run a script where minisim is, and give what it printed, as JSON."""
    if not PYTHON.exists():
        pytest.skip("there is no .venv-minisim; tests/oracles/make_minisim_env makes it")

    def run(script: str, *arguments: object, stdin: str = "") -> Any:
        # Its codecs call something deprecated when the interpreter ends.
        warn = ["-W", "error", "-W", "ignore::DeprecationWarning"]
        head = "import json, sys, numpy as np; from minisim import *\n"
        command = [str(PYTHON), *warn, "-c", head + script, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, input=stdin)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


EVERYTHING = Spec(
    acquisition=Acquisition(
        fps=20,
        duration_s=6,
        image_sensor=ImageSensor(n_px_height=80, n_px_width=100, pixel_pitch_um=16),
    ),
    seed=5,
    steps=[
        *(PlaceNeurons(), CellActivity(), Bleaching(), CellOptics(), Composite(), Neuropil()),
        Vasculature(enabled=True, layers=[VesselLayer(root_radius_um=6)]),
        BrainMotion(motion_amplitude_um=5),
        *(IlluminationProfile(), Vignette(), Leakage(), Sensor()),
    ],
)

SPECS = [
    Spec(steps=[]),
    EVERYTHING,
    EVERYTHING.model_copy(update={"extras": Extras(behaviour=Behaviour())}),
    Spec(
        seed=-3,
        acquisition=Acquisition(focal_depth_in_tissue_um=30.0, front_working_distance_um=700),
        steps=[
            PlaceNeurons(
                populations=[
                    NeuronPopulation(morphology="cytosolic", positions_um=[(1.5, -2.0, 3e-7)]),
                    NeuronPopulation(depth_range_um=(300.0, 400.0), density_per_mm3=1e5),
                ]
            ),
            BrainMotion(trajectory_um=[(0.0, 0.0), (1e-9, -2.25)]),
            Leakage(profile="uniform", sigma_um=3.0),
        ],
        output=Output(save_intermediates=True, store_dtype="float64"),
    ),
    *(studio_spec(name) for name in STUDIO_PRESETS),
]


def test_minisim_reads_our_specs_and_finds_the_same_key(minisim: Minisim) -> None:
    script = """
import warnings
warnings.simplefilter("ignore", SpecWarning)
specs = [Spec.model_validate_json(text) for text in json.load(sys.stdin)]
print(json.dumps([spec.cache_key() for spec in specs]))
"""
    keys = minisim(script, stdin=json.dumps([spec.minisim_json() for spec in SPECS]))
    plain = [spec.model_copy(update={"extras": None}) for spec in SPECS]
    assert keys == [spec.cache_key() for spec in plain]


def test_we_read_the_specs_of_minisim_and_find_the_same_key(minisim: Minisim) -> None:
    script = """
from minisim.presets import ca1, cortex_l23, generic_1p, miniscope_v4
specs = [build_spec(scope(), region(), extra_steps=[Bleaching(), BrainMotion(
    motion_amplitude_um=1, max_shift_um=2)])
    for scope in (generic_1p, miniscope_v4) for region in (ca1, cortex_l23)]
print(json.dumps([(spec.model_dump_json(indent=1), spec.cache_key()) for spec in specs]))
"""
    for text, key in minisim(script):
        assert Spec.model_validate_json(text).cache_key() == key


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as stored:
        return dict(stored)


def test_minisim_reads_our_recording_whole_with_its_truth(minisim: Minisim, tmp_path: Path) -> None:
    spec = EVERYTHING.model_copy(update={"output": Output(save_intermediates=True)})
    simulate_zarr(spec, tmp_path / "a.zarr")
    script = """
recording = Recording.load(sys.argv[1])
truth = recording.ground_truth
arrays = {name: getattr(truth, name) for name in (*sys.argv[3:], "A_planted", "A_observed")}
arrays |= {"stage_" + name: np.asarray(movie) for name, movie in recording.snapshots.items()}
np.savez(sys.argv[2], observed=recording.observed, **arrays)
print(json.dumps([recording.spec.cache_key(), truth.n_units, truth.focal_depth_um]))
"""
    key, n_units, focal_um = minisim(script, tmp_path / "a.zarr", tmp_path / "read.npz", *ARRAYS)
    read, ours = arrays(tmp_path / "read.npz"), Recording.load(tmp_path / "a.zarr")
    truth = ours.ground_truth
    assert (key, n_units, focal_um) == (spec.cache_key(), truth.n_units, truth.focal_depth_um)
    assert np.array_equal(read["observed"], ours.observed)
    for name in ARRAYS:
        assert np.array_equal(read[name], getattr(truth, name)), name
    assert np.array_equal(read["A_planted"], truth.A_planted)
    # minisim blurs in single precision.
    assert np.abs(read["A_observed"] - truth.A_observed).max() < 1e-7
    assert len(ours.snapshots) == 8
    for stage, movie in ours.snapshots.items():
        assert np.array_equal(read[f"stage_{stage}"], movie), stage


def test_we_read_a_recording_of_minisim_whole_with_its_truth(
    minisim: Minisim, tmp_path: Path
) -> None:
    script = """
recording = simulate(Spec.model_validate_json(sys.stdin.read()))
recording.save(sys.argv[1])
truth = recording.ground_truth
np.savez(sys.argv[2], observed=recording.observed,
         **{name: getattr(truth, name) for name in sys.argv[3:]})
print(json.dumps(truth.focal_depth_um))
"""
    focal_um = minisim(
        script,
        tmp_path / "a.zarr",
        tmp_path / "made.npz",
        *ARRAYS,
        stdin=EVERYTHING.minisim_json(),
    )
    made, ours = arrays(tmp_path / "made.npz"), Recording.load(tmp_path / "a.zarr")
    assert ours.spec == EVERYTHING
    assert ours.ground_truth.focal_depth_um == focal_um
    assert np.array_equal(ours.observed, made["observed"])
    for name in ARRAYS:
        assert np.array_equal(getattr(ours.ground_truth, name), made[name]), name


def test_minisim_judges_our_cells_as_we_do(minisim: Minisim, tmp_path: Path) -> None:
    recording = simulate(EVERYTHING)
    recording.save(tmp_path / "a.zarr")
    script = """
from minisim.recording import DETECT_SNR_THRESHOLD
from minisim.simulate import build_context
recording = Recording.load(sys.argv[1])
truth, acq = recording.ground_truth, recording.spec.acquisition
sensor, field = recording.spec.steps[-1], build_context(recording.spec, acq).photon_field
judged = []
for (z, y, x), trace in zip(truth.centers_um, truth.C):
    local = truth.focal_depth_um - acq.optics.focal_curvature_shift_um(float(np.hypot(y, x)))
    sigma_px, brightness = acq.cell_optics(z, local)
    light = sample_field_at(field, y, x, acq.pixel_size_um)
    light *= sample_field_at(truth.vasculature_mask, y, x, acq.pixel_size_um)
    gain = brightness * light * sensor.photons_per_unit * acq.image_sensor.quantum_efficiency
    snr = detection_snr(np.ptp(trace), trace.min(), gain, acq.image_sensor.read_noise_e)
    seen = bool(snr >= DETECT_SNR_THRESHOLD)
    judged.append([sigma_px, seen, abs(z - local) <= acq.optics.resolved_depth_of_field_um])
print(json.dumps([[float(s), d, bool(f)] for s, d, f in judged]))
"""
    sigma_px, detectable, in_focus = zip(*minisim(script, tmp_path / "a.zarr"), strict=True)
    truth = recording.ground_truth
    assert truth.observed_sigma_px == pytest.approx(np.array(sigma_px), rel=1e-12)
    assert truth.detectable.tolist() == list(detectable) and len(set(detectable)) == 2
    assert truth.in_focus.tolist() == list(in_focus)


def test_the_truth_of_our_recording_scores_full_marks(minisim: Minisim, tmp_path: Path) -> None:
    simulate(EVERYTHING).save(tmp_path / "a.zarr")
    script = """
from minisim.testing import Estimate, score
truth = Recording.load(sys.argv[1]).ground_truth
estimate = Estimate(A=truth.A_observed, C=truth.C, S=truth.S, shifts=-truth.shifts)
report = score(estimate, truth)
print(json.dumps([report.recall, report.n_true, report.trace_corr, report.shift_rmse]))
"""
    recall, n_true, trace_corr, shift_rmse = minisim(script, tmp_path / "a.zarr")
    assert recall == 1
    assert n_true > 20
    assert trace_corr == pytest.approx(1)
    assert shift_rmse == pytest.approx(0, abs=1e-9)


PERCENTILES = (1, 10, 50, 90, 99, 99.9)
SEEDS = range(6)


def statistics(movie: np.ndarray) -> list[float]:
    """Give mean, spread, spread over time of a pixel and of a frame's mean, and percentiles."""
    spreads = [movie.std(), movie.std(0).mean(), movie.mean((1, 2)).std()]
    return [float(n) for n in (movie.mean(), *spreads, *np.percentile(movie, PERCENTILES))]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("preset", "focal_um"), list(zip(STUDIO_PRESETS, (100.0, 170.0, 160.0), strict=True))
)
def test_whole_movies_of_ours_and_of_minisim_are_alike(
    minisim: Minisim, preset: str, focal_um: float
) -> None:
    specs = []
    for seed in SEEDS:
        spec = studio_spec(preset, seed=seed, duration_s=10)
        focused = spec.acquisition.model_copy(update={"focal_depth_in_tissue_um": focal_um})
        specs.append(spec.model_copy(update={"acquisition": focused}))
    script = f"""
import warnings
warnings.simplefilter("ignore", SpecWarning)
def statistics(movie):
    spreads = [movie.std(), movie.std(0).mean(), movie.mean((1, 2)).std()]
    return [float(n) for n in (movie.mean(), *spreads, *np.percentile(movie, {PERCENTILES}))]
specs = [Spec.model_validate_json(text) for text in json.load(sys.stdin)]
print(json.dumps([statistics(simulate(spec).observed) for spec in specs]))
"""
    theirs = np.array(minisim(script, stdin=json.dumps([s.minisim_json() for s in specs])))
    ours = np.array([statistics(simulate(spec).observed) for spec in specs])
    names = ["mean", "sd", "sd over time", "sd of frame mean", *map(str, PERCENTILES)]
    error = np.sqrt((ours.var(0, ddof=1) + theirs.var(0, ddof=1)) / len(SEEDS))
    # A percentile of counts is a whole number.
    allowed = 3 * error + np.array([0.0] * 4 + [0.5] * len(PERCENTILES))
    off = np.abs(ours.mean(0) - theirs.mean(0))
    rows = zip(names, ours.mean(0), theirs.mean(0), error, strict=True)
    table = "\n".join(f"{n:16} {o:9.3f} {t:9.3f} ± {e:.3f}" for n, o, t, e in rows)
    print(f"\n{preset}\n{'':16} {'ours':>9} {'minisim':>9}\n{table}")
    assert np.all(off <= allowed), table
