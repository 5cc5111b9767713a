"""What every recorder sink does, whatever layout it writes."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.daq_folder import DaqDevice
from syntalos_miniscope.recording.edl import DatasetFolder
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.recorded import Recording
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.scope import Quaternion
from syntalos_miniscope.streams import Frame

Sink = VideoDataset | DaqDevice
PART = 4


@dataclass(frozen=True)
class Bench:
    """A sink that writes parts of four frames, its folder, and how exact its tables are."""

    make: Callable[[Path], Sink]
    folder: Path
    table_us: int

    def open(self) -> Recording:
        return open_recording(self.folder)


def video_dataset(folder: Path) -> Sink:
    return VideoDataset(DatasetFolder(folder), "scope", 20.0, part_frames=PART)


def daq_device(folder: Path) -> Sink:
    return DaqDevice(folder, 20.0)


@pytest.fixture(params=[(video_dataset, 1), (daq_device, 1000)], ids=["edl", "daq"])
def bench(request, tmp_path, monkeypatch) -> Bench:
    monkeypatch.setattr("syntalos_miniscope.recording.daq_folder.FRAMES_PER_FILE", PART)
    make, table_us = request.param
    return Bench(make, tmp_path / "session" / "Miniscope", table_us)


def frame(index: int, shape: tuple[int, int] = (32, 48)) -> Frame:
    mat = np.random.default_rng(index).integers(0, 256, shape, np.uint8)
    return Frame(index, 1_234 + 50_001 * index, mat)


def same(recording: Recording, indexes: list[int]) -> None:
    back = list(recording.frames())
    assert [each.index for each in back] == indexes
    for each, expected in zip(back, map(frame, indexes), strict=True):
        assert each.time_us == expected.time_us
        np.testing.assert_array_equal(each.mat, expected.mat)


def test_frames_of_several_parts_come_back_bit_equal_with_index_and_time(bench):
    sink = bench.make(bench.folder)
    for index in range(3 * PART + 1):
        sink.add(frame(index))
    sink.close()
    recording = bench.open()
    same(recording, list(range(3 * PART + 1)))
    assert sink.frames == 3 * PART + 1
    assert recording.findings == ()


def test_a_gap_of_the_index_is_a_drop_and_a_pause_is_none(bench):
    sink = bench.make(bench.folder)
    for index in (0, 1, 4):
        sink.add(frame(index))
    sink.begin_segment(frame(9))
    for index in (9, 10):
        sink.add(frame(index))
    sink.close()
    assert bench.open().drops == 2
    assert bench.open().time_us.tolist() == [frame(i).time_us for i in (0, 1, 4, 9, 10)]


def test_orientation_comes_back_with_its_times(bench):
    turned: list[tuple[int, Quaternion]] = [
        (1_234 + 50_001 * n, (0.5, -0.5, 0.5, n / 100)) for n in range(6)
    ]
    sink = bench.make(bench.folder)
    for (time_us, quaternion), index in zip(turned, range(6), strict=True):
        sink.add(frame(index))
        sink.add_orientation(time_us, quaternion)
    sink.close()
    orientation = bench.open().orientation
    assert orientation is not None
    np.testing.assert_allclose(orientation.quaternion, [q for _, q in turned], atol=1e-6)
    late_us = np.array([time_us for time_us, _ in turned]) - orientation.time_us
    assert (late_us >= 0).all()
    assert (late_us < bench.table_us).all()


def test_all_frames_but_the_last_are_on_disk_before_it_is_closed(bench, tmp_path):
    """What a kill at this moment would leave is a copy of the folder."""
    sink = bench.make(bench.folder)
    for index in range(PART + 3):
        sink.add(frame(index))
        left = tmp_path / f"left-{index}"
        shutil.copytree(bench.folder.parent, left)
        if index == 0:
            continue
        recording = open_recording(left / bench.folder.name)
        same(recording, list(range(len(recording))))
        assert len(list(recording.frames())) >= index
        assert recording.findings
    sink.close()


def test_a_full_disk_is_one_line_and_the_frames_before_it_stay(bench, small_disk):
    sink = bench.make(bench.folder)
    added = 0
    with small_disk(30_000):
        with pytest.raises(RecordingError, match=r"cannot write .*: File too large"):
            for index in range(100):
                sink.add(frame(index, (96, 96)))
                added += 1
        with pytest.raises(RecordingError, match="cannot write"):
            sink.close()
    assert added >= 2
    assert len(list(bench.open().frames())) >= added - 1


def test_closing_twice_or_without_a_frame_does_no_harm(bench, tmp_path):
    sink = bench.make(bench.folder)
    sink.add(frame(0))
    sink.close()
    sink.close()
    same(bench.open(), [0])
    bench.make(tmp_path / "session" / "nothing").close()


def test_a_change_of_size_is_one_line_and_loses_nothing(bench):
    sink = bench.make(bench.folder)
    sink.add(frame(0))
    with pytest.raises(RecordingError, match=r"\d+ x \d+|\(\d+, \d+\)"):
        sink.add(Frame(1, 60_000, np.zeros((16, 16), np.uint8)))
    sink.close()
    same(bench.open(), [0])


def test_it_is_known_when_the_clock_began(bench):
    """Which is later than when the folder was made, since boxes take time to prepare."""
    began = datetime(2031, 5, 6, 7, 8, 9, 120_000).astimezone()
    sink = bench.make(bench.folder)
    sink.begin(began)
    sink.add(frame(0))
    sink.close()
    assert bench.open().started == began
