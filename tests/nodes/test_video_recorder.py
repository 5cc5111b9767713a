import json
from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.recording import RecordingError, disk
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.streams import Control, ControlKind, FloatSignalBlock, Frame

Recorder: Any = Catalog.shipped().node("video_recorder")
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
    assert recording.findings == ()
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
    mat: Any = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    script.feed("frames-in", Frame(0, 0, mat))
    script.stop()
    ((frame),) = open_recording(run_folder(tmp_path)).frames()
    np.testing.assert_array_equal(frame.mat, mat)


def sample(time_ms: int) -> FloatSignalBlock:
    return FloatSignalBlock(np.array([time_ms], np.int64), np.array([[1, 0, 0, 0]], np.float32))


def test_the_white_of_a_deep_sensor_is_remembered(tmp_path):
    script = Script(
        Recorder(Recorder.Settings()),
        inputs={"frames-in": {**FRAMES, "full_scale": 1023}},
        record_to=tmp_path,
    )
    script.prepare()
    script.start()
    script.feed("frames-in", Frame(0, 0, np.full((32, 48), 1023, np.uint16)))
    script.stop()
    player: Any = Catalog.shipped().node("recording_player")
    back = Script(player(player.Settings(path=str(run_folder(tmp_path)))), paced=False)
    back.prepare()
    back.start()
    back.run()
    assert back.described["frames-raw-out"]["full_scale"] == 1023
    (shown,) = back.emitted["frames-disp-out"]
    assert isinstance(shown, Frame)
    assert shown.mat.min() == 255


def test_a_trigger_keeps_frames_and_orientation_from_before_and_no_drop_is_made_up(tmp_path):
    script = record(tmp_path, wait_for_start=True, before_s=0.1, duration_s=0.1)
    for number in range(20):
        if number in (5, 15):
            script.feed("control-in", Control(ControlKind.START))
        script.feed("orientation-in", sample(50 * number))
        script.feed("frames-in", Frame(number, 50_000 * number, noise(number)))
    script.stop()
    recording = open_recording(run_folder(tmp_path))
    assert recording.index.tolist() == [3, 4, 5, 6, 13, 14, 15, 16]
    assert recording.drops == 0
    assert recording.orientation is not None
    assert (recording.orientation.time_us // 50_000).tolist() == recording.index.tolist()


def test_a_timetable_is_in_seconds(tmp_path):
    script = record(tmp_path, begin_s=0.5, duration_s=0.1, every_s=1.0)
    for number in range(40):
        script.feed("frames-in", Frame(number, 50_000 * number, noise(number)))
    script.stop()
    assert open_recording(run_folder(tmp_path)).index.tolist() == [10, 11, 30, 31]


def test_rolling_loses_no_frame(tmp_path):
    script = record(tmp_path, part_mb=0.005)
    for number in range(30):
        script.feed("frames-in", Frame(number, 50_000 * number, noise(number)))
    script.stop()
    folder = run_folder(tmp_path) / "videos" / "frames"
    assert len(list(folder.glob("*.mkv"))) == len(list(folder.glob("*.tsync"))) > 3
    recording = open_recording(folder)
    for frame in recording.frames():
        np.testing.assert_array_equal(frame.mat, noise(frame.index))
    assert len(recording) == 30


def test_the_daq_layout_is_written_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr("syntalos_miniscope.recording.daq_folder.FRAMES_PER_FILE", 4)
    script = record(tmp_path, layout="daq", name="My Scope")
    for number in (0, 1, 4, 5, 6):
        script.feed("frames-in", Frame(number, 1_234 + 50_001 * number, noise(number)))
        script.feed("orientation-in", sample((1_234 + 50_001 * number) // 1000))
    script.stop()
    session = run_folder(tmp_path) / "daq"
    device = session / "My Scope"
    assert sorted(path.name for path in device.glob("*.avi")) == ["0.avi", "1.avi"]
    assert (device / "timeStamps.csv").read_text().splitlines()[:4] == [
        "Frame Number,Time Stamp (ms),Buffer Index,DAQ Frame Number",
        "0,1,0,1",
        "1,51,0,2",
        "2,201,0,5",
    ]
    assert len((device / "headOrientation.csv").read_text().splitlines()) == 6
    recording = open_recording(session)
    assert recording.index.tolist() == [0, 1, 4, 5, 6]
    assert recording.time_us.tolist() == [1_234 + 50_001 * n for n in (0, 1, 4, 5, 6)]


def test_a_pause_is_no_drop_in_a_daq_folder_either(tmp_path):
    script = record(tmp_path, layout="daq")
    commands = {
        3: ControlKind.PAUSE,
        6: ControlKind.START,
        8: ControlKind.PAUSE,
        9: ControlKind.START,
    }
    for number in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]:
        if number in commands:
            script.feed("control-in", Control(commands[number]))
        script.feed("frames-in", Frame(number, 50_000 * number, noise(number)))
    script.stop()
    recording = open_recording(run_folder(tmp_path) / "daq")
    assert recording.index.tolist() == [0, 1, 2, 3, 4, 5, 7]
    assert (recording.time_us // 50_000).tolist() == [0, 1, 2, 6, 7, 9, 11]
    assert recording.drops == 1


def test_scope_and_camera_share_one_daq_session(tmp_path):
    script = record(tmp_path, layout="daq", name="Scope")
    camera = Recorder(Recorder.Settings(layout="daq", name="BehavCam_0", daq_kind="cameras"))
    camera.prepare(script)
    camera.start(script)
    for node in (script.node, camera):
        node.on_data(script, "frames-in", Frame(0, 0, noise(0)))
    camera.stop(script)
    script.stop()
    session = run_folder(tmp_path) / "daq"
    about = json.loads((session / "metaData.json").read_text())
    assert (about["miniscopes"], about["cameras"]) == (["Scope"], ["BehavCam_0"])
    devices = json.loads((session / "userConfig.json").read_text())["devices"]
    assert (list(devices["miniscopes"]), list(devices["cameras"])) == (["Scope"], ["BehavCam_0"])
    assert open_recording(session).name == "Scope"


def test_a_disk_nearly_full_warns_once_and_then_ends_in_order(tmp_path, monkeypatch):
    free = iter([10e9, 1.5e9, 1.4e9, 50e6])
    monkeypatch.setattr(disk, "free_bytes", lambda _: next(free))
    script = record(tmp_path)
    for number in range(1, 3):
        script.feed("frames-in", Frame(number, 1_000_000 * number, noise(number)))
    assert len(script.notes) == 1
    assert "has only 1500 MB left" in script.notes[0]
    with pytest.raises(RecordingError, match="has only 50 MB left: recording ends here"):
        script.feed("frames-in", Frame(9, 9_000_000, noise(9)))
    script.stop()
    assert len(list(open_recording(run_folder(tmp_path)).frames())) == 2


def test_a_disk_that_is_full_in_the_middle_of_a_frame_keeps_the_frames_before(tmp_path, small_disk):
    script = record(tmp_path)
    fed = 0
    with small_disk(20_000):
        with pytest.raises(RecordingError, match=r"cannot write .*frames\.mkv: File too large"):
            for number in range(100):
                script.feed("frames-in", Frame(number, 50_000 * number, noise(number)))
                fed = number + 1
        with pytest.raises(RecordingError, match=r"cannot write .*frames\.mkv"):
            script.stop()
    recording = open_recording(run_folder(tmp_path))
    kept = list(recording.frames())
    assert len(kept) >= fed - 1 > 3
    for frame in kept:
        np.testing.assert_array_equal(frame.mat, noise(frame.index))
    assert recording.damage


def test_an_unknown_unit_of_time_is_one_line():
    inputs = {"orientation-in": {"time_unit": "fortnights"}}
    script = Script(Recorder(Recorder.Settings()), inputs=inputs)
    with pytest.raises(RecordingError, match=r"times in fortnights; give microseconds"):
        script.prepare()
    script.stop()


def test_another_signal_than_orientation_is_one_line(tmp_path):
    script = record(tmp_path)
    with pytest.raises(RecordingError, match="takes qw, qx, qy, qz, not 3 channels"):
        block = FloatSignalBlock(np.zeros(1, np.int64), np.zeros((1, 3), np.float32))
        script.feed("orientation-in", block)
    script.stop()


def test_a_disk_without_room_is_refused_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "free_bytes", lambda _: 5e6)
    with pytest.raises(RecordingError, match=r"in .* only 5 MB left; .* another export folder"):
        record(tmp_path)


def test_orientation_without_frames_fills_no_memory_and_is_told(tmp_path):
    script = record(tmp_path)
    for number in range(300):
        times = np.arange(100 * number, 100 * number + 100)
        block = FloatSignalBlock(times, np.array(100 * [(1, 0, 0, 0)], np.float32))
        script.feed("orientation-in", block)
    node: Any = script.node
    assert len(node._samples) <= 12_000
    script.stop()
    assert script.notes == ["Orientation came, but no frame to record it with; nothing was kept."]


def test_orientation_goes_on_when_frames_no_longer_come(tmp_path):
    script = record(tmp_path)
    script.feed("frames-in", Frame(0, 0, noise(0)))
    times = np.arange(30_000)
    for part in np.split(times, 30):
        block = FloatSignalBlock(part, np.array(len(part) * [(1, 0, 0, 0)], np.float32))
        script.feed("orientation-in", block)
    script.stop()
    orientation = open_recording(run_folder(tmp_path)).orientation
    assert orientation is not None
    assert (orientation.time_us == 1000 * times).all()


def test_the_notes_of_a_run_are_where_readers_of_a_daq_folder_look(tmp_path):
    script = record(tmp_path, layout="daq")
    script.feed("frames-in", Frame(0, 0, noise(0)))
    assert script._experiment is not None
    script._experiment.mark(1_500_400, "light, then dark")
    script.stop()
    session = run_folder(tmp_path) / "daq"
    for folder in (session, session / "frames"):
        assert (folder / "notes.csv").read_text() == (
            "Time Stamp (ms), Note\n1500,light, then dark\n"
        )
    assert open_recording(session).marks == ((1_500_000, "light, then dark"),)
