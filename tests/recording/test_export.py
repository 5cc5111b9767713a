import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas
import pytest
import zarr
from pictures import picture

from syntalos_miniscope.recording import RecordingError, export_layouts
from syntalos_miniscope.recording import export as export_module
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.export import export_recording, partial_of
from syntalos_miniscope.recording.info import inspect
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.quaternion_table import TableColumns, euler_deg
from syntalos_miniscope.recording.recorded import Recording
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.recording.zarr_arrays import store_array
from syntalos_miniscope.streams import Frame


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Parts of four frames, so that there are several."""
    monkeypatch.setattr("syntalos_miniscope.recording.daq_folder.FRAMES_PER_FILE", 4)
    monkeypatch.setattr(export_layouts, "FRAMES_PER_FILE", 4)
    monkeypatch.setattr(export_layouts, "PART_FRAMES", 4)
    monkeypatch.setattr(export_layouts, "CHUNK_FRAMES", 4)


@pytest.fixture
def source(edl_run) -> Path:
    """Ten frames, two of them lost, with a note."""
    index = [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]
    run = edl_run(index=index, time_us=[1_234 + 50_001 * i for i in index])
    report = {"marks": ["101.500 ms: light, then dark"]}
    (run / "report.json").write_text(json.dumps(report))
    return run


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


def same_frames(one: Recording, other: Recording) -> None:
    assert len(one) == len(other)
    for a, b in zip(one.frames(), other.frames(), strict=True):
        assert (a.index, a.time_us) == (b.index, b.time_us)
        np.testing.assert_array_equal(a.mat, b.mat)


@pytest.mark.parametrize("target", ["edl", "daq", "zarr"])
def test_what_is_exported_comes_back_bit_equal_and_the_source_is_untouched(
    tmp_path, source, target
):
    before = fingerprint(source)
    done = []
    export_recording(source, target, tmp_path / "out", progress=lambda i, n: done.append((i, n)))
    assert fingerprint(source) == before
    assert done[-1] == (10, 10)
    there = tmp_path / "out"
    if target == "daq":
        there = next(there.glob("*/*/*/*/*/metaData.json")).parent
    back, was = open_recording(there), open_recording(source)
    same_frames(was, back)
    assert back.findings == ()
    assert back.drops == 2
    assert back.orientation is not None
    assert was.orientation is not None
    np.testing.assert_allclose(back.orientation.quaternion, was.orientation.quaternion, atol=1e-6)
    late_us = was.orientation.time_us - back.orientation.time_us
    assert (late_us >= 0).all()
    assert (late_us < (1000 if target == "daq" else 1)).all()
    if target != "zarr":
        assert back.marks == (((101_000 if target == "daq" else 101_500), "light, then dark"),)


@pytest.mark.parametrize("target", ["edl", "daq", "zarr"])
@pytest.mark.parametrize("stop_at", [1, 5, 9])
def test_an_export_that_was_stopped_goes_on(tmp_path, source, target, stop_at):
    def stop(done: int, total: int) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export_recording(source, target, out, progress=stop)
    assert not out.exists()
    assert partial_of(out).exists()
    begun = []
    export_recording(source, target, out, progress=lambda done, total: begun.append(done))
    assert begun[0] == stop_at // 4 * 4 if target != "zarr" else begun[0] <= stop_at
    there = next(out.glob("*/*/*/*/*/metaData.json")).parent if target == "daq" else out
    same_frames(open_recording(source), open_recording(there))
    assert open_recording(there).findings == ()
    assert not partial_of(out).exists()
    assert not list(out.rglob(".kept"))


@pytest.mark.parametrize("target", ["edl", "daq", "zarr", "csv"])
def test_daq_folders_and_plain_videos_are_exported_too(tmp_path, daq_session, target):
    session = daq_session([0, 50, 101, 149, 200, 251])
    for source, name in ((session, "session"), (session / "Miniscope" / "0.avi", "video")):
        out = tmp_path / name
        export_recording(source, target, out)
        if target == "csv":
            assert (out / "orientation.csv").exists() == (name == "session")
            continue
        back = open_recording(next(out.glob("*/*/*/*/*/")) if target == "daq" else out)
        same_frames(open_recording(source), back)
        assert (back.orientation is not None) == (name == "session")
        if name == "session" and target == "edl":
            assert back.started == open_recording(source).started
            assert back.marks == ((1_500_000, "light, then dark"),)


@pytest.mark.parametrize("target", ["edl", "daq", "zarr", "csv"])
def test_names_of_all_scripts_go_all_the_way(tmp_path, target):
    run = ExperimentDir.create(tmp_path / "Übung – 実験", "Мышь 7", "🐭 & «maze»")
    video = VideoDataset(run.dataset("videos/σκόπιο"), "σκόπιο", 20.0)
    for number in range(6):
        video.add(Frame(number, 50_000 * number, picture(number)))
        video.add_orientation(50_000 * number, (1.0, 0.0, 0.0, 0.0))
    video.close()
    run.mark(1000, "свет")
    run.finish(success=True, length_ms=300)
    out = tmp_path / "Übung – 実験" / "выход"
    export_recording(run.path, target, out)
    if target != "csv":
        back = open_recording(next(out.glob("*/*/*/*/*/")) if target == "daq" else out)
        same_frames(open_recording(run.path), back)


def test_the_daq_folder_is_that_of_the_official_software(tmp_path, source):
    export_recording(source, "daq", tmp_path / "out")
    (device,) = (tmp_path / "out").glob("*/*/*/*/*/Miniscope")
    session = device.parent
    assert sorted(path.name for path in device.iterdir()) == [
        "0.avi",
        "1.avi",
        "2.avi",
        "frames.tsync",
        "headOrientation.csv",
        "metaData.json",
        "notes.csv",
        "timeStamps.csv",
    ]
    rows = cells(device / "timeStamps.csv")
    assert rows[0] == ["Frame Number", "Time Stamp (ms)", "Buffer Index", "DAQ Frame Number"]
    assert rows[1] == ["0", "1", "0", "1"]
    assert rows[3] == ["2", "201", "0", "5"]
    assert len(rows) == 11
    turned = cells(device / "headOrientation.csv")
    assert turned[0] == ["Time Stamp (ms)", "qw", "qx", "qy", "qz"]
    assert len(turned) == 11
    assert (session / "notes.csv").read_text() == ("Time Stamp (ms), Note\n101,light, then dark\n")
    about = json.loads((device / "metaData.json").read_text())
    assert about["deviceName"] == device.name
    assert about["framesPerFile"] == 4
    assert about["frameRate"] == "20FPS"
    assert about["ROI"] == {"height": 32, "leftEdge": 0, "topEdge": 0, "width": 48}
    start = json.loads((session / "metaData.json").read_text())["recordingStartTime"]
    assert set(start) == {
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "msec",
        "msecSinceEpoch",
    }
    config = json.loads((tmp_path / "out" / "userConfig.json").read_text())
    names = [config[key] for key in config["directoryStructure"] if key in config]
    assert session.relative_to(tmp_path / "out").parts[:3] == tuple(names)
    assert config["directoryStructure"][3:] == ["date", "time"]
    assert list(config["devices"]["miniscopes"]) == ["Miniscope"]
    changed = [(device / f"{n}.avi").stat().st_mtime_ns for n in range(3)]
    # Each is as old as its last frame.
    assert np.diff(changed) / 1e9 == pytest.approx([4 * 0.050001, 2 * 0.050001], abs=1e-5)


def test_the_quaternion_table_opens_without_options(tmp_path, source):
    export_recording(source, "csv", tmp_path / "q.csv")
    lines = (tmp_path / "q.csv").read_text().splitlines()
    assert lines[0] == "Time [ms],qw,qx,qy,qz"
    assert lines[2] == "51.235,0.999950,0.000000,0.010000,0.000000"
    table = pandas.read_csv(tmp_path / "q.csv")
    assert len(table) == 10
    assert table["Time [ms]"].dtype == np.float64


def test_angles_frames_and_validity_come_on_request(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    video = VideoDataset(run.dataset("videos/scope"), "scope", 20.0)
    for number in range(4):
        video.add(Frame(number, 50_000 * number, picture(number)))
    video.add_orientation(0, (1.0, 0.0, 0.0, 0.0))
    video.add_orientation(100_000, (0.1, 0.0, 0.0, 0.0))
    video.add_orientation(150_000, (0.0, 1.0, 0.0, 0.0))
    video.close()
    columns = TableColumns(euler=True, join_frames=True, validity=True)
    export_recording(run.path, "csv", tmp_path / "q.csv", columns=columns)
    assert (tmp_path / "q.csv").read_text().splitlines() == [
        "Time [ms],qw,qx,qy,qz,Roll [deg],Pitch [deg],Yaw [deg],Frame,Valid",
        "0.000,1.000000,0.000000,0.000000,0.000000,0.0000,0.0000,0.0000,0,1",
        "50.000,,,,,,,,1,0",
        "100.000,0.100000,0.000000,0.000000,0.000000,0.0000,0.0000,0.0000,2,0",
        "150.000,0.000000,1.000000,0.000000,0.000000,180.0000,0.0000,0.0000,3,1",
    ]


def test_euler_angles_are_rotations_about_x_y_and_z():
    half = np.radians(15)
    quaternions = np.sin(half) * np.eye(4)[1:]
    quaternions[:, 0] = np.cos(half)
    np.testing.assert_allclose(euler_deg(quaternions), np.eye(3) * 30, atol=1e-9)


def test_a_folder_of_tables_holds_times_and_notes(tmp_path, source):
    export_recording(source, "csv", tmp_path / "tables")
    frames = pandas.read_csv(tmp_path / "tables" / "frames.csv")
    assert frames["Frame"].tolist() == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]
    assert frames["Time [ms]"].tolist()[1] == 51.235
    notes = pandas.read_csv(tmp_path / "tables" / "notes.csv")
    assert notes["Note"].tolist() == ["light, then dark"]


def test_nothing_is_overwritten_and_the_source_is_no_place(tmp_path, source):
    (tmp_path / "there").mkdir()
    with pytest.raises(RecordingError, match="exists, and nothing is overwritten"):
        export_recording(source, "edl", tmp_path / "there")
    with pytest.raises(RecordingError, match="lies in the recording"):
        export_recording(source, "edl", source / "videos" / "new")


def test_what_another_export_left_is_not_taken_up(tmp_path, source):
    partial_of(tmp_path / "out").mkdir()
    (partial_of(tmp_path / "out") / "precious").write_text("")
    with pytest.raises(RecordingError, match="is left from another export"):
        export_recording(source, "edl", tmp_path / "out")
    assert (partial_of(tmp_path / "out") / "precious").exists()


def test_a_recording_without_orientation_has_no_table_of_it(tmp_path, source):
    os.remove(source / "videos" / "scope" / "scope_orientation.csv")
    manifest = source / "videos" / "scope" / "manifest.toml"
    text = manifest.read_text()
    manifest.write_text(text[: text.rindex("[[data_aux]]")])
    with pytest.raises(RecordingError, match="holds no orientation"):
        export_recording(source, "csv", tmp_path / "q.csv")


def test_a_full_disk_is_one_line_and_the_rest_can_go_on(tmp_path, source, small_disk, monkeypatch):
    with small_disk(9_000):
        with pytest.raises(RecordingError, match=r"cannot write .*: File too large"):
            export_recording(source, "edl", tmp_path / "out")
    assert partial_of(tmp_path / "out").is_dir()


def test_zarr_is_what_plain_zarr_reads(tmp_path, source):
    export_recording(source, "zarr", tmp_path / "out.zarr")
    group: Any = zarr.open_group(str(tmp_path / "out.zarr"), mode="r")
    assert group["observed"].shape == (10, 32, 48)
    assert group["observed"].dtype == np.uint8
    np.testing.assert_array_equal(group["observed"][2], picture(4))
    assert group["frame_times/index"][:].tolist() == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]


def test_a_truth_goes_along_with_the_entries_of_the_recorded_frames(tmp_path, source):
    store = source / "truth" / "truth.zarr"
    group: Any = zarr.open_group(str(store), mode="w", zarr_format=2)
    group.attrs["format_version"] = 2
    (store / "spec.json").write_text('{"acquisition": {"fps": 20.0}}')
    truth = group.create_group("ground_truth")
    store_array(truth, "C", np.arange(36.0).reshape(3, 12))
    store_array(truth, "shifts", np.arange(24.0).reshape(12, 2))
    store_array(truth, "centers_um", np.zeros((3, 3)))
    store_array(truth.create_group("extras"), "frame_index", np.arange(12.0))
    (source / "truth" / "manifest.toml").write_text(
        'format_version = "1"\ntype = "dataset"\n[data]\nfile_type = "zarr"\n'
        '[[data.parts]]\nfname = "truth.zarr"\n'
    )
    export_recording(source, "zarr", tmp_path / "out.zarr")
    back: Any = zarr.open_group(str(tmp_path / "out.zarr"), mode="r")
    kept = [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]
    assert back["ground_truth/C"][1].tolist() == [12.0 + i for i in kept]
    assert back["ground_truth/shifts"][:, 0].tolist() == [2.0 * i for i in kept]
    assert back["observed"].dtype == np.float32
    same_frames(open_recording(source), open_recording(tmp_path / "out.zarr"))


def test_opencv_reads_the_avis_bit_equal(tmp_path, source):
    """As roiextractors and CaImAn do."""
    export_recording(source, "daq", tmp_path / "out")
    (video,) = (tmp_path / "out").glob("*/*/*/*/*/Miniscope/1.avi")
    capture = cv2.VideoCapture(str(video))
    read, mat = capture.read()
    capture.release()
    assert read
    np.testing.assert_array_equal(mat[:, :, 0], picture(6))


def test_info_counts_what_is_there_and_what_is_missing(source):
    info = inspect(source)
    assert (info.frames, info.frames_decoded, info.dropped) == (10, 10, 2)
    assert info.gaps == [(0.050001, 2)]
    assert info.frame_rate_hz == pytest.approx(1e6 / 50_001, abs=1e-4)
    assert info.size == (48, 32)
    assert info.orientation is not None
    assert (info.orientation.samples, info.orientation.frames_without) == (10, 0)
    assert info.damage == []
    json.dumps(info.to_json())


def test_info_sees_repeated_frames_and_damage(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    video = VideoDataset(run.dataset("videos/scope"), "scope", 20.0)
    for number in range(8):
        video.add(Frame(number, 50_000 * number, picture(number // 2)))
    video.close()
    assert inspect(run.path).repeated == 4
    path = run.path / "videos" / "scope" / "scope.mkv"
    path.write_bytes(path.read_bytes()[:-4000])
    info = inspect(run.path)
    assert info.frames < 8
    assert any("was cut" in text for text in info.damage)
    assert any(f"8 times for {info.frames} frames" in text for text in info.damage)


def test_targets_are_those_of_the_command_line():
    assert export_module.TARGETS == ("daq", "edl", "zarr", "nwb", "csv")


def test_opencv_chains_the_avis_in_order_of_name_and_of_change(tmp_path, edl_run):
    """As CaImAn chains those it is given, and as ACE-NeuroTools finds them: the oldest first."""
    export_recording(edl_run(index=list(range(44))), "daq", tmp_path / "out")
    (device,) = (tmp_path / "out").glob("*/*/*/*/*/Miniscope")
    named = sorted(device.glob("*.avi"), key=lambda path: int(path.stem))
    assert sorted(device.glob("*.avi"), key=lambda path: path.stat().st_mtime_ns) == named
    frames: list[np.ndarray] = []
    for video in named:
        capture = cv2.VideoCapture(str(video))
        while (read := capture.read())[0]:
            frames.append(read[1][:, :, 0])
        capture.release()
    np.testing.assert_array_equal(np.stack(frames), np.stack([picture(i) for i in range(44)]))


def test_ace_finds_rate_times_and_notes_in_the_device_folder(tmp_path, source):
    """As its manager for this layout reads them: one file of each, times from two columns."""
    export_recording(source, "daq", tmp_path / "out")
    (device,) = (tmp_path / "out").glob("*/*/*/*/*/Miniscope")
    (about,) = device.rglob("metaData*.json")
    rate = json.loads(about.read_text())["frameRate"]
    assert float(rate.removesuffix("FPS")) == 20.0
    (times,) = device.rglob("timeStamps*.csv")
    assert pandas.read_csv(times).iloc[:, :2].values.tolist()[:3] == [[0, 1], [1, 51], [2, 201]]
    (notes,) = device.rglob("notes*.csv")
    assert [int(line.split(",")[0]) for line in notes.read_text().splitlines()[1:]] == [101]


@pytest.mark.parametrize(
    "damage",
    [b"\xff\xfe\xcd", *(pytest.param(d, marks=pytest.mark.slow) for d in (b"", b"{", b"[" * 5000))],
    ids=["noise", "empty", "begun", "deep"],
)
def test_damage_in_a_zarr_is_one_line_or_said_or_does_not_matter(tmp_path, source, damage):
    export_recording(source, "zarr", tmp_path / "out.zarr")
    whole = inspect(tmp_path / "out.zarr").to_json()
    for file in sorted((tmp_path / "out.zarr").rglob("*")):
        if not file.is_file() or file.parent.name == "extras":
            continue
        before = file.read_bytes()
        file.write_bytes(damage)
        try:
            found = inspect(tmp_path / "out.zarr")
            unseen = file.name in (".zattrs", "spec.json", ".zgroup")
            assert unseen or found.damage or found.to_json() == whole, file
        except RecordingError as error:
            assert "\n" not in str(error)
        file.write_bytes(before)
