"""Exports as tables: orientation, frame times and notes."""

import os

import numpy as np
import pandas
import pytest
from pictures import picture

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.export import export_recording
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.quaternion_table import (
    TableColumns,
    euler_deg,
    frame_of_samples,
)
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.streams import Frame


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


def test_a_sample_belongs_to_the_frame_within_half_a_period_and_else_to_none(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    video = VideoDataset(run.dataset("videos/scope"), "scope", 20.0)
    for number in (0, 1, 2, 9):
        video.add(Frame(number, 50_000 * number, picture(number)))
    for time_us in (-20_000, 24_000, 26_000, 124_000, 135_000, 420_000, 430_000, 480_000):
        video.add_orientation(time_us, (1.0, 0.0, 0.0, 0.0))
    video.close()
    places = frame_of_samples(open_recording(run.path))
    assert places.tolist() == [0, 0, 1, 2, -1, -1, 3, -1]


def test_euler_angles_are_rotations_about_x_y_and_z():
    half = np.radians(15)
    quaternions = np.sin(half) * np.eye(4)[1:]
    quaternions[:, 0] = np.cos(half)
    np.testing.assert_allclose(euler_deg(quaternions), np.eye(3) * 30, atol=1e-9)


def test_euler_angles_come_out_of_one_turn_about_each_axis_after_the_other():
    roll, pitch, yaw = np.radians([20, 30, 40]) / 2
    (cx, sx), (cy, sy), (cz, sz) = ((np.cos(a), np.sin(a)) for a in (roll, pitch, yaw))
    # The product of the three turns, yaw first (z, y', x'').
    turned = [
        cx * cy * cz + sx * sy * sz,
        sx * cy * cz - cx * sy * sz,
        cx * sy * cz + sx * cy * sz,
        cx * cy * sz - sx * sy * cz,
    ]
    np.testing.assert_allclose(euler_deg(np.array([turned])), [[20, 30, 40]], atol=1e-9)


def test_a_folder_of_tables_holds_times_and_notes(tmp_path, source):
    export_recording(source, "csv", tmp_path / "tables")
    frames = pandas.read_csv(tmp_path / "tables" / "frames.csv")
    assert frames["Frame"].tolist() == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]
    assert frames["Time [ms]"].tolist()[1] == 51.235
    notes = pandas.read_csv(tmp_path / "tables" / "notes.csv")
    assert notes["Note"].tolist() == ["light, then dark"]


def test_a_recording_without_orientation_has_no_table_of_it(tmp_path, source):
    os.remove(source / "videos" / "scope" / "scope_orientation.csv")
    manifest = source / "videos" / "scope" / "manifest.toml"
    text = manifest.read_text()
    manifest.write_text(text[: text.rindex("[[data_aux]]")])
    with pytest.raises(RecordingError, match="holds no orientation"):
        export_recording(source, "csv", tmp_path / "q.csv")
