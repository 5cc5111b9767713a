"""A real recording through the real graph: nothing is lost, nothing is changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.examples import examples
from syntalos_miniscope.project import check, load
from syntalos_miniscope.recording.tsync import read_tsync
from syntalos_miniscope.recording.video import VideoReader


def test_what_is_recorded_of_a_real_recording_is_what_was_decoded(
    blink: Path, tmp_path: Path
) -> None:
    project = load(examples()["real-recording"])
    project = project.with_setting("player", "path", str(blink)).with_setting("player", "speed", 0)
    engine = LocalEngine(check(project, Catalog.shipped()), RunOptions(export_dir=tmp_path))
    engine.prepare()
    engine.start()
    assert engine.wait(120)
    report = engine.report()
    assert report["exit_reason"] == "finished", report["error"]
    recorder = next(node for node in report["nodes"] if node["id"] == "recorder")
    assert (recorder["inputs"][0]["items"], recorder["inputs"][0]["dropped"]) == (1287, 0)
    assert engine.export_dir is not None
    original = VideoReader(blink / "videos" / "miniscope" / "msslice.mkv")
    [video] = engine.export_dir.rglob("*.mkv")
    pairs = zip(original.frames(), VideoReader(video).frames(), strict=True)
    assert all(np.array_equal(decoded, kept) for (_, decoded), (_, kept) in pairs)
    [times] = video.parent.glob("*.tsync")
    theirs = read_tsync(blink / "videos" / "miniscope" / "msslice_timestamps.tsync")
    np.testing.assert_array_equal(read_tsync(times).times_us(), theirs.times_us())
