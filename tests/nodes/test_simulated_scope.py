"""The simulated scope as a box on the graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.scope import EWL_STEP_UM, SCOPE_OUTPUTS
from syntalos_miniscope.simulation import Acquisition, ImageSensor, Spec
from syntalos_miniscope.simulation.presets import studio_spec
from syntalos_miniscope.simulation.pyramid import Pyramid
from syntalos_miniscope.simulation.renderer import Renderer
from syntalos_miniscope.streams import Control, ControlKind, Frame, TableRow

SimulatedScope: Any = Catalog.shipped().node("simulated_scope")
TRUTH = ("truth-motion-out", "truth-traces-out", "truth-events-out", "truth-cells-out")


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A Spec of a small field in a file."""
    path = tmp_path_factory.mktemp("specs") / "small.json"
    path.write_text(small_spec().minisim_json())
    return path


def small_spec(**sensor) -> Spec:
    whole = studio_spec("Miniscope V4 - CA1", seed=3)
    chip = ImageSensor(n_px_height=100, n_px_width=120, pixel_pitch_um=4.8, **sensor)
    acquisition = whole.acquisition.model_copy(update={"image_sensor": chip})
    return whole.model_copy(update={"acquisition": Acquisition.model_validate(acquisition)})


def script(small: Path, *, record_to: Path | None = None, wired=None, **settings) -> Script:
    node = SimulatedScope(SimulatedScope.Settings(spec_file=str(small), **settings))
    return Script(node, record_to=record_to, wired=wired)


def sent(made: Script) -> dict[str, list[Any]]:
    return made.emitted


def ran(made: Script, frames: int = 12) -> Script:
    """A run of so many raw frames, however long this computer takes for them."""
    made.prepare()
    made.start()
    try:
        for port, item in made.stream(until_us=60_000_000):
            sent(made)[port].append(item)
            if port == "frames-raw-out" and len(sent(made)[port]) == frames:
                made.feed("control-in", Control(ControlKind.STOP))
    finally:
        made.stop()
    return made


def test_it_has_the_ports_of_a_miniscope_and_those_of_the_truth():
    assert SimulatedScope.outputs[:4] == SCOPE_OUTPUTS
    assert tuple(port.id for port in SimulatedScope.outputs[4:]) == TRUTH
    assert [port.id for port in SimulatedScope.inputs] == ["control-in"]


def test_every_stream_says_what_it_is(small: Path):
    made = script(small, frame_rate_hz=30.0)
    made.prepare()
    made.stop()
    about: dict[str, Any] = made.described
    for port in ("frames-raw-out", "frames-disp-out"):
        assert about[port] == {"framerate": 30.0, "size": (120, 100), "has_color": False}
    assert about["bno-raw-out"]["time_unit"] == "milliseconds"
    assert about["truth-motion-out"] == {
        "time_unit": "microseconds",
        "data_unit": "px",
        "signal_names": ["dy", "dx"],
    }
    units = len(Renderer(small_spec()).scene.units)
    assert len(about["truth-traces-out"]["signal_names"]) == units
    assert about["truth-cells-out"]["table_header"][:4] == ["Cell", "z [um]", "y [um]", "x [um]"]
    assert about["truth-events-out"]["table_header"][0] == "Time [us]"


def test_frames_are_those_of_the_batch_and_every_port_speaks(small: Path):
    made = ran(script(small))
    frames = sent(made)["frames-raw-out"]
    renderer = Renderer(small_spec())
    assert len(frames) >= 8
    for frame in frames:
        renderer.seek(frame.index)
        truth = renderer.advance()
        assert (frame.mat == truth.image).all()
    n = len(frames)
    for port in ("frames-disp-out", "bno-raw-out", "bno-tab-out", *TRUTH[:2]):
        assert abs(len(sent(made)[port]) - n) <= 1
    last = sent(made)["truth-motion-out"][-1]
    assert last.timestamps.dtype == np.int64
    assert len(sent(made)["truth-cells-out"]) == len(renderer.scene.units)
    quaternions = np.concatenate([block.data for block in sent(made)["bno-raw-out"]])
    assert np.linalg.norm(quaternions, axis=1) == pytest.approx(1, abs=1e-5)


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


def test_knobs_turn_while_it_runs(small: Path):
    made = script(small, frame_rate_hz=30.0)
    made.prepare()
    made.start()
    bright = dark = 0.0
    for port, item in made.stream(until_us=60_000_000):
        if port != "frames-raw-out" or not isinstance(item, Frame):
            continue
        dark = item.mat.mean()
        if not bright:
            bright = dark
            made.apply(made.node.settings.model_copy(update={"led_percent": 0.0}))
        elif dark < 0.1 * bright:
            break
    made.stop()
    assert dark < 0.1 * bright


def test_pause_leaves_a_gap_and_stop_ends_the_source(small: Path):
    made = script(small, frame_rate_hz=60.0)
    made.prepare()
    made.start()
    indices = []
    for port, item in made.stream(until_us=60_000_000):
        if port != "frames-raw-out" or not isinstance(item, Frame):
            continue
        indices.append(item.index)
        if len(indices) == 4:
            made.feed("control-in", Control(ControlKind.PAUSE))
            made.feed("control-in", Control(ControlKind.START))
        if len(indices) == 8:
            made.feed("control-in", Control(ControlKind.STOP))
    made.stop()
    assert 8 <= len(indices) < 1000


def test_faults_of_the_settings_happen_and_are_counted(small: Path):
    made = ran(script(small, frame_rate_hz=60.0, drop_percent=30.0), 60)
    indices = [frame.index for frame in sent(made)["frames-raw-out"]]
    assert np.max(np.diff(indices)) > 1
    assert made.counters["dropped"] > 3


def test_a_scope_that_is_unplugged_ends_the_run_with_a_sentence(small: Path, tmp_path: Path):
    made = script(small, disconnect_at_s=0.3, record_to=tmp_path)
    with pytest.raises(RuntimeError, match=r"unplugged after 0\.30 s"):
        ran(made)
    assert len(sent(made)["frames-raw-out"]) == 5 - made.counters["late"]
    assert list(tmp_path.rglob("truth.zarr"))


def test_the_presets_of_the_studio_are_the_settings_choices():
    for preset in ("Generic 1p scope", "Miniscope V4 - CA1", "Miniscope V4 - cortex L2/3"):
        for activity in ("Quiet", "Moderate", "Active"):
            SimulatedScope.Settings(preset=preset, activity=activity)
    with pytest.raises(ValueError, match=r"Miniscope V4 - CA1"):
        SimulatedScope.Settings(preset="V5")


def test_deep_frames_say_how_deep_they_are(tmp_path: Path):
    path = tmp_path / "deep.json"
    path.write_text(small_spec(bit_depth=12).minisim_json())
    made = ran(script(path), 2)
    # OpenCV's number for 16 bits.
    assert made.described["frames-raw-out"]["depth"] == 2
    assert made.described["frames-raw-out"]["full_scale"] == 4095
    assert sent(made)["frames-raw-out"][0].mat.dtype == np.uint16
    assert sent(made)["frames-disp-out"][0].mat.dtype == np.uint8


def test_two_scopes_of_one_seed_see_other_tissue(small: Path):
    first, second = (ran(script(small, scope_number=n), 2) for n in (0, 1))
    one, other = (sent(made)["frames-raw-out"][0].mat for made in (first, second))
    assert (one != other).any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"steps": [{"kind": "lens"}]}', "kind"),
        ('{"steps": [], "fsp": 3}', "fsp: there is no such field"),
        ("not json", "JSON"),
        ('{"steps": [{"kind": "place_neurons"}]}', "no step of the spec makes a picture"),
    ],
)
def test_a_bad_spec_file_refuses_the_run_in_one_line(tmp_path: Path, text: str, message: str):
    path = tmp_path / "bad.json"
    path.write_text(text)
    made = script(path)
    with pytest.raises(ValueError, match=message) as error:
        made.prepare()
    made.stop()
    assert "\n" not in str(error.value)


def test_a_missing_spec_file_is_named(tmp_path: Path):
    made = script(tmp_path / "nowhere.json")
    with pytest.raises(ValueError, match=r"nowhere\.json"):
        made.prepare()
    made.stop()


def test_what_is_turned_is_kept_with_the_run_as_a_real_scope_keeps_it(small: Path, tmp_path: Path):
    made = script(small, record_to=tmp_path)
    made.prepare()
    made.start()
    frames = 0
    for port, _ in made.stream(until_us=60_000_000):
        frames += port == "frames-raw-out"
        if frames == 4:
            made.apply(made.node.settings.model_copy(update={"led_percent": 20.0}))
            made.feed("control-in", Control(ControlKind.STOP))
    made.stop()
    (log,) = tmp_path.rglob("miniscope/ctlvalue-changes.csv")
    rows = [line.split(";") for line in log.read_text().splitlines()]
    assert rows[0] == ["Time", "ID", "Display Value", "Device Value", ""]
    turned = [(int(row[0]), row[2]) for row in rows if row[1] == "led_percent"]
    assert [value for _, value in turned] == ["50.0", "20.0"]
    assert turned[0][0] == 0 < turned[1][0]
