import numpy as np
import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.streams import FloatSignalBlock, Frame

Recorder = Catalog.shipped().node("video_recorder")
FRAMES = {"framerate": 20.0, "size": (48, 32), "has_color": False}
ORIENTATION = {"time_unit": "milliseconds"}


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (32, 48), np.uint8)


def record(tmp_path, **settings) -> Script:
    script = Script(
        Recorder(Recorder.Settings(**settings)),
        inputs={"frames-in": FRAMES, "orientation-in": ORIENTATION},
        record_to=tmp_path,
    )
    script.prepare()
    script.start()
    return script


def run_folder(tmp_path):
    (path,) = tmp_path.glob("*/*/*/manifest.toml")
    return path.parent


def test_frames_index_times_and_orientation_come_back_bit_equal(tmp_path):
    script = record(tmp_path, name="scope")
    for number in (0, 1, 4, 5):
        script.feed("frames-in", Frame(number, 1_234 + 50_001 * number, noise(number)))
        block = FloatSignalBlock(
            np.array([50 * number], np.int64), np.array([[0.5, -0.5, 0.5, 0.5]], np.float32)
        )
        script.feed("orientation-in", block)
    script.stop()
    recording = open_recording(run_folder(tmp_path))
    assert recording.name == "scope"
    assert recording.remarks == ()
    assert [frame.index for frame in recording.frames()] == [0, 1, 4, 5]
    assert recording.time_us.tolist() == [1_234 + 50_001 * n for n in (0, 1, 4, 5)]
    for frame in recording.frames():
        np.testing.assert_array_equal(frame.mat, noise(frame.index))
    assert recording.orientation is not None
    assert recording.orientation.time_us.tolist() == [0, 50_000, 200_000, 250_000]
    assert recording.orientation.quaternion[0].tolist() == [0.5, -0.5, 0.5, 0.5]
    assert script.counters["frames"] == 4


def test_a_run_without_a_folder_records_nothing():
    script = Script(Recorder(Recorder.Settings()))
    script.prepare()
    script.start()
    script.feed("frames-in", Frame(0, 0, noise(0)))
    script.stop()
    assert script.notes == []


def test_two_recorders_of_one_name_keep_apart(tmp_path):
    script = record(tmp_path)
    first = script.dataset("videos/frames")
    assert first is not None
    assert first.path.name == "frames_2"
    script.stop()


@pytest.mark.parametrize("dtype", [np.uint16, np.uint8])
def test_deep_and_coloured_frames_are_kept(tmp_path, dtype):
    script = record(tmp_path)
    shape = (32, 48, 3) if dtype == np.uint8 else (32, 48)
    mat = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    script.feed("frames-in", Frame(0, 0, mat))
    script.stop()
    ((frame),) = open_recording(run_folder(tmp_path)).frames()
    np.testing.assert_array_equal(frame.mat, mat)
