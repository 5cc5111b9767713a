import errno
import os

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import picture

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.containers import matroska_times_us, what_was_cut
from syntalos_miniscope.recording.video import VideoReader, VideoWriter


def write(path, frames, rate=20.0, close=True):
    writer = VideoWriter(path, rate, frames[0])
    for number, mat in enumerate(frames):
        writer.add(mat, 50_000 * number)
    if close:
        writer.close()
    return writer


@pytest.mark.parametrize("ending", ["mkv", "avi"])
@pytest.mark.parametrize(
    ("shape", "dtype"), [((31, 47), np.uint8), ((31, 47, 3), np.uint8), ((32, 48), np.uint16)]
)
def test_frames_come_back_bit_equal(tmp_path, ending, shape, dtype):
    frames = [picture(i, shape, dtype) for i in range(5)]
    write(tmp_path / f"v.{ending}", frames)
    reader = VideoReader(tmp_path / f"v.{ending}")
    back = list(reader.frames())
    assert [place for place, _ in back] == [0, 1, 2, 3, 4]
    for (_, mat), frame in zip(back, frames, strict=True):
        assert mat.dtype == dtype
        assert mat.flags.c_contiguous
        np.testing.assert_array_equal(mat, frame)
    assert reader.damage == []
    np.testing.assert_array_equal(reader.times_us(), np.arange(5) * 50_000)


@pytest.mark.parametrize(("ending", "raw"), [("mkv", False), ("avi", False), ("avi", True)])
def test_what_was_added_may_be_written_over(tmp_path, ending, raw):
    """The writer reads pixels where they lie, and is done with them when `add` returns."""
    page = picture(0, (31, 47)).copy()
    writer = VideoWriter(tmp_path / f"v.{ending}", 20.0, page, raw=raw)
    for number in range(5):
        page[:] = picture(number, (31, 47))
        writer.add(page, 50_000 * number)
    page[:] = 0
    writer.close()
    for number, mat in VideoReader(tmp_path / f"v.{ending}").frames():
        np.testing.assert_array_equal(mat, picture(number, (31, 47)))


def test_matroska_keeps_uneven_times_to_the_millisecond(tmp_path):
    writer = VideoWriter(tmp_path / "v.mkv", 20.0, picture(0))
    for time_us in (0, 33_000, 33_000, 100_000, 3_600_000_000):
        writer.add(picture(0), time_us)
    writer.close()
    assert VideoReader(tmp_path / "v.mkv").times_us().tolist() == [
        0,
        33_000,
        33_000,
        100_000,
        3_600_000_000,
    ]


@pytest.mark.parametrize("ending", ["mkv", "avi"])
@pytest.mark.parametrize("share", [1.0, 0.75, 0.4])
def test_times_from_headers_are_those_of_the_packets(tmp_path, ending, share):
    path = tmp_path / f"v.{ending}"
    write(path, [picture(i) for i in range(10)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    reader = VideoReader(path)
    quick = reader.times_us()
    packets = reader._packet_times_us()
    # The demuxer hands out also what is left of a last, cut frame.
    assert len(packets) - len(quick) in ((0, 1) if share < 1 else (0,))
    assert quick.tolist() == packets[: len(quick)]


def test_times_are_in_the_unit_of_the_file(tmp_path):
    path = tmp_path / "v.mkv"
    write(path, [picture(i) for i in range(4)])
    millisecond = bytes.fromhex("2ad7b1830f4240")
    assert millisecond in path.read_bytes()
    half = bytes.fromhex("2ad7b18307a120")
    path.write_bytes(path.read_bytes().replace(millisecond, half))
    reader = VideoReader(path)
    assert reader.times_us().tolist() == reader._packet_times_us() == [0, 25_000, 50_000, 75_000]


def test_times_of_a_foreign_file_are_those_of_its_packets(shared_data):
    reader = VideoReader(shared_data / "edl-blink1/videos/miniscope/msslice.mkv")
    assert matroska_times_us(reader.path) == reader._packet_times_us()


def matroska(*blocks: bytes) -> bytes:
    """Make a file of one cluster at 100 ms, its blocks given as track, time and flags."""
    inside = bytes.fromhex("e78164") + b"".join(b"\xa3\x84" + block for block in blocks)
    cluster = bytes.fromhex("1f43b675") + bytes((0x80 | len(inside),)) + inside
    segment = bytes.fromhex("18538067") + bytes((0x80 | len(cluster),)) + cluster
    return bytes.fromhex("1a45dfa380") + segment


def test_a_block_may_come_before_its_cluster_and_several_tracks_are_left_to_the_demuxer(tmp_path):
    path = tmp_path / "v.mkv"
    path.write_bytes(matroska(b"\x81\xff\xfd\x80", b"\x81\x00\x0a\x80"))
    assert matroska_times_us(path) == [97_000, 110_000]
    path.write_bytes(matroska(b"\x81\x00\x00\x80", b"\x82\x00\x0a\x80"))
    assert matroska_times_us(path) is None


def test_a_list_of_odd_length_hides_no_cut_of_the_next(tmp_path):
    path = tmp_path / "v.avi"
    first = b"RIFF" + (5).to_bytes(4, "little") + b"AVI x" + b"\0"
    path.write_bytes(first + b"RIFF" + (4).to_bytes(4, "little") + b"AVIX")
    assert what_was_cut(path) is None
    path.write_bytes(first + b"RIFF" + (90).to_bytes(4, "little") + b"AVIX")
    assert what_was_cut(path) == "v.avi was cut: 26 of 112 bytes are there"


def test_a_clock_that_jumps_back_costs_no_frame(tmp_path):
    writer = VideoWriter(tmp_path / "v.mkv", 20.0, picture(0))
    for number, time_us in enumerate((50_000, 100_000, 20_000, -5_000, 150_000)):
        writer.add(picture(number), time_us)
    writer.close()
    reader = VideoReader(tmp_path / "v.mkv")
    assert reader.times_us().tolist() == [50_000, 100_000, 100_000, 100_000, 150_000]
    for place, mat in reader.frames():
        np.testing.assert_array_equal(mat, picture(place))


@pytest.mark.parametrize("level", [0, 60, 255])
def test_a_video_that_was_never_closed_lacks_at_most_its_last_frame(tmp_path, level):
    """Dark frames are small; they must not wait in a buffer for company."""
    frames = [np.full((64, 64), level, np.uint8) for _ in range(50)]
    writer = write(tmp_path / "v.mkv", frames, close=False)
    killed = tmp_path / "killed.mkv"
    killed.write_bytes((tmp_path / "v.mkv").read_bytes())
    writer.close()
    reader = VideoReader(killed)
    assert len(list(reader.frames())) >= 49
    assert reader.damage == ["killed.mkv was never closed: the program that wrote it was stopped"]


def test_reading_may_begin_anywhere(tmp_path):
    write(tmp_path / "v.mkv", [picture(i) for i in range(9)])
    places = [place for place, _ in VideoReader(tmp_path / "v.mkv").frames(6)]
    assert places == [6, 7, 8]


@pytest.mark.parametrize(
    ("codec", "pixels", "ending"),
    [
        ("ffv1", "yuv420p", "mkv"),
        ("ffv1", "yuv422p10le", "mkv"),
        ("ffv1", "gray10le", "mkv"),
        ("rawvideo", "yuyv422", "avi"),
        ("rawvideo", "uyvy422", "avi"),
        ("rawvideo", "gray", "avi"),
    ],
)
def test_the_luma_is_given_as_it_is_stored(tmp_path, codec, pixels, ending):
    with av.open(str(tmp_path / f"v.{ending}"), "w") as container:
        stream = container.add_stream(codec, rate=20)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pixels
        frame = av.VideoFrame(48, 32, pixels)
        for number, plane in enumerate(frame.planes):
            noise = picture(number, (plane.buffer_size // 2,), np.uint16) & 0x03FF
            plane.update((noise if "10" in pixels else picture(9, (plane.buffer_size,))).tobytes())
        rows = np.frombuffer(bytes(frame.planes[0]), np.uint16 if "10" in pixels else np.uint8)
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    luma = rows.reshape(32, -1)
    if "422" in pixels and codec == "rawvideo":
        luma = luma[:, int(pixels == "uyvy422") :: 2]
    reader = VideoReader(tmp_path / f"v.{ending}")
    assert reader.pixels == pixels
    ((_, mat),) = reader.frames()
    np.testing.assert_array_equal(mat, luma[:, :48])


def test_a_flipped_bit_is_said(tmp_path):
    write(tmp_path / "v.mkv", [picture(i) for i in range(9)])
    data = bytearray((tmp_path / "v.mkv").read_bytes())
    data[len(data) // 2] ^= 0x10
    (tmp_path / "v.mkv").write_bytes(data)
    reader = VideoReader(tmp_path / "v.mkv")
    assert len(list(reader.frames())) == 9
    assert reader.damage == ["v.mkv: frame 4 fails its checksum"]


@pytest.mark.parametrize("ending", ["mkv", "avi"])
def test_of_a_cut_video_what_decodes_is_given_and_the_cut_is_said(tmp_path, ending):
    path = tmp_path / f"v.{ending}"
    write(path, [picture(i) for i in range(10)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    reader = VideoReader(path)
    back = list(reader.frames())
    assert 3 <= len(back) <= 5
    for place, mat in back[:-1]:
        np.testing.assert_array_equal(mat, picture(place))
    assert any("was cut" in text for text in reader.damage)


def test_an_unknown_codec_is_named_with_what_to_do(tmp_path):
    write(tmp_path / "v.mkv", [picture(0)])
    data = (tmp_path / "v.mkv").read_bytes()
    (tmp_path / "v.mkv").write_bytes(data.replace(b"V_FFV1", b"V_XXXX"))
    with pytest.raises(RecordingError, match=r"the codec of .*v\.mkv is unknown .* convert it"):
        VideoReader(tmp_path / "v.mkv")


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\x1a\x45\xdf\xa3"])
def test_what_is_no_video_is_one_line(tmp_path, content):
    (tmp_path / "v.mkv").write_bytes(content)
    with pytest.raises(RecordingError, match=r"cannot read the video .*v\.mkv"):
        VideoReader(tmp_path / "v.mkv")


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data(), st.sampled_from(["mkv", "avi"]))
def test_no_damage_makes_a_traceback(tmp_path_factory, data, ending):
    path = tmp_path_factory.mktemp("video") / f"v.{ending}"
    write(path, [picture(i, (16, 16)) for i in range(4)])
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        # Headers are where readers stumble.
        place = data.draw(st.integers(0, 99) | st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.sampled_from([0, 255]) | st.integers(0, 255))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        reader = VideoReader(path)
        reader.times_us()
        for _, mat in reader.frames():
            assert mat.shape[:2] == reader.size
    except RecordingError as error:
        assert "\n" not in str(error)


def test_a_header_of_billions_of_frames_is_not_believed(tmp_path):
    path = tmp_path / "v.avi"
    write(path, [picture(i) for i in range(4)])
    data = bytearray(path.read_bytes())
    at = data.index(b"strh") + 8 + 32
    assert data[at : at + 4] == (4).to_bytes(4, "little")
    data[at : at + 4] = b"\xff" * 4
    path.write_bytes(data)
    assert len(VideoReader(path).times_us()) == 4


def test_a_frame_of_another_size_is_refused_and_the_rest_kept(tmp_path):
    writer = write(tmp_path / "v.mkv", [picture(0)], close=False)
    with pytest.raises(RecordingError, match=r"holds frames of uint8 \(32, 48\); the next one is"):
        writer.add(picture(0, (10, 10)), 1)
    writer.close()
    assert len(list(VideoReader(tmp_path / "v.mkv").frames())) == 1


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "v.mkv").write_text("precious")
    with pytest.raises(RecordingError, match="nothing is overwritten"):
        write(tmp_path / "v.mkv", [picture(0)])
    assert (tmp_path / "v.mkv").read_text() == "precious"


def test_a_full_disk_is_one_line_and_what_was_written_is_kept(tmp_path, small_disk):
    path = tmp_path / "v.mkv"
    writer = VideoWriter(path, 20.0, picture(0, (64, 64)))
    with small_disk(60_000):
        with pytest.raises(
            RecordingError, match=rf"cannot write .*v\.mkv: {os.strerror(errno.EFBIG)}"
        ):
            for number in range(100):
                writer.add(picture(number, (64, 64)), 50_000 * number)
        with pytest.raises(RecordingError, match=r"cannot write .*v\.mkv"):
            writer.close()
        writer.close()
    kept = len(list(VideoReader(path).frames()))
    assert kept >= writer.frames - 1
    assert kept > 5
