"""A synthetic recording is streamed to disk in minisim's layout, and is valid whenever it ends."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.recording.minisim_zarr_writer import MinisimZarrWriter
from syntalos_miniscope.recording.truth import ARRAYS, Footprints, FrameTruth, GroundTruth

SHAPE = (12, 10)
UNITS = 4


def known_at_the_start() -> GroundTruth:
    rng = np.random.default_rng(1)
    planted = [(i, i, np.ones((3, 4), np.float32)) for i in range(UNITS)]
    return GroundTruth(
        planted=Footprints.stacked(planted, (14, 12)),
        fov_offset=(1, 1),
        fov_shape=SHAPE,
        centers_um=rng.random((UNITS, 3)),
        amplitude_per_cell=rng.random(UNITS),
        in_focus=rng.random(UNITS) > 0.5,
        detectable=np.zeros(UNITS, bool),
        C=np.zeros((UNITS, 0)),
        S=np.zeros((UNITS, 0)),
        observed_sigma_px=rng.random(UNITS),
        observed_gain=rng.random(UNITS),
        shifts=np.zeros((0, 2)),
        bleaching=np.zeros((UNITS, 0)),
        illumination=rng.random(SHAPE),
        neuropil_spatial=rng.random((2, *SHAPE)),
        neuropil_temporal=np.zeros((2, 0)),
        neuropil_population=np.zeros(0),
        focal_depth_um=123.5,
    )


def frame_truth(k: int) -> FrameTruth:
    rng = np.random.default_rng(100 + k)
    return FrameTruth(
        C=rng.random(UNITS),
        S=rng.poisson(1, UNITS).astype(float),
        bleaching=rng.random(UNITS),
        shift=rng.random(2),
        neuropil_temporal=rng.random(2),
        neuropil_population=float(rng.random()),
    )


def picture(k: int) -> np.ndarray:
    return np.random.default_rng(k).integers(0, 256, SHAPE).astype(np.float32)


def open_writer(path: Path, shape: tuple[int, int] | None = SHAPE) -> MinisimZarrWriter:
    return MinisimZarrWriter(
        path, spec_json='{"steps": []}', spec_cache_key="k", truth=known_at_the_start(), shape=shape
    )


# Around the chunks of 16 pictures and 256 columns.
@pytest.mark.parametrize("n_frames", [0, 1, 15, 16, 17, 300])
def test_what_was_appended_is_read(tmp_path: Path, n_frames: int) -> None:
    writer = open_writer(tmp_path / "a.zarr")
    for k in range(n_frames):
        writer.append(picture(k), frame_truth(k))
    writer.close()
    recording = open_minisim_zarr(tmp_path / "a.zarr")
    assert recording.observed.shape == (n_frames, *SHAPE)
    assert recording.observed.dtype == np.float32
    for k in range(n_frames):
        assert np.array_equal(recording.observed[k], picture(k))
    expected = known_at_the_start().with_frames([frame_truth(k) for k in range(n_frames)])
    truth = recording.truth()
    for name in ARRAYS:
        assert np.array_equal(getattr(truth, name), getattr(expected, name)), name
    assert truth.focal_depth_um == 123.5
    assert np.array_equal(truth.A_observed, expected.A_observed)


def test_the_name_appears_when_the_recording_is_whole(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.zarr")
    writer.append(picture(0), frame_truth(0))
    assert not (tmp_path / "a.zarr").exists()
    writer.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


def test_what_was_flushed_survives_a_crash(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.zarr")
    for k in range(20):
        writer.append(picture(k), frame_truth(k))
    writer.flush()
    left_behind = open_minisim_zarr(tmp_path / "a.partial.zarr")
    assert left_behind.observed.shape[0] == 20
    assert np.array_equal(left_behind.observed[19], picture(19))
    assert left_behind.truth().C.shape == (UNITS, 20)
    writer.append(picture(20), frame_truth(20))
    writer.close()
    whole = open_minisim_zarr(tmp_path / "a.zarr")
    assert [float(frame.sum()) for frame in whole.observed[:]] == [
        float(picture(k).sum()) for k in range(21)
    ]


def test_an_abandoned_recording_leaves_nothing(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.zarr")
    writer.append(picture(0), frame_truth(0))
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_recording_is_written_over_one_but_over_nothing_else(tmp_path: Path) -> None:
    for _ in range(2):
        open_writer(tmp_path / "a.zarr").close()
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "dog.jpg").touch()
    with pytest.raises(RecordingError, match=r"photos is there and is no synthetic recording"):
        open_writer(photos)
    assert (photos / "dog.jpg").exists()


def test_truth_is_kept_without_a_movie(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "truth.zarr", shape=None)
    for k in range(5):
        writer.append(None, frame_truth(k))
    writer.close()
    recording = open_minisim_zarr(tmp_path / "truth.zarr")
    assert recording.observed is None
    assert recording.truth().C.shape == (UNITS, 5)


def test_extras_that_were_expected_are_those_that_come(tmp_path: Path) -> None:
    extras = {"ewl": np.array(3.0), "orientation": np.arange(4.0)}
    writer = open_writer(tmp_path / "a.zarr")
    writer.expect(extras)
    for k in range(3):
        writer.append(picture(k), replace(frame_truth(k), extras=extras))
    writer.close()
    stored = open_minisim_zarr(tmp_path / "a.zarr").truth().extras
    assert {name: value.tolist() for name, value in stored.items()} == {
        "ewl": [3.0] * 3, "orientation": [[0.0, 1.0, 2.0, 3.0]] * 3
    }  # fmt: skip


def test_what_only_the_end_can_tell_is_written_at_the_end(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.zarr")
    writer.append(picture(0), frame_truth(0))
    detectable = np.array([True, False, True, True])
    writer.close(replace(known_at_the_start(), detectable=detectable))
    truth = open_minisim_zarr(tmp_path / "a.zarr").truth()
    assert np.array_equal(truth.detectable, detectable)
    assert truth.C.shape == (UNITS, 1)


def test_pictures_of_single_stages_are_kept(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.zarr")
    for k in range(17):
        stages = {"neuropil": np.full((14, 12), k, float), "sensor": picture(k)}
        writer.append(picture(k), frame_truth(k), stages)
    writer.close()
    recording = open_minisim_zarr(tmp_path / "a.zarr")
    assert recording.snapshot_names == ["neuropil", "sensor"]
    assert recording.snapshot("neuropil").shape == (17, 14, 12)
    assert np.array_equal(recording.snapshot("sensor")[16], picture(16))


def test_the_layout_is_zarr_2_with_the_compressor_of_minisim(tmp_path: Path) -> None:
    open_writer(tmp_path / "a.zarr").close()
    header = json.loads((tmp_path / "a.zarr/observed/.zarray").read_text())
    assert header["zarr_format"] == 2
    assert header["dtype"] == "<f4"
    assert header["compressor"]["cname"] == "lz4"
    attributes = json.loads((tmp_path / "a.zarr/.zattrs").read_text())
    assert attributes["format_version"] == 2
    assert "shifts" in attributes["gt_present"]
    assert "C" not in attributes["gt_present"]


def test_another_version_is_refused(tmp_path: Path) -> None:
    open_writer(tmp_path / "a.zarr").close()
    attributes = tmp_path / "a.zarr/.zattrs"
    attributes.write_text(
        attributes.read_text().replace('"format_version": 2', '"format_version": 3')
    )
    with pytest.raises(RecordingError, match="version 3 of the layout; this program reads 2"):
        open_minisim_zarr(tmp_path / "a.zarr")


def test_a_folder_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is no synthetic recording"):
        open_minisim_zarr(tmp_path)


def test_a_full_or_read_only_disk_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"cannot write .*a\.partial\.zarr"):
        open_writer(tmp_path / "file" / "a.zarr")
