import errno
import os
import shutil
import tomllib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import picture

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.controls import ControlLog
from syntalos_miniscope.recording.edl import ExperimentDir, safe_name
from syntalos_miniscope.recording.edl_tree import open_unit
from syntalos_miniscope.recording.partial import write_whole
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.signals import SignalTable, SignalZarr
from syntalos_miniscope.recording.tables import TableWriter
from syntalos_miniscope.recording.tsync import read_tsync
from syntalos_miniscope.recording.tsync_writer import TimeFileWriter
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.streams import FloatSignalBlock, Frame

edlio = pytest.importorskip("edlio", reason="edlio needs Python 3.12")


def test_the_folder_of_a_run_is_subject_day_experiment(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze", started=datetime(2026, 2, 3, 4, 5))
    assert run.path == tmp_path / "m1" / "2026-02-03" / "maze"


def test_a_taken_name_gets_a_number_and_nothing_is_overwritten(tmp_path):
    runs = [ExperimentDir.create(tmp_path, "m1", "maze") for _ in range(3)]
    assert [run.path.name for run in runs] == ["maze", "maze_2", "maze_3"]
    sets = [runs[0].dataset("videos/scope") for _ in range(2)]
    assert [folder.path.name for folder in sets] == ["scope", "scope_2"]
    assert sets[0].path.parent == sets[1].path.parent
    files = [sets[0].data_file("a.mkv") for _ in range(2)]
    assert [file.name for file in files] == ["a.mkv", "a_2.mkv"]


@pytest.mark.parametrize("name", ["", "/", "//"])
def test_a_dataset_whose_name_has_no_letters_is_a_folder_all_the_same(tmp_path, name):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    assert run.dataset(name).path == run.path / "unnamed"


def test_edlio_reads_every_part_bit_equal(edl_run):
    path = edl_run(index=[0, 1, 3, 4], time_us=[40_000, 90_123, 190_456, 240_789])
    run = edlio.load(path)
    assert run.generator_id.startswith("syntalos-miniscope ")
    assert run.attributes["success"] is True
    assert run.attributes["subject_id"] == "mouse 1"
    video = run.group_by_name("videos").dataset_by_name("scope")
    assert video.collection_id == run.collection_id
    frames = list(video.read_data())
    assert [frame.index for frame in frames] == [0, 1, 3, 4]
    assert [frame.time.magnitude for frame in frames] == [40_000, 90_123, 190_456, 240_789]
    for frame in frames:
        np.testing.assert_array_equal(frame.mat[:, :, 0], picture(frame.index))
    rows = list(video.read_aux_data("csv"))
    assert rows[0] == ["Time [ms]", "qw", "qx", "qy", "qz"]
    assert rows[2][0] == "90.123"


def test_edlio_reads_parts_as_one_video(edl_run):
    run = edlio.load(edl_run(part_s=0.25))
    video = run.group_by_name("videos").dataset_by_name("scope")
    assert len(video.data.parts) == 4
    assert [frame.index for frame in video.read_data()] == list(range(20))


def test_edlio_reads_signals_in_both_forms(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    times, data = np.arange(3), np.ones((3, 2), np.float32)
    table = SignalTable(run.dataset("a").data_file("a.csv"), ["x", "y"], "microseconds")
    store = SignalZarr(run.dataset("b").data_file("b.zarr"), ["x", "y"], "microseconds", "au")
    for writer in (table, store):
        writer.add(FloatSignalBlock(times, data))
        writer.close()
    theirs = edlio.load(run.path)
    assert list(theirs.dataset_by_name("a").read_data())[1] == ["0", "1.0", "1.0"]
    (group,) = theirs.dataset_by_name("b").read_data()
    np.testing.assert_array_equal(group["data"][:], data)


def test_a_tree_is_readable_before_it_is_finished(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    table = TableWriter(run.dataset("events").data_file("events.csv"), ["Time [ms]", "what"])
    table.add(["1.000", "a; b"])
    theirs = edlio.load(run.path)
    assert theirs.attributes["success"] is False
    rows = list(theirs.dataset_by_name("events").read_data())
    table.close()
    assert rows == [["Time [ms]", "what"], ["1.000", "a; b"]]


def test_notes_are_kept_at_once_and_come_back(edl_run, tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    shutil.copytree(edl_run() / "videos", run.path / "videos")
    run.mark(1_234_567, "light on; door open")
    assert open_recording(run.path).marks == ((1_234_567, "light on; door open"),)
    run.finish(success=True, length_ms=2000)


def test_the_end_of_a_run_is_told(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    run.keep("project.toml", "a = 1\n")
    run.finish(success=True, length_ms=1500, modules=[{"id": "canvas", "name": "View"}])
    attributes = tomllib.loads((run.path / "attributes.toml").read_text())
    assert attributes["recording_length_msec"] == 1500.0
    assert attributes["modules"] == [{"id": "canvas", "name": "View"}]
    assert (run.path / "project.toml").read_text() == "a = 1\n"


@given(st.text(max_size=300))
def test_any_name_becomes_one_folder(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("names")
    run = ExperimentDir.create(folder, name, name)
    assert run.path.parent.parent.parent == folder
    assert open_unit(run.path).kind == "collection"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Мышь 7", "Мышь 7"),
        ("a/b\\c:d", "a_b_c_d"),
        ("../..", "_"),
        (" . ", "unnamed"),
        ("con", "con_"),
        ("tab\there", "tab_here"),
        ("CON.mkv", "CON.mkv_"),
        ("e\u0301", "é"),
    ],
)
def test_odd_names_are_made_safe(name, safe):
    assert safe_name(name) == safe


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"cannot record in .*file: .*choose an export folder"):
        ExperimentDir.create(tmp_path / "file", "m1", "maze")


def test_a_read_only_disk_is_one_line(tmp_path, monkeypatch):
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(RecordingError, match=r"cannot record in .*: Read-only file system; choose"):
        ExperimentDir.create(tmp_path, "m1", "maze")


def test_a_small_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(os, "fsync", lambda file: kept.append((tmp_path / "a.json").exists()))
    write_whole(tmp_path / "a.json", b"{}")
    assert kept == [False]
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_frame_without_a_time_after_a_roll_has_the_next_number(edl_run):
    numbers = list(range(5, 25))
    run = edl_run(index=numbers, time_us=[100_000 * i for i in range(20)], part_s=1)
    times = sorted(run.rglob("scope_2_timestamps.tsync"))[0]
    video = sorted(run.rglob("scope_2.mkv"))[0]
    video.unlink()
    writer = VideoWriter(video, 20.0, picture(0))
    writer.add(picture(10), 1_000_000)
    writer.close()
    entries = read_tsync(times).entries
    times.unlink()
    with TimeFileWriter(times, module="r", collection_id="", created_s=0):
        assert entries[0].tolist() == [15, 1_000_000]
    recording = open_recording(run)
    assert recording.index.tolist() == numbers[:11]
    assert recording.time_us[-1] == 1_000_000
    assert any("lacks the last 1 of 1 frames" in text for text in recording.damage)


def test_what_was_turned_comes_back_with_its_times(edl_run, tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "turned")
    video = VideoDataset(run.dataset("videos/scope"), "scope", 20.0)
    video.add(Frame(0, 0, picture(0)))
    video.close()
    log = ControlLog(run.dataset("miniscope"))
    log.changed(1_234_567, "led0", "50", 127)
    log.close()
    assert open_recording(run.path).controls == ((1_234_000, "led0", "50", "127"),)


def test_a_disk_that_fills_up_is_named_and_the_old_manifest_stays(tmp_path, monkeypatch):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    dataset = run.dataset("events")

    def full(self, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RecordingError, match=r"cannot write .*manifest\.toml: No space left"):
        dataset.data_file("a.csv")
    monkeypatch.undo()
    assert open_unit(dataset.path).data() == []


def test_the_real_recording_is_a_tree_with_one_video(shared_data):
    units = list(open_unit(shared_data / "edl-blink1").units())
    assert [unit.path.name for unit in units if unit.is_video()] == ["miniscope"]
    assert {table.name for unit in units for table in unit.tables()} == {
        "table.csv",
        "ctlvalue-changes.csv",
    }


def test_the_real_recording_gives_all_frames_with_the_times_of_its_time_file(shared_data):
    recording = open_recording(shared_data / "edl-blink1")
    theirs = edlio.load(shared_data / "edl-blink1").group_by_name("videos")
    times = next(iter(theirs.dataset_by_name("miniscope").read_aux_data("tsync"))).times
    np.testing.assert_array_equal(recording.index, times[: len(recording), 0])
    np.testing.assert_array_equal(recording.time_us, times[: len(recording), 1] * 1000)
    assert recording.source.size == (608, 608)
    assert 19.5 < recording.frame_rate_hz < 20
    assert sum(1 for _ in recording.frames(1200)) == len(recording) - 1200
