import tomllib
from itertools import islice, pairwise

import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pictures import picture

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.player import Playback, open_recording
from syntalos_miniscope.recording.recorded import Findings, measured_rate_hz, settle
from syntalos_miniscope.recording.tsync import read_tsync
from syntalos_miniscope.recording.tsync_writer import TimeFileWriter
from syntalos_miniscope.recording.video import VideoWriter

TIMES = [0, 50, 101, 149, 200, 251, 300, 349, 400, 450]


def test_an_edl_run_comes_back_as_it_was_recorded(edl_run):
    recording = open_recording(
        edl_run(index=[0, 1, 3, 4], time_us=[40_000, 90_123, 190_456, 240_789])
    )
    assert recording.index.tolist() == [0, 1, 3, 4]
    assert recording.time_us.tolist() == [40_000, 90_123, 190_456, 240_789]
    assert recording.findings == ()
    assert recording.orientation is not None
    assert recording.orientation.time_us.tolist() == [40_000, 90_123, 190_456, 240_789]
    for frame in recording.frames():
        np.testing.assert_array_equal(frame.mat, picture(frame.index))


def test_parts_are_played_as_one_recording_from_anywhere(edl_run):
    recording = open_recording(edl_run(part_s=0.25))
    assert [frame.index for frame in recording.frames(7)] == list(range(7, 20))


def test_one_time_file_may_go_with_all_parts(edl_run):
    run = edl_run(part_s=0.5)
    first, second = sorted((run / "videos" / "scope").glob("*.tsync"))
    entries = np.concatenate([read_tsync(path).entries for path in (first, second)])
    first.unlink()
    with TimeFileWriter(first, module="r", collection_id="x", created_s=0) as times:
        for index, time_us in entries.tolist():
            times.add(index, time_us)
    manifest = run / "videos" / "scope" / "manifest.toml"
    about = tomllib.loads(manifest.read_text())
    (block,) = [block for block in about["data_aux"] if block.get("file_type") == "tsync"]
    block["parts"].pop()
    manifest.write_text(tomli_w.dumps(about))
    recording = open_recording(run)
    assert recording.findings == ()
    assert recording.index.tolist() == list(range(20))


def test_a_daq_folder_is_played_over_its_chunks(daq_session):
    recording = open_recording(daq_session(TIMES))
    assert recording.layout == "daq"
    assert (recording.time_us // 1000).tolist() == TIMES
    frames = list(recording.frames())
    assert [frame.index for frame in frames] == list(range(10))
    for frame in frames:
        np.testing.assert_array_equal(frame.mat, picture(frame.index))
    assert recording.orientation is not None
    assert len(recording.orientation.time_us) == 10
    assert recording.started is not None
    assert recording.started.replace(tzinfo=None).isoformat() == "2025-03-01T14:20:05.512000"
    assert recording.marks == ((1_500_000, "light, then dark"),)
    assert recording.device["deviceName"] == "Miniscope"


def test_the_counter_of_the_box_shows_drops_also_where_it_wraps(daq_session):
    counter = [65_533, 65_534, 65_535, 0, 3, 4, 5, 6, 7, 8]
    recording = open_recording(daq_session(TIMES, counter=counter))
    assert recording.index.tolist() == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("counter", "index", "remark"),
    [
        # One read came late, one came early, one failed: no frame was lost.
        ([1, 2, 2, 4, 5, 6, 7, 8, 9, 10], list(range(10)), "wavered at 1 of 10"),
        ([1, 3, 3, 4, 5, 6, 7, 8, 9, 10], list(range(10)), "wavered at 1 of 10"),
        ([1, 2, -1, 4, 5, 6, 7, 8, 9, 10], list(range(10)), "wavered at 1 of 10"),
        ([-1, 2, 3, 4, 5, 6, 7, 8, 9, 10], list(range(10)), "wavered at 1 of 10"),
        # The same, with two frames lost later.
        ([1, 2, 2, 4, 5, 6, 9, 10, 11, 12], [0, 1, 2, 3, 4, 5, 8, 9, 10, 11], "wavered at 1"),
        ([1, 2, 3, 4, 5, 1, 2, 3, 4, 5], list(range(10)), "began anew"),
        ([-1] * 10, list(range(10)), "counted no frames"),
    ],
)
def test_a_counter_that_wavers_makes_up_no_drop_and_hides_none(daq_session, counter, index, remark):
    recording = open_recording(daq_session(TIMES, counter=counter))
    assert recording.index.tolist() == index
    assert any(remark in text for text in recording.remarks)


def test_a_first_frame_before_the_start_moves_frames_orientation_and_notes(daq_session):
    recording = open_recording(daq_session([t - 30 for t in TIMES]))
    assert (recording.time_us // 1000).tolist() == TIMES
    assert recording.orientation is not None
    assert recording.orientation.time_us[0] == 0
    assert recording.marks[0][0] == 1_530_000
    assert any("30 ms before the start" in text for text in recording.findings)


def test_a_plain_video_is_played_with_its_own_times(tmp_path):
    writer = VideoWriter(tmp_path / "v.mkv", 20.0, picture(0))
    for number, time in enumerate(TIMES):
        writer.add(picture(number), time * 1000)
    writer.close()
    recording = open_recording(tmp_path / "v.mkv")
    assert (recording.time_us // 1000).tolist() == TIMES
    assert recording.orientation is None


@pytest.mark.parametrize("start_us", [0, 60_000])
def test_loops_keep_time_and_index_increasing(daq_session, start_us):
    playback = Playback(open_recording(daq_session(TIMES)), start_us, loop=True)
    frames = [played.frame for played in islice(playback, 25)]
    assert frames[0].time_us == TIMES[2 if start_us else 0] * 1000 - start_us
    assert all(a.time_us < b.time_us and a.index < b.index for a, b in pairwise(frames))
    steps = np.diff([frame.time_us for frame in frames])
    assert steps.min() > 40_000
    assert steps.max() < 120_000


def test_orientation_comes_with_its_frame(daq_session):
    for played in Playback(open_recording(daq_session(TIMES)), 100_000):
        ((time_us, quaternion),) = played.orientation
        assert time_us == played.frame.time_us
        assert quaternion == (1.0, 0.0, 0.0, played.frame.index / 1000)


def test_a_start_behind_the_end_is_one_line(daq_session):
    with pytest.raises(RecordingError, match=r"ends at 0\.450 s, before the start at 9\.000 s"):
        Playback(open_recording(daq_session(TIMES)), 9_000_000)


@given(st.lists(st.integers(-(2**49), 2**49), min_size=1, max_size=40))
def test_settled_times_increase_and_keep_what_was_right(times):
    found = Findings()
    given_us = np.array(times, np.int64)
    _, time_us = settle(np.arange(len(times)), given_us, found)
    assert (np.diff(time_us) > 0).all()
    assert time_us[0] >= 0
    right = given_us - min(given_us[0], 0)
    if (np.diff(right) > 0).all():
        np.testing.assert_array_equal(time_us, right)


def test_the_rate_leaves_out_drops_and_pauses():
    index = np.array([0, 1, 2, 5, 6, 7, 8])
    time_us = np.array([0, 50_000, 100_000, 250_000, 300_000, 60_300_000, 60_350_000])
    assert measured_rate_hz(index, time_us) == pytest.approx(20.0)
