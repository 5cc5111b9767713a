"""Synthetic recordings as videos."""

from pathlib import Path

import numpy as np
import pytest
from everything import ACQUISITION, EVERYTHING, SENSORLESS

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.video import VideoReader
from syntalos_miniscope.simulation import (
    simulate,
    simulate_video,
)
from syntalos_miniscope.simulation.spec import load_spec


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_a_video_holds_the_counts_with_its_spec_beside_it(tmp_path: Path, name: str) -> None:
    simulate_video(EVERYTHING, tmp_path / name)
    frames = [frame for _, frame in VideoReader(tmp_path / name).frames()]
    assert np.array_equal(frames, simulate(EVERYTHING).observed)
    assert load_spec(tmp_path / "a.spec.json") == EVERYTHING
    assert len(list(tmp_path.iterdir())) == 2


def test_an_avi_is_bare_grey_pixels_unless_compression_is_asked_for(tmp_path: Path) -> None:
    simulate_video(EVERYTHING, tmp_path / "bare.avi")
    simulate_video(EVERYTHING, tmp_path / "packed.avi", codec="FFV1")
    assert VideoReader(tmp_path / "bare.avi").codec == "rawvideo"
    assert VideoReader(tmp_path / "packed.avi").codec == "ffv1"
    assert b"Y800" in (tmp_path / "bare.avi").read_bytes()[:300]


def test_a_video_takes_the_place_of_a_synthetic_one_and_of_no_other(tmp_path: Path) -> None:
    recording = simulate(EVERYTHING)
    (tmp_path / "mouse.avi").write_bytes(b"years of work")
    with pytest.raises(RecordingError, match=r"mouse\.avi is there and is no synthetic"):
        recording.write_video(tmp_path / "mouse.avi")
    with pytest.raises(RecordingError, match="no synthetic"):
        simulate_video(EVERYTHING, tmp_path / "mouse.avi")
    assert (tmp_path / "mouse.avi").read_bytes() == b"years of work"
    recording.write_video(tmp_path / "a.avi", fps=5)
    recording.write_video(tmp_path / "a.avi", fps=10)
    assert VideoReader(tmp_path / "a.avi").nominal_rate_hz == 10


@pytest.mark.parametrize("suffix", ["avi", "mkv"])
def test_without_a_sensor_white_must_be_given(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ValueError, match=r"without a sensor .*: give vmax"):
        simulate_video(SENSORLESS, tmp_path / f"a.{suffix}")
    with pytest.raises(ValueError, match="give vmax"):
        simulate_video(EVERYTHING, tmp_path / f"a.{suffix}", until="leakage")
    recording = simulate(SENSORLESS)
    with pytest.raises(ValueError, match="give vmax"):
        recording.write_video(tmp_path / f"a.{suffix}")
    assert list(tmp_path.iterdir()) == []
    white = float(np.percentile(recording.observed, 90))
    recording.write_video(tmp_path / f"a.{suffix}", vmax=white)
    frames = np.array([frame for _, frame in VideoReader(tmp_path / f"a.{suffix}").frames()])
    expected = np.clip(recording.observed / white * 255 + 0.5, 0, 255).astype(np.uint8)
    assert np.abs(frames.astype(int) - expected).max() <= 1
    assert (frames == 255).mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("white", [0.0, -1.0, float("nan"), float("inf")])
def test_white_must_be_brighter_than_black(tmp_path: Path, white: float) -> None:
    with pytest.raises(ValueError, match=r"white \(vmax, .*\) must be a number above black"):
        simulate_video(EVERYTHING, tmp_path / "a.avi", vmax=white)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["avi", "mkv"])
def test_a_video_of_no_frames_is_refused(tmp_path: Path, suffix: str) -> None:
    short = ACQUISITION.model_copy(update={"duration_s": 0.001})
    with pytest.raises(ValueError, match="there is no frame to write"):
        simulate_video(
            EVERYTHING.model_copy(update={"acquisition": short}), tmp_path / f"a.{suffix}"
        )
    unseen = simulate(EVERYTHING, until="optics")
    with pytest.raises(ValueError, match="there is no frame to write"):
        unseen.write_video(tmp_path / f"a.{suffix}", vmax=1.0)
    assert list(tmp_path.iterdir()) == []
