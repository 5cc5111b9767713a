"""The truth that a simulated scope tells: on its ports, and stored with the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from small_brain import TRUTH, ran, script, sent, small_spec

from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.scope import EWL_STEP_UM
from syntalos_miniscope.simulation import Spec
from syntalos_miniscope.simulation.pyramid import Pyramid
from syntalos_miniscope.simulation.renderer import Renderer
from syntalos_miniscope.streams import Control, ControlKind, TableRow


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A Spec of a small field in a file."""
    path = tmp_path_factory.mktemp("specs") / "small.json"
    path.write_text(small_spec().minisim_json())
    return path


def test_the_truth_on_the_ports_is_that_of_the_frame_of_its_time(small: Path):
    made = ran(script(small, wired={"frames-raw-out", *TRUTH}), 6)
    frames = {frame.time_us: frame for frame in sent(made)["frames-raw-out"]}
    renderer = Renderer(small_spec())
    motions, traces = (sent(made)[port] for port in TRUTH[:2])
    for motion, trace in zip(motions, traces, strict=True):
        assert motion.timestamps.tolist() == trace.timestamps.tolist()
        renderer.seek(frames[int(motion.timestamps[0])].index)
        truth = renderer.advance()
        assert motion.data[0] == pytest.approx(truth.shift_px, abs=1e-5)
        assert trace.data[0] == pytest.approx(truth.traces, rel=1e-6)
    acquisition = small_spec().acquisition
    for row in sent(made)["truth-cells-out"]:
        cell, z_um, y_um, x_um, *place_px = map(float, row.cells[:-1])
        assert (z_um, y_um, x_um) == pytest.approx(renderer.scene.centers_um[int(cell)], abs=0.006)
        expected = acquisition.um_to_index(y_um, x_um, acquisition.shape)
        assert place_px == pytest.approx(expected, abs=0.02)


def test_the_truth_of_the_last_frame_is_told_too(small: Path, monkeypatch: pytest.MonkeyPatch):
    made = script(small, wired={"frames-raw-out", *TRUTH})
    node: Any = made.node
    emit = made.emit

    def emit_and_end(port: str, item: Any) -> None:
        emit(port, item)
        if port == "frames-raw-out":
            node.on_data(made, "control-in", Control(ControlKind.STOP))

    monkeypatch.setattr(made, "emit", emit_and_end)
    made.prepare()
    made.start()
    node.run(made)
    made.stop()
    (frame,), (motion,) = sent(made)["frames-raw-out"], sent(made)["truth-motion-out"]
    assert motion.timestamps.tolist() == [frame.time_us]


def test_event_rows_add_up_to_the_spikes(small: Path):
    made = ran(script(small, wired={"frames-raw-out", "truth-events-out"}))
    frames, rows = sent(made)["frames-raw-out"], sent(made)["truth-events-out"]
    renderer = Renderer(small_spec())
    expected = 0
    for frame in frames[:-1]:
        renderer.seek(frame.index)
        expected += int(renderer.advance().spikes.sum())
    times = {str(frame.time_us) for frame in frames[:-1]}
    assert sum(int(row.cells[2]) for row in rows if row.cells[0] in times) == expected


def test_the_truth_is_stored_with_the_run(small: Path, tmp_path: Path):
    made = ran(script(small, record_to=tmp_path))
    (path,) = tmp_path.rglob("truth.zarr")
    assert path.parent.name == "truth" and (path.parent / "manifest.toml").is_file()
    root: Any = zarr.open_group(str(path), mode="r")
    truth, n = root["ground_truth"], len(sent(made)["frames-raw-out"])
    stored = truth["extras/frame_index"][:].astype(int)
    assert abs(len(stored) - n) <= 1 and (np.diff(stored) >= 1).all()
    renderer = Renderer(small_spec())
    renderer.seek(stored[-1])
    frame = renderer.advance()
    assert truth["C"][:, -1] == pytest.approx(frame.traces)
    assert truth["shifts"][-1] == pytest.approx(frame.shift_px)
    assert truth["extras/led_percent"][-1] == 50
    assert truth["extras/orientation"].shape == (len(stored), 4)
    assert "observed" not in root
    assert Spec.model_validate(json.loads((path / "spec.json").read_text())).seed == 3


def test_each_stored_entry_says_which_frame_it_is_of_and_how_it_was_made(
    small: Path, tmp_path: Path
):
    turned = {"led_percent": 80.0, "ewl": 12, "gain": "high", "frame_rate_hz": 30.0}
    made = ran(script(small, record_to=tmp_path, repeat_percent=50.0, **turned), 12)
    (path,) = tmp_path.rglob("truth.zarr")
    stored = open_minisim_zarr(path).truth().extras
    frames = sent(made)["frames-raw-out"][: len(stored["time_us"])]
    assert stored["time_us"].tolist() == [frame.time_us for frame in frames]
    assert stored["frame_index"].tolist() == [frame.index for frame in frames]
    repeated = stored["frame_index"] != stored["shown_index"]
    assert (stored["shown_index"] <= stored["frame_index"]).all() and repeated.any()
    for name, value in {**turned, "gain": 3.5}.items():
        assert (stored[name] == value).all()


def test_stored_truth_is_of_the_focus_and_the_cells_that_the_run_began_with(
    small: Path, tmp_path: Path
):
    made = script(small, record_to=tmp_path, ewl=40)
    made.prepare()
    made.start()
    told: list[bool] = []
    for port, item in made.stream(until_us=60_000_000):
        if isinstance(item, TableRow) and port == "truth-cells-out":
            told.append(item.cells[-1] == "yes")
        if port == "frames-raw-out":
            made.apply(made.node.settings.model_copy(update={"ewl": -90}))
            made.feed("control-in", Control(ControlKind.STOP))
    made.stop()
    renderer = Renderer(small_spec())
    spec_focus_um = renderer.scene.view.focal_um
    renderer.scene.focus(40 * EWL_STEP_UM, Pyramid(renderer.scene.canvas.shape))
    (path,) = tmp_path.rglob("truth.zarr")
    truth = open_minisim_zarr(path).truth()
    assert truth.focal_depth_um == spec_focus_um + 40 * EWL_STEP_UM
    assert (truth.observed_sigma_px == renderer.scene.view.sigma_px).all()
    assert (truth.detectable == renderer.scene.detectable()).all()
    assert told == truth.detectable.tolist() and any(told)


def test_no_file_of_the_truth_is_made_while_frames_come(small: Path, tmp_path: Path):
    """Making one takes as long as a frame, and the first frames would be late."""

    def arrays(made: Path) -> set[Path]:
        (folder,) = made.rglob("ground_truth")
        return {path.parent.relative_to(folder) for path in folder.rglob(".zarray")}

    only_prepared = script(small, record_to=tmp_path / "prepared")
    only_prepared.prepare()
    before = arrays(tmp_path / "prepared")
    only_prepared.stop()
    ran(script(small, record_to=tmp_path / "run"), frames=3)
    assert arrays(tmp_path / "run") == before
    assert {Path("C"), Path("extras", "orientation"), Path("extras", "ewl")} <= before
