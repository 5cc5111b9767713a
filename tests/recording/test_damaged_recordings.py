"""Recordings whose files are cut, absent or odd: what is left is read, or one line says why not."""

import json
import re
import shutil
import tomllib

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import picture

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.tsync_writer import TimeFileWriter
from syntalos_miniscope.recording.video import VideoWriter

TIMES = [0, 50, 101, 149, 200, 251, 300, 349, 400, 450]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


def scope_folder(run):
    return run / "videos" / "scope"


def with_times(run, count, step_us):
    """The same run with a time file of so many times."""
    path = scope_folder(run) / "scope_timestamps.tsync"
    path.unlink()
    with TimeFileWriter(path, module="r", collection_id="x", created_s=0) as times:
        for i in range(count):
            times.add(i, step_us * i)
    return run


def test_surplus_times_are_reported(edl_run):
    run = with_times(edl_run(), 22, 50_000)
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
    run = with_times(edl_run(), 5, 33_000)
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
