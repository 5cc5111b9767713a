import json
import re
import shutil
import tomllib
from itertools import islice, pairwise

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
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


def scope_folder(run):
    return run / "videos" / "scope"


def test_surplus_times_are_reported(edl_run):
    run = edl_run()
    path = scope_folder(run) / "scope_timestamps.tsync"
    path.unlink()
    with TimeFileWriter(path, module="r", collection_id="x", created_s=0) as times:
        for i in range(22):
            times.add(i, 50_000 * i)
    recording = open_recording(run)
    assert len(recording) == len(list(recording.frames())) == 20
    assert recording.findings == (
        "22 times for 20 frames: the last 2 times have no frame in the video and are left out",
    )


def test_a_time_file_cut_short_is_filled_from_the_video(edl_run):
    run = edl_run()
    path = scope_folder(run) / "scope_timestamps.tsync"
    path.write_bytes(path.read_bytes()[: -16 - 3 * 12])
    recording = open_recording(run)
    assert recording.time_us[-4:].tolist() == [801_234, 851_000, 901_000, 951_000]
    assert recording.index.tolist() == list(range(20))
    assert any("lacks the last 3 of 20 frames" in text for text in recording.findings)


def test_a_time_file_of_another_video_is_one_line(edl_run):
    run = edl_run()
    path = scope_folder(run) / "scope_timestamps.tsync"
    path.unlink()
    with TimeFileWriter(path, module="r", collection_id="x", created_s=0) as times:
        for i in range(5):
            times.add(i, 33_000 * i)
    with pytest.raises(RecordingError, match="has 5 times for 20 frames: it belongs to another"):
        open_recording(run)


@pytest.mark.parametrize("file", ["scope.mkv", "scope_timestamps.tsync"])
def test_an_absent_file_that_the_manifest_names_is_one_line(edl_run, file):
    run = edl_run()
    (scope_folder(run) / file).unlink()
    with pytest.raises(RecordingError, match=rf"{file}"):
        open_recording(run)


def test_an_empty_recording_is_one_line(edl_run):
    with pytest.raises(RecordingError, match="holds no video"):
        open_recording(edl_run(index=[], time_us=[]))


def test_of_two_videos_one_has_to_be_named(edl_run):
    run = edl_run()
    shutil.copytree(scope_folder(run), run / "videos" / "other")
    with pytest.raises(RecordingError, match=r"holds 2 videos; give one of .*other, .*scope"):
        open_recording(run)
    assert open_recording(scope_folder(run)).orientation is not None


def test_microseconds_under_a_header_of_milliseconds_are_seen_where_others_wrote_it(edl_run):
    run = edl_run()
    manifest = run / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("syntalos-miniscope", "Syntalos"))
    path = scope_folder(run) / "scope_orientation.csv"
    lines = path.read_text().splitlines()
    cells = [line.split(";") for line in lines[1:]]
    path.write_text("\n".join([lines[0], *(f"{float(c[0]) * 1000:.0f};1;0;0;0" for c in cells)]))
    recording = open_recording(run)
    assert recording.orientation is not None
    assert recording.orientation.time_us[1] == 51_234
    assert any("holds microseconds" in text for text in recording.findings)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda device: (device / "1.avi").rename(device / "x"), "times for 7 frames: the last 3"),
        (lambda device: (device / "0.avi").rename(device / "2.avi"), r"lacks 0\.avi"),
        (lambda device: (device / "timeStamps.csv").write_text(""), "is empty"),
        (lambda device: (device / "timeStamps.csv").write_text("a,b\n1,2\n"), "no column 'Time"),
        (
            lambda device: (device / "timeStamps.csv").write_text("Time Stamp (ms)\n1\nx\n"),
            "not a number of milliseconds",
        ),
        (lambda device: (device / "metaData.json").write_text("{"), "is not sound JSON"),
    ],
)
def test_faults_of_a_daq_folder_are_one_line(daq_session, change, line):
    session = daq_session(TIMES)
    change(session / "Miniscope")
    try:
        remarks = open_recording(session).findings
    except RecordingError as error:
        remarks = (str(error),)
    assert any(re.search(line, text) for text in remarks)


def test_nothing_and_no_recording_are_one_line(tmp_path):
    with pytest.raises(RecordingError, match="there is no recording at"):
        open_recording(tmp_path / "no")
    with pytest.raises(RecordingError, match="is no recording: it holds neither"):
        open_recording(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_manifest_opens_or_is_one_line(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("edl")
    (folder / "v.mkv").write_bytes(b"")
    files = st.fixed_dictionaries(
        {},
        optional={
            "media_type": st.just("video/x-matroska") | JSON,
            "parts": st.lists(
                st.fixed_dictionaries(
                    {},
                    optional={"fname": st.sampled_from(["v.mkv", "../v.mkv", ""]), "index": JSON},
                )
                | JSON,
                max_size=3,
            )
            | JSON,
        },
    )
    manifest = {
        "format_version": data.draw(st.sampled_from(["1", "1", "1", "2"])),
        "type": data.draw(st.sampled_from(["dataset", "group", "x"]) | JSON),
        "data": data.draw(files | JSON),
        "data_aux": data.draw(st.lists(files, max_size=2) | files | JSON),
    }
    try:
        text = tomli_w.dumps({k: v for k, v in manifest.items() if v is not None})
        tomllib.loads(text)
    except (TypeError, ValueError):
        text = "type = "
    (folder / "manifest.toml").write_text(text)
    with pytest.raises(RecordingError):
        open_recording(folder)


@settings(deadline=None, max_examples=60)
@given(
    times=st.binary(max_size=200),
    meta=JSON
    | st.dictionaries(
        st.sampled_from(["miniscopes", "recordingStartTime", "frameRate"]), JSON, max_size=3
    ),
    notes=st.binary(max_size=80),
)
def test_any_daq_files_open_or_are_one_line(tmp_path_factory, times, meta, notes):
    device = tmp_path_factory.mktemp("daq") / "Miniscope"
    device.mkdir()
    writer = VideoWriter(device / "0.avi", 20.0, picture(0, (8, 8)))
    writer.add(picture(0, (8, 8)), 0)
    writer.close()
    (device / "timeStamps.csv").write_bytes(b"Frame Number,Time Stamp (ms)\n0," + times)
    (device / "headOrientation.csv").write_bytes(b"Time Stamp (ms),qw,qx,qy,qz\n" + times)
    (device.parent / "notes.csv").write_bytes(notes)
    for folder in (device, device.parent):
        (folder / "metaData.json").write_text(json.dumps(meta))
    try:
        list(open_recording(device.parent).frames())
    except RecordingError as error:
        assert "\n" not in str(error)


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
