"""The ladder of minisim's documentation, rung by rung: each adds a step, and each is a recording.

With the documentation at hand its own snippets are run as they are written, too.
"""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import ndimage

from syntalos_miniscope.simulation import (
    Acquisition,
    Bleaching,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    ImageSensor,
    Leakage,
    Neuropil,
    Optics,
    PlaceNeurons,
    Recording,
    Sensor,
    Spec,
    Vignette,
    simulate,
)
from syntalos_miniscope.simulation.steps import AnyStep

FRAMES, SIDE = 400, 200
ACQUISITION = Acquisition(
    fps=20.0,
    duration_s=20.0,
    optics=Optics(magnification=8.0),
    image_sensor=ImageSensor(n_px_height=SIDE, n_px_width=SIDE, pixel_pitch_um=8.0),
)
CELLS: list[AnyStep] = [PlaceNeurons(), CellActivity(), CellOptics(), Composite()]
FIELDS: list[AnyStep] = [IlluminationProfile(), Vignette(), Leakage()]


def rung(*steps: AnyStep, until: str | None = None) -> Recording:
    recording = simulate(Spec(acquisition=ACQUISITION, seed=1, steps=list(steps)), until=until)
    assert recording.observed.shape == (FRAMES, SIDE, SIDE)
    assert recording.observed.dtype == np.float32
    return recording


def test_1_cells_on_black() -> None:
    recording = rung(PlaceNeurons(), CellActivity(), Composite())
    truth = recording.ground_truth
    # 25 000 cells per mm³ of a field of 200 µm, 200 µm deep.
    assert truth.n_units == 200
    assert truth.centers_um.shape == (200, 3)
    assert np.all((truth.depth_um >= 0) & (truth.depth_um <= 200))
    assert np.all(np.abs(truth.centers_um[:, 1:]) <= 100)
    assert truth.C.shape == truth.S.shape == (200, FRAMES)
    assert np.array_equal(truth.S, np.rint(truth.S))
    # The movie is the footprints times the traces, and nothing else.
    expected = np.tensordot(truth.C[:, :20].T, truth.A_planted, 1)
    assert_allclose(recording.observed[:20], expected, rtol=1e-4, atol=1e-4)
    assert recording.observed.min() == 0
    assert truth.focal_depth_um is None
    assert truth.observed_sigma_px is None


def test_2_optics_blurs_and_dims_by_depth() -> None:
    recording = rung(*CELLS)
    truth = recording.ground_truth
    assert truth.focal_depth_um is not None
    assert 0 < truth.focal_depth_um < 200
    assert truth.observed_sigma_px is not None
    assert truth.observed_gain is not None
    assert truth.A_planted.shape == truth.A_observed.shape == (200, SIDE, SIDE)
    off_focus_um = np.abs(truth.depth_um - truth.focal_depth_um)
    sharpest, softest = off_focus_um.argmin(), off_focus_um.argmax()
    assert truth.observed_sigma_px[softest] > 5 * truth.observed_sigma_px[sharpest]
    assert truth.observed_gain == pytest.approx(0.45**2 * np.exp(-truth.depth_um / 85.714286))
    assert np.array_equal(truth.in_focus, off_focus_um <= 3.4481481481)
    # The light that the scope sees is that of the sharp cells, blurred and dimmed.
    expected = np.tensordot(truth.C[:, :5].T, truth.A_observed, 1)
    assert_allclose(recording.observed[:5], expected, rtol=0, atol=0.01 * expected.max())


def test_3_the_brain_moves() -> None:
    recording = rung(*CELLS, BrainMotion())
    truth = recording.ground_truth
    assert truth.shifts is not None
    assert truth.shifts.shape == (FRAMES, 2)
    assert np.abs(truth.shifts[0]).max() < 1e-12
    radius_px = np.hypot(*truth.shifts.T)
    assert radius_px.max() <= 15
    assert 7 < np.percentile(radius_px, 99) < 13
    # Tissue from beyond the frame moves into view, so cells are planted there too.
    assert truth.fov_offset == (16, 16)
    assert truth.planted.canvas_shape == (232, 232)
    assert 200 < truth.n_units < 269
    # Moved back by its shift, a frame is the still canvas; the middle, as cells at the edge of
    # the canvas are no units.
    far = int(np.hypot(*truth.shifts.T).argmax())
    canvas = truth.planted.dense((0, 0, 232, 232), truth.observed_sigma_px, truth.observed_gain)
    still = np.tensordot(truth.C[:, far], canvas, 1)
    moved = ndimage.shift(still, truth.shifts[far], order=1)[
        116 - 50 : 116 + 50, 116 - 50 : 116 + 50
    ]
    seen = recording.observed[far, 50:150, 50:150]
    assert_allclose(seen, moved, rtol=0, atol=0.01 * moved.max())


def test_4_haze_fills_the_field() -> None:
    recording = rung(*CELLS, Neuropil())
    truth, plain = recording.ground_truth, rung(*CELLS)
    assert truth.neuropil_spatial is not None
    assert truth.neuropil_temporal is not None
    assert truth.neuropil_population is not None
    assert truth.neuropil_spatial.shape == (3, SIDE, SIDE)
    assert truth.neuropil_temporal.shape == (3, FRAMES)
    assert truth.neuropil_population.shape == (FRAMES,)
    # Amplitude 0.5 times the mean over components; the cells are the same without it.
    haze = 0.5 / 3 * np.tensordot(truth.neuropil_temporal.T, truth.neuropil_spatial, 1)
    assert_allclose(recording.observed - plain.observed, haze, rtol=0, atol=2e-3)
    assert np.array_equal(truth.C, plain.ground_truth.C)


def test_5_the_scope_lights_unevenly() -> None:
    recording = rung(*CELLS, Neuropil(), *FIELDS)
    truth, even = recording.ground_truth, rung(*CELLS, Neuropil())
    for field in (truth.illumination, truth.vignette, truth.leakage):
        assert field is not None
        assert field.shape == (SIDE, SIDE)
        assert field[SIDE // 2, SIDE // 2] > field[0, 0]
    assert truth.illumination is not None
    assert truth.vignette is not None
    assert truth.leakage is not None
    assert truth.illumination[0, 0] == pytest.approx(0.7)
    assert truth.vignette[0, 0] == pytest.approx(0.5)
    assert truth.leakage.max() == pytest.approx(0.1, rel=1e-3)
    expected = even.observed * truth.illumination * truth.vignette + truth.leakage
    assert_allclose(recording.observed, expected, rtol=1e-4, atol=1e-6)


def test_6_the_sensor_counts() -> None:
    steps = [*CELLS, Bleaching(), Neuropil(), BrainMotion(), *FIELDS, Sensor()]
    recording = rung(*steps)
    truth = recording.ground_truth
    counts = recording.observed
    assert np.array_equal(counts, np.rint(counts))
    assert counts.min() >= 0
    assert counts.max() <= 255
    assert truth.detectable.dtype == bool
    assert 0 < truth.detectable.sum() < truth.n_units
    assert truth.bleaching is not None
    assert np.all(truth.bleaching[:, 0] == 1)
    assert np.all(truth.bleaching[:, -1] < 1)
    # The same scene without noise: photons 100, efficiency 0.7, and half a count lost to floor.
    clean = rung(*steps, until="leakage")
    assert clean.ground_truth.focal_depth_um == truth.focal_depth_um
    electrons = 70 * clean.observed
    middling = (electrons > 15) & (electrons < 200)
    assert (counts - electrons)[middling].mean() == pytest.approx(-0.5, abs=0.02)


def snippets(page: str) -> list[str]:
    """Give the Python in a page of prose: from where it begins, the most that parses."""
    lines = page.splitlines()
    found: list[str] = []
    k = 0
    while k < len(lines):
        if lines[k].startswith(("from minisim ", "rec = ", "rec.", "gt = ")):
            for end in range(min(k + 25, len(lines)), k, -1):
                text = "\n".join(lines[k:end])
                try:
                    ast.parse(text)
                except SyntaxError:
                    continue
                found.append(text)
                k = end - 1
                break
        k += 1
    return found


def test_the_snippets_of_the_documentation_run_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(__file__).parents[3] / "shared/documents"
    page = next(folder.glob("001_*.txt"), None)
    if page is None:
        pytest.skip("minisim's page of examples is not at hand")
    monkeypatch.chdir(tmp_path)
    pieces = snippets(page.read_text())
    assert sum(piece.count("rec = simulate(") for piece in pieces) == 6
    assert sum(piece.count("gt.") for piece in pieces) == 18
    namespace: dict[str, object] = {}
    for piece in pieces:
        exec(
            piece.replace("from minisim import", "from syntalos_miniscope.simulation import"),
            namespace,
        )
    assert (tmp_path / "recording.avi").stat().st_size > FRAMES * SIDE * SIDE


def test_the_code_of_the_gallery_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[2] / "docs/gallery/ladder.md"
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    pieces = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(pieces) == 7
    for piece in pieces:
        exec(piece, namespace)
    assert Recording.load(tmp_path / "recording.zarr").observed.shape == (FRAMES, SIDE, SIDE)
