"""What info says of a recording."""

import json

import numpy as np
import pytest
from pictures import picture

from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.info import inspect
from syntalos_miniscope.recording.recorded import measured_rate_hz
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.streams import Frame


def test_info_counts_what_is_there_and_what_is_missing(source):
    info = inspect(source)
    assert (info.frames, info.frames_decoded, info.dropped) == (10, 10, 2)
    assert info.gaps == [(0.050001, 2)]
    assert info.frame_rate_hz == pytest.approx(1e6 / 50_001, abs=1e-4)
    assert info.size == (48, 32)
    assert info.orientation is not None
    assert (info.orientation.samples, info.orientation.frames_without) == (10, 0)
    assert info.damage == []
    json.dumps(info.to_json())


def test_info_sees_repeated_frames_and_damage(tmp_path):
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    video = VideoDataset(run.dataset("videos/scope"), "scope", 20.0)
    for number in range(8):
        video.add(Frame(number, 50_000 * number, picture(number // 2)))
    video.close()
    assert inspect(run.path).repeated == 4
    path = run.path / "videos" / "scope" / "scope.mkv"
    path.write_bytes(path.read_bytes()[:-4000])
    info = inspect(run.path)
    assert info.frames < 8
    assert any("was cut" in text for text in info.damage)
    assert any(f"8 times for {info.frames} frames" in text for text in info.damage)


def test_the_rate_is_that_of_the_scope_though_every_second_frame_is_lost():
    index = np.arange(0, 40, 2)
    assert measured_rate_hz(index, 50_000 * index) == pytest.approx(20)
