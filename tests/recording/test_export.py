"""What every export promises: the same frames, nothing touched, nothing overwritten, resumable."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from pictures import picture, same_frames

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording import export as export_module
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.export import export_recording
from syntalos_miniscope.recording.partial import partial_of
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.streams import Frame

pytestmark = pytest.mark.usefixtures("small_parts")


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("target", ["edl", "daq", "zarr"])
def test_what_is_exported_comes_back_bit_equal_and_the_source_is_untouched(
    tmp_path, source, target
):
    before = fingerprint(source)
    done = []
    export_recording(source, target, tmp_path / "out", progress=lambda i, n: done.append((i, n)))
    assert fingerprint(source) == before
    assert done[-1] == (10, 10)
    there = tmp_path / "out"
    if target == "daq":
        there = next(there.glob("*/*/*/*/*/metaData.json")).parent
    back, was = open_recording(there), open_recording(source)
    same_frames(was, back)
    assert back.findings == ()
    assert back.drops == 2
    assert back.orientation is not None
    assert was.orientation is not None
    np.testing.assert_allclose(back.orientation.quaternion, was.orientation.quaternion, atol=1e-6)
    late_us = was.orientation.time_us - back.orientation.time_us
    assert (late_us >= 0).all()
    assert (late_us < (1000 if target == "daq" else 1)).all()
    if target != "zarr":
        assert back.marks == (((101_000 if target == "daq" else 101_500), "light, then dark"),)


@pytest.mark.parametrize("target", ["edl", "daq", "zarr"])
@pytest.mark.parametrize("stop_at", [1, 5, 9])
def test_an_export_that_was_stopped_goes_on(tmp_path, source, target, stop_at):
    def stop(done: int, total: int) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export_recording(source, target, out, progress=stop)
    assert not out.exists()
    assert partial_of(out).exists()
    begun = []
    export_recording(source, target, out, progress=lambda done, total: begun.append(done))
    assert begun[0] == stop_at // 4 * 4 if target != "zarr" else begun[0] <= stop_at
    there = next(out.glob("*/*/*/*/*/metaData.json")).parent if target == "daq" else out
    same_frames(open_recording(source), open_recording(there))
    assert open_recording(there).findings == ()
    assert not partial_of(out).exists()
    assert not list(out.rglob(".kept"))


@pytest.mark.parametrize(
    ("target", "cut", "left"),
    [
        ("edl", "videos/scope/scope_2.mkv", 0.7),
        ("edl", "videos/scope/scope_2_timestamps.tsync", 0.0),
        ("edl", "videos/scope/scope_2_timestamps.tsync", 0.7),
        ("edl", "videos/scope/scope_2_timestamps.tsync", 0.99),
        ("daq", "*/*/*/*/*/*/1.avi", 0.7),
    ],
)
def test_a_part_that_a_kill_left_half_written_is_written_anew(tmp_path, source, target, cut, left):
    def stop(done: int, total: int) -> None:
        if done == 9:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export_recording(source, target, out, progress=stop)
    (part,) = partial_of(out).glob(cut)
    part.write_bytes(part.read_bytes()[: int(part.stat().st_size * left)])
    begun = []
    export_recording(source, target, out, progress=lambda done, total: begun.append(done))
    assert begun[0] == 4
    there = next(out.glob("*/*/*/*/*/metaData.json")).parent if target == "daq" else out
    same_frames(open_recording(source), open_recording(there))
    assert open_recording(there).findings == ()


@pytest.mark.parametrize("target", ["edl", "daq", "zarr", "csv"])
def test_daq_folders_and_plain_videos_are_exported_too(tmp_path, daq_session, target):
    session = daq_session([0, 50, 101, 149, 200, 251])
    for source, name in ((session, "session"), (session / "Miniscope" / "0.avi", "video")):
        out = tmp_path / name
        export_recording(source, target, out)
        if target == "csv":
            assert (out / "orientation.csv").exists() == (name == "session")
            continue
        back = open_recording(next(out.glob("*/*/*/*/*/")) if target == "daq" else out)
        same_frames(open_recording(source), back)
        assert (back.orientation is not None) == (name == "session")
        if name == "session" and target == "edl":
            assert back.started == open_recording(source).started
            assert back.marks == ((1_500_000, "light, then dark"),)


@pytest.mark.parametrize("target", ["edl", "daq", "zarr", "csv"])
def test_names_of_all_scripts_go_all_the_way(tmp_path, target):
    run = ExperimentDir.create(tmp_path / "Übung – 実験", "Мышь 7", "🐭 & «maze»")
    video = VideoDataset(run.dataset("videos/σκόπιο"), "σκόπιο", 20.0)
    for number in range(6):
        video.add(Frame(number, 50_000 * number, picture(number)))
        video.add_orientation(50_000 * number, (1.0, 0.0, 0.0, 0.0))
    video.close()
    run.mark(1000, "свет")
    run.finish(success=True, length_ms=300)
    out = tmp_path / "Übung – 実験" / "выход"
    export_recording(run.path, target, out)
    if target != "csv":
        back = open_recording(next(out.glob("*/*/*/*/*/")) if target == "daq" else out)
        same_frames(open_recording(run.path), back)


def test_nothing_is_overwritten_and_the_source_is_no_place(tmp_path, source):
    (tmp_path / "there").mkdir()
    with pytest.raises(RecordingError, match="exists, and nothing is overwritten"):
        export_recording(source, "edl", tmp_path / "there")
    with pytest.raises(RecordingError, match="lies in the recording"):
        export_recording(source, "edl", source / "videos" / "new")


def test_what_another_export_left_is_not_taken_up(tmp_path, source):
    partial_of(tmp_path / "out").mkdir()
    (partial_of(tmp_path / "out") / "precious").write_text("")
    with pytest.raises(RecordingError, match="is left from another export"):
        export_recording(source, "edl", tmp_path / "out")
    assert (partial_of(tmp_path / "out") / "precious").exists()


def test_a_full_disk_is_one_line_and_the_rest_can_go_on(tmp_path, source, small_disk, monkeypatch):
    with small_disk(9_000):
        with pytest.raises(RecordingError, match=r"cannot write .*: File too large"):
            export_recording(source, "edl", tmp_path / "out")
    assert partial_of(tmp_path / "out").is_dir()


def test_targets_are_those_of_the_command_line():
    assert export_module.TARGETS == ("daq", "edl", "zarr", "nwb", "csv")
