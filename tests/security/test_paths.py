"""No name in a file and no link leads a reader out of a recording, or a writer out of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from syntalos_miniscope.analysis.score_recording import score_recording
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.recording.player import open_recording, recordings_in
from syntalos_miniscope.recording.video import VideoWriter


def outside(tmp_path: Path) -> Path:
    """A sound video that no recording of these tests owns."""
    path = tmp_path / "outside" / "secret.mkv"
    path.parent.mkdir()
    writer = VideoWriter(path, 20.0, np.zeros((8, 8), np.uint8))
    writer.add(np.zeros((8, 8), np.uint8), 0)
    writer.close()
    return path


@pytest.mark.parametrize("way", ["up", "absolute", "windows", "drive", "nothing", "zero"])
def test_a_manifest_cannot_name_a_file_elsewhere(edl: Path, tmp_path: Path, way: str) -> None:
    secret = outside(tmp_path)
    names = {
        "up": "../../../../../outside/secret.mkv", "absolute": str(secret),
        "windows": "..\\\\..\\\\secret.mkv", "drive": "C:\\\\secret.mkv",
        "nothing": ".", "zero": "a\\u0000.mkv",
    }  # fmt: skip
    manifest = edl / "scope" / "manifest.toml"
    text = manifest.read_text()
    assert 'fname = "scope.mkv"' in text
    manifest.write_text(text.replace('fname = "scope.mkv"', f'fname = "{names[way]}"'))
    for path in (edl, edl / "scope"):
        with pytest.raises(RecordingError, match="which leads out of"):
            open_recording(path)


@pytest.mark.parametrize("name", ["scope/scope.mkv", "scope/manifest.toml", "notes", "more.csv"])
def test_a_link_out_of_an_experiment_is_refused(edl: Path, tmp_path: Path, name: str) -> None:
    link = edl / name
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(outside(tmp_path))
    for open_it in (open_recording, recordings_in, score_recording):
        with pytest.raises(RecordingError, match="is a link that leads out of the recording"):
            open_it(edl)


def test_a_link_in_the_run_around_a_video_is_refused_too(edl: Path, tmp_path: Path) -> None:
    (edl / "more").symlink_to(outside(tmp_path).parent)
    with pytest.raises(RecordingError, match="is a link that leads out of the recording"):
        open_recording(edl / "scope")


def test_links_that_stay_inside_may_be_and_lead_round_in_no_circle(edl: Path) -> None:
    (edl / "again").symlink_to(edl / "scope")
    (edl / "scope" / "up").symlink_to(edl)
    video = edl / "scope" / "scope.mkv"
    video.rename(edl / "scope" / "other.mkv")
    video.symlink_to("other.mkv")
    assert len(open_recording(edl)) == 3


def test_a_recording_that_is_reached_by_a_link_is_a_recording(edl: Path, tmp_path: Path) -> None:
    (tmp_path / "short").symlink_to(edl)
    assert len(open_recording(tmp_path / "short")) == 3


@pytest.mark.parametrize("name", ["Miniscope", "Miniscope/0.avi", "metaData.json", "notes.csv"])
def test_a_link_out_of_a_daq_session_is_refused(daq: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "elsewhere"
    (daq / name).rename(target)
    (daq / name).symlink_to(target)
    with pytest.raises(RecordingError, match="is a link that leads out of the recording"):
        open_recording(daq)
    if name in ("metaData.json", "notes.csv"):
        with pytest.raises(RecordingError, match="is a link that leads out of the recording"):
            open_recording(daq / "Miniscope")


def test_a_link_out_of_a_zarr_recording_is_refused(synthetic_once: Path, tmp_path: Path) -> None:
    path = tmp_path / "rec.zarr"
    shutil.copytree(synthetic_once, path)
    chunk = path / "observed" / "0.0.0"
    chunk.unlink()
    chunk.symlink_to(outside(tmp_path))
    for open_it in (open_recording, open_minisim_zarr):
        with pytest.raises(RecordingError, match="is a link that leads out of the recording"):
            open_it(path)


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "..", "a/../../../x", "C:\\x", "a\0b"])
def test_no_name_of_a_project_writes_outside_of_the_run(tmp_path: Path, name: str) -> None:
    run = ExperimentDir.create(tmp_path / "export", name, name)
    dataset = run.dataset(name)
    files = [dataset.data_file(name), dataset.aux_file(name), run.keep(f"{name}.json", "")]
    for path in (run.path, dataset.path, *files):
        assert path.resolve().is_relative_to((tmp_path / "export").resolve())
