"""An ONIX acquisition, made here as the rig leaves it, is played like any other recording."""

from datetime import datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import picture

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.video import VideoWriter

CLOCK_HZ = 250_000_000


@pytest.fixture
def onix(tmp_path):
    """Writes 24 frames, 33.3 ms apart, in 12 AVIs, named so that 10 comes before 2 as text."""

    def make(ticks=None, start=f"2024-01-31T12:30:00.1234567+00:00,{CLOCK_HZ},2048,2048"):
        folder = tmp_path / "onix"
        folder.mkdir()
        for part in range(12):
            video = VideoWriter(folder / f"miniscope_{part}.avi", 30.0, picture(0))
            for number in (2 * part, 2 * part + 1):
                video.add(picture(number), 0)
            video.close()
        if ticks is None:
            ticks = 7_000_000_000 + np.arange(24, dtype=np.uint64) * 8_333_333
        (folder / "start-time_0_miniscope.csv").write_text(start + "\n")
        np.asarray(ticks, "<u8").tofile(folder / "ucla-miniscope-v4-clock_0.raw")
        return folder

    return make


def test_frames_come_in_natural_order_with_the_times_of_the_clock(onix):
    recording = open_recording(onix())
    assert recording.layout == "onix" and recording.findings == ()
    for number, frame in enumerate(recording.frames()):
        np.testing.assert_array_equal(frame.mat, picture(number))
    assert recording.time_us[:4].tolist() == [0, 33_333, 66_667, 100_000]
    assert recording.frame_rate_hz == pytest.approx(30, rel=1e-4)
    assert recording.started == datetime.fromisoformat("2024-01-31T12:30:00.123456+00:00")


def test_the_clock_ticks_as_fast_as_its_file_says(onix):
    ticks = 7_000_000_000 + np.arange(24, dtype=np.uint64) * 5_000_000
    recording = open_recording(onix(ticks, "2024-01-31T12:30:00+00:00,100000000,2048,2048"))
    assert recording.time_us[:3].tolist() == [0, 50_000, 100_000]


def test_a_behaviour_camera_beside_it_is_left_out(onix):
    folder = onix()
    video = VideoWriter(folder / "camera_0.avi", 30.0, picture(0, (64, 64)))
    video.add(picture(0, (64, 64)), 0)
    video.close()
    assert len(open_recording(folder)) == 24


def test_a_line_that_says_no_clock_is_remarked_and_the_usual_one_taken(onix):
    recording = open_recording(onix(start="yesterday"))
    assert recording.frame_rate_hz == pytest.approx(30, rel=1e-4)
    assert len(recording.remarks) == 2 and recording.started is None


def test_surplus_times_are_damage(onix):
    recording = open_recording(onix(ticks=np.arange(30) * 8_333_333))
    assert len(recording) == 24 and "30 times for 24 frames" in recording.damage[0]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.binary(max_size=200))
def test_whatever_the_files_hold_is_played_or_refused_in_one_line(onix, tmp_path, start, ticks):
    folder = tmp_path / "onix"
    if not folder.exists():
        onix()
    (folder / "start-time_0_miniscope.csv").write_bytes(start)
    (folder / "ucla-miniscope-v4-clock_0.raw").write_bytes(ticks)
    try:
        recording = open_recording(folder)
    except RecordingError as refused:
        assert "\n" not in str(refused)
    else:
        assert len(recording) >= 23 and (np.diff(recording.time_us) > 0).all()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda at: (at / "ucla-miniscope-v4-clock_0.raw").unlink(), "0 files ucla-miniscope"),
        (lambda at: (at / "start-time_1_miniscope.csv").write_text(""), "2 files start-time"),
        (lambda at: [video.unlink() for video in at.glob("*.avi")], "holds no video"),
        (
            lambda at: (
                np.arange(1, 25, dtype="<u8")[::-1]
                .cumprod()
                .tofile(at / "ucla-miniscope-v4-clock_0.raw")
            ),
            "years from the first",
        ),
        (lambda at: np.zeros(3, "<u8").tofile(at / "ucla-miniscope-v4-clock_0.raw"), "3 times"),
    ],
)
def test_what_is_absent_or_double_is_said_in_one_line(onix, spoil, words):
    folder = onix()
    spoil(folder)
    with pytest.raises(RecordingError, match=words) as refused:
        open_recording(folder)
    assert "\n" not in str(refused.value)
