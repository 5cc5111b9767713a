"""Whatever bytes a file holds: a reader gives a value, or its own error in one line.

No other exception, no end of the memory, no hang (which the time limit of a test would show).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bounds import bounded_memory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syntalos_miniscope.analysis.hearing import load_said, save_said
from syntalos_miniscope.analysis.pipeline.experiment_tables import (
    TableError,
    read_experiment,
    read_parameters,
)
from syntalos_miniscope.analysis.rois import Rois, load_rois, save_rois
from syntalos_miniscope.analysis.score import Said
from syntalos_miniscope.catalog import Catalog, CatalogError
from syntalos_miniscope.examples import examples
from syntalos_miniscope.project import ProjectError, check, load
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.info import inspect_all
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.recording.player import open_recording, recordings_in
from syntalos_miniscope.recording.zarr_arrays import CheckedBlosc
from syntalos_miniscope.simulation.spec import load_spec
from syntalos_miniscope.sweep.grid import GridError, load_grid

VALUE = re.compile(rb'-?\d+(?:\.\d+)?|"[^"\n]*"|\btrue\b|\bfalse\b|\bnull\b')
NASTY = (
    b"-1", b"0", b"1e400", b"-0.5", b"NaN", b"nan", b"inf", b"99999999999999999999", b"9" * 5000,
    b"0x" + b"f" * 5000, b"4294967296", b"2000000000", b"70000",
    b"null", b"true", b'""', b'"\\n"', b'"a\\nb"', b'".."',
    b'"/etc/passwd"', b'"|O"', b'"<f8"', b"[]", b"{}", b"[" * 4000, b'{"a":' * 4000, b"[[1, 2], 3]",
    b"\xff\xfe", b"\0",
)  # fmt: skip
ASKED = os.environ.get("FUZZ_EXAMPLES")
"""A number searches anew that often; without it the same few examples come every time."""
PROBED = settings(
    max_examples=int(ASKED or 20),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
Read = Callable[[], object]


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Give bytes of any kind, or good ones with a value, or a stretch, made something else."""
    kind = draw(st.sampled_from(["value", "value", "value", "values", "stretch", "any"]))
    if kind == "any":
        return draw(st.binary(max_size=200))
    values = list(VALUE.finditer(good))
    if kind == "stretch" or not values:
        begin = draw(st.integers(0, len(good)))
        end = draw(st.integers(begin, min(len(good), begin + 40)))
        return good[:begin] + draw(st.binary(max_size=40)) + good[end:]
    for _ in range(1 if kind == "value" else 3):
        values = list(VALUE.finditer(good)) or values
        found = draw(st.sampled_from(values))
        good = good[: found.start()] + draw(st.sampled_from(NASTY)) + good[found.end() :]
    return good


def probe(data: st.DataObject, file: Path, good: bytes, error: type[Exception], read: Read) -> None:
    """Damage a file and read it."""
    file.write_bytes(data.draw(damaged(good)))
    try:
        with bounded_memory():
            read()
    except error as refused:
        assert "\n" not in str(refused)


def play(path: Path) -> None:
    """Read all that a recording has, by each of the ways there are."""
    for each in recordings_in(path):
        recording = open_recording(each)
        assert recording.frame_rate_hz > 0 and recording.full_scale > 0
        for frame in recording.frames():
            assert frame.mat.size
    inspect_all(path)


@pytest.mark.parametrize(
    "name", ["manifest.toml", "attributes.toml", "scope/manifest.toml", "scope/attributes.toml",
             "report.json", "notes/notes.csv", "scope/scope.tsync"],
)  # fmt: skip
@PROBED
@given(data=st.data())
def test_an_experiment_folder(data: st.DataObject, edl: Path, name: str) -> None:
    (file,) = edl.glob(name.replace("scope.tsync", "*.tsync"))
    good = file.read_bytes()
    try:
        probe(data, file, good, RecordingError, lambda: play(edl))
    finally:
        file.write_bytes(good)


@pytest.mark.parametrize(
    "name", ["metaData.json", "Miniscope/metaData.json", "Miniscope/timeStamps.csv",
             "Miniscope/headOrientation.csv", "notes.csv"],
)  # fmt: skip
@PROBED
@given(data=st.data())
def test_a_daq_folder(data: st.DataObject, daq: Path, name: str) -> None:
    good = (daq / name).read_bytes()
    try:
        probe(data, daq / name, good, RecordingError, lambda: play(daq))
    finally:
        (daq / name).write_bytes(good)


@pytest.mark.parametrize(
    "name", [".zgroup", ".zattrs", "spec.json", "observed/.zarray", "observed/0.0.0",
             "ground_truth/.zattrs", "ground_truth/planted/.zattrs", "ground_truth/C/.zarray",
             "ground_truth/planted/shapes/.zarray", "ground_truth/planted/shapes/0.0"],
)  # fmt: skip
@PROBED
@given(data=st.data())
def test_a_zarr_recording_and_its_truth(
    data: st.DataObject, synthetic_once: Path, tmp_path_factory, name: str
) -> None:
    path = tmp_path_factory.mktemp("zarr") / "rec.zarr"
    shutil.copytree(synthetic_once, path)

    def read() -> None:
        play(path)
        truth = open_minisim_zarr(path).truth()
        assert truth.A_observed.shape[0] == truth.n_units

    probe(data, path / name, (path / name).read_bytes(), RecordingError, read)
    shutil.rmtree(path)


@PROBED
@given(data=st.data())
def test_a_project(data: st.DataObject, tmp_path: Path) -> None:
    name = data.draw(st.sampled_from(sorted(examples())))
    file, catalog = tmp_path / "p.toml", Catalog.shipped()
    good = examples()[name].read_bytes()
    probe(data, file, good, ProjectError, lambda: check(load(file), catalog, str(file)))


@PROBED
@given(data=st.data())
def test_a_spec(data: st.DataObject, synthetic_once: Path, tmp_path: Path) -> None:
    good = (synthetic_once / "spec.json").read_bytes()
    file = tmp_path / "spec.json"
    probe(data, file, good, ValueError, lambda: load_spec(file))


@PROBED
@given(data=st.data())
def test_a_grid_of_a_sweep(data: st.DataObject, synthetic_once: Path, tmp_path: Path) -> None:
    shutil.copyfile(synthetic_once / "spec.json", tmp_path / "spec.json")
    good = b'[sweep]\nspec = "spec.json"\nseeds = [1]\n[axes]\nacquisition.fps = [10, 12.5]\n'
    good += b'"steps.sensor.photons_per_unit" = [1, 2]\n[chain]\nmost_cells = 3\n'
    file = tmp_path / "grid.toml"
    probe(data, file, good, GridError, lambda: load_grid(file))


@PROBED
@given(data=st.data())
def test_the_tables_of_an_analysis(data: st.DataObject, tmp_path: Path) -> None:
    good = b'line number,id,crop,K\n1,m1,"(1, 2, 3, 4)",5\n2,m2,None,0.5\n'
    name = data.draw(st.sampled_from(["experiments.csv", "analysis_parameters.csv"]))
    read = read_experiment if name == "experiments.csv" else read_parameters

    def parsed() -> None:
        line = read(tmp_path, 1)
        assert line is not None
        line.parsed()

    probe(data, tmp_path / name, good, TableError, parsed)


def rois() -> Rois:
    dense = np.zeros((2, 16, 24), np.float32)
    dense[0, 2:6, 3:9] = dense[1, 8:12, 10:14] = 1
    return Rois.of(dense)


@pytest.mark.parametrize("ending", ["json", "npz"])
@PROBED
@given(data=st.data())
def test_a_file_of_regions(data: st.DataObject, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"rois.{ending}"
    if ending == "json":
        save_rois(rois(), file)
    else:
        np.savez(file, A=np.ones((1, 16, 24)), names=np.array(["a"]))
    probe(data, file, file.read_bytes(), ValueError, lambda: load_rois(file, (16, 24)).centers())


@PROBED
@given(data=st.data())
def test_what_a_chain_said(data: st.DataObject, tmp_path: Path) -> None:
    file = tmp_path / "said.npz"
    save_said(Said(), [], file)
    probe(data, file, file.read_bytes(), ValueError, lambda: load_said(file))


@PROBED
@given(data=st.data())
def test_the_description_of_a_node_folder(data: st.DataObject, tmp_path: Path) -> None:
    good = (Path(__file__).parents[2] / "nodes" / "table" / "module.toml").read_bytes()
    (tmp_path / "mine").mkdir(exist_ok=True)
    file = tmp_path / "mine" / "module.toml"
    probe(data, file, good, CatalogError, lambda: Catalog.find([tmp_path]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("observed/.zarray", '"shape": [2000000000, 24, 32]'),
        ("observed/.zarray", '"shape": [5, 2000000, 2000000]'),
        ("ground_truth/C/.zarray", '"shape": [1, 4000000000]'),
    ],
)
def test_an_array_that_says_it_is_enormous_is_not_believed(
    synthetic_once: Path, tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / "rec.zarr"
    shutil.copytree(synthetic_once, path)
    meta = re.sub(r'"shape": \[[^]]*\]', text, (path / name).read_text())
    assert text in meta
    (path / name).write_text(meta)
    with bounded_memory(), pytest.raises(RecordingError, match="not believed"):
        open_recording(path)
        open_minisim_zarr(path).truth()


def test_a_chunk_that_was_cut_takes_nothing_down(synthetic_once: Path, tmp_path: Path) -> None:
    path = tmp_path / "rec.zarr"
    shutil.copytree(synthetic_once, path)
    chunk = path / "ground_truth" / "C" / "0.0"
    good = chunk.read_bytes()
    for bad in (good[:40], b"", good[:12] + b"\xff\xff\xff\x7f" + good[16:], b"\x02" * 64):
        chunk.write_bytes(bad)
        with pytest.raises(RecordingError, match="no sound truth"):
            open_minisim_zarr(path).truth()


@PROBED
@given(data=st.data())
def test_a_packed_chunk(data: st.DataObject) -> None:
    values = np.arange(100.0)
    packed = CheckedBlosc().encode(values)
    try:
        CheckedBlosc().decode(data.draw(damaged(packed)))
    except (ValueError, RuntimeError, RecordingError):
        return
