"""Exports as the official DAQ software's folder, as other programs find and read them."""

import csv
import json
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import pandas
import pytest
from pictures import picture

from syntalos_miniscope.recording.export import export_recording

pytestmark = pytest.mark.usefixtures("small_parts")


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


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
    moment = datetime(*(start[n] for n in ("year", "month", "day", "hour", "minute", "second")))
    assert start["msecSinceEpoch"] == moment.timestamp() * 1000 + start["msec"]
    config = json.loads((tmp_path / "out" / "userConfig.json").read_text())
    names = [config[key] for key in config["directoryStructure"] if key in config]
    assert session.relative_to(tmp_path / "out").parts[:3] == tuple(names)
    assert config["directoryStructure"][3:] == ["date", "time"]
    assert list(config["devices"]["miniscopes"]) == ["Miniscope"]
    changed = [(device / f"{n}.avi").stat().st_mtime_ns for n in range(3)]
    # Each is as old as its last frame.
    assert np.diff(changed) / 1e9 == pytest.approx([4 * 0.050001, 2 * 0.050001], abs=1e-5)


def test_opencv_reads_the_avis_bit_equal(tmp_path, source):
    """As roiextractors and CaImAn do."""
    export_recording(source, "daq", tmp_path / "out")
    (video,) = (tmp_path / "out").glob("*/*/*/*/*/Miniscope/1.avi")
    capture = cv2.VideoCapture(str(video))
    read, mat = capture.read()
    capture.release()
    assert read
    np.testing.assert_array_equal(mat[:, :, 0], picture(6))


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
