"""Exports as zarr, with the truth where there is one."""

from typing import Any

import numpy as np
import pytest
import zarr
from pictures import picture, same_frames

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.export import export_recording
from syntalos_miniscope.recording.info import inspect
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.zarr_arrays import store_array
from syntalos_miniscope.recording.zarr_recording import ZarrMovie
from syntalos_miniscope.streams import Frame

pytestmark = pytest.mark.usefixtures("small_parts")


def test_zarr_is_what_plain_zarr_reads(tmp_path, source):
    export_recording(source, "zarr", tmp_path / "out.zarr")
    group: Any = zarr.open_group(str(tmp_path / "out.zarr"), mode="r")
    assert group["observed"].shape == (10, 32, 48)
    assert group["observed"].dtype == np.uint8
    np.testing.assert_array_equal(group["observed"][2], picture(4))
    assert group["frame_times/index"][:].tolist() == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]


def test_frames_that_did_not_come_leave_no_empty_ones_behind(tmp_path):
    movie = ZarrMovie(tmp_path / "m.zarr", 10, picture(0))
    movie.add([Frame(number, 50_000 * number, picture(number)) for number in range(3)])
    movie.finish(None)
    recording = open_recording(tmp_path / "m.zarr")
    assert (len(recording), recording.findings) == (3, ())
    group: Any = zarr.open_group(str(tmp_path / "m.zarr"), mode="r")
    assert group["observed"].shape[0] == group["frame_times/index"].shape[0] == 3


def test_a_truth_goes_along_with_the_entries_of_the_recorded_frames(tmp_path, source):
    store = source / "truth" / "truth.zarr"
    group: Any = zarr.open_group(str(store), mode="w", zarr_format=2)
    group.attrs["format_version"] = 2
    (store / "spec.json").write_text('{"acquisition": {"fps": 20.0}}')
    truth = group.create_group("ground_truth")
    store_array(truth, "C", np.arange(36.0).reshape(3, 12))
    store_array(truth, "shifts", np.arange(24.0).reshape(12, 2))
    store_array(truth, "centers_um", np.zeros((3, 3)))
    store_array(truth.create_group("extras"), "frame_index", np.arange(12.0))
    (source / "truth" / "manifest.toml").write_text(
        'format_version = "1"\ntype = "dataset"\n[data]\nfile_type = "zarr"\n'
        '[[data.parts]]\nfname = "truth.zarr"\n'
    )
    export_recording(source, "zarr", tmp_path / "out.zarr")
    back: Any = zarr.open_group(str(tmp_path / "out.zarr"), mode="r")
    kept = [0, 1, 4, 5, 6, 7, 8, 9, 10, 11]
    assert back["ground_truth/C"][1].tolist() == [12.0 + i for i in kept]
    assert back["ground_truth/shifts"][:, 0].tolist() == [2.0 * i for i in kept]
    assert back["observed"].dtype == np.float32
    same_frames(open_recording(source), open_recording(tmp_path / "out.zarr"))


@pytest.mark.parametrize(
    "damage",
    [b"\xff\xfe\xcd", *(pytest.param(d, marks=pytest.mark.slow) for d in (b"", b"{", b"[" * 5000))],
    ids=["noise", "empty", "begun", "deep"],
)
def test_damage_in_a_zarr_is_one_line_or_said_or_does_not_matter(tmp_path, source, damage):
    export_recording(source, "zarr", tmp_path / "out.zarr")
    whole = inspect(tmp_path / "out.zarr").to_json()
    for file in sorted((tmp_path / "out.zarr").rglob("*")):
        if not file.is_file() or file.parent.name == "extras":
            continue
        before = file.read_bytes()
        file.write_bytes(damage)
        try:
            found = inspect(tmp_path / "out.zarr")
            unseen = file.name in (".zattrs", "spec.json", ".zgroup")
            assert unseen or found.damage or found.to_json() == whole, file
        except RecordingError as error:
            assert "\n" not in str(error)
        file.write_bytes(before)
