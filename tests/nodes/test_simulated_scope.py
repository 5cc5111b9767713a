"""The simulated scope as a box on the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_brain import TRUTH, SimulatedScope, ran, script, sent, small_spec

from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.scope import SCOPE_OUTPUTS
from syntalos_miniscope.simulation.extras import Faults
from syntalos_miniscope.simulation.presets import studio_spec
from syntalos_miniscope.simulation.renderer import Renderer
from syntalos_miniscope.streams import Control, ControlKind, Frame


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A Spec of a small field in a file."""
    path = tmp_path_factory.mktemp("specs") / "small.json"
    path.write_text(small_spec().minisim_json())
    return path


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


def renderer_of(made: Script) -> Renderer:
    made.prepare()
    made.stop()
    node: Any = made.node
    return node._scope.renderer


def test_faults_are_asked_for_in_percent_and_microseconds(small: Path):
    asked: Any = {
        "drop_percent": 10.0,
        "repeat_percent": 20.0,
        "jitter_us": 5.0,
        "disconnect_at_s": 3.0,
    }
    extras = renderer_of(script(small, **asked)).spec.extras
    assert extras is not None
    assert extras.faults == Faults(
        drop_share=0.1, repeat_share=0.2, jitter_us=5.0, disconnect_at_s=3.0
    )
    sound = renderer_of(script(small)).spec.extras
    assert sound is not None and sound.faults == Faults()


def test_a_preset_is_that_of_the_studio_with_the_activity_and_the_seed_that_are_asked_for():
    asked = {"preset": "Generic 1p scope", "activity": "Quiet", "seed": 5}
    spec = renderer_of(Script(SimulatedScope(SimulatedScope.Settings(**asked)))).spec
    assert spec.model_copy(update={"extras": None}) == studio_spec(
        "Generic 1p scope", "Quiet", seed=5
    )


def test_a_paused_scope_sends_nothing_and_counts_what_it_held_back(small: Path):
    made = script(small, frame_rate_hz=60.0)
    made.prepare()
    made.start()
    node: Any = made.node
    node.on_data(made, "control-in", Control(ControlKind.PAUSE))
    exposure = node._capture.read(timeout_s=60)
    assert exposure is not None
    assert node._send(made, exposure) is None
    assert made.counters["paused"] == 1 and not sent(made)["frames-raw-out"]
    made.stop()


def test_without_a_sensor_white_is_the_intensity_that_is_set(tmp_path: Path):
    path = tmp_path / "dim.json"
    steps = [step for step in small_spec().steps if step.kind != "sensor"]
    path.write_text(small_spec().model_copy(update={"steps": steps}).minisim_json())
    means = [
        sent(ran(script(path, vmax=vmax), 1))["frames-raw-out"][0].mat.mean() for vmax in (1.0, 4.0)
    ]
    assert means[0] == pytest.approx(4 * means[1], rel=0.05)


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
