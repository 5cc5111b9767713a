from typing import Any

import numpy as np
import pandas
import zarr

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.recording.signals import CHUNK_SAMPLES
from syntalos_miniscope.streams import FloatSignalBlock

Recorder: Any = Catalog.shipped().node("signal_recorder")
STREAM = {"time_unit": "microseconds", "data_unit": "au", "signal_names": ["a", "b"]}


def record(tmp_path, blocks, inputs=STREAM, **settings):
    script = Script(
        Recorder(Recorder.Settings(**settings)), inputs={"signal-in": inputs}, record_to=tmp_path
    )
    script.prepare()
    script.start()
    for block in blocks:
        script.feed("signal-in", block)
    script.stop()
    return script


def block(first: int, count: int) -> FloatSignalBlock:
    data = np.random.default_rng(first).normal(size=(count, 2)).astype(np.float32)
    return FloatSignalBlock(np.arange(first, first + count, dtype=np.int64), data)


def found(tmp_path, ending):
    (path,) = tmp_path.glob(f"*/*/*/signal/signal.{ending}")
    return path


def test_a_table_holds_every_float_exactly_under_its_unit(tmp_path):
    blocks = [block(0, 5), block(5, 1)]
    script = record(tmp_path, blocks)
    table = pandas.read_csv(found(tmp_path, "csv"), sep=";")
    assert list(table.columns) == ["Time [µs]", "a", "b"]
    assert table["Time [µs]"].tolist() == list(range(6))
    stored = table[["a", "b"]].to_numpy().astype(np.float32)
    np.testing.assert_array_equal(stored, np.concatenate([b.data for b in blocks]))
    assert script.counters["samples"] == 6


def test_times_stay_in_the_unit_that_the_stream_declares(tmp_path):
    record(tmp_path, [block(0, 3)], inputs=STREAM | {"time_unit": "milliseconds"})
    assert found(tmp_path, "csv").read_text().startswith("Time [ms];a;b\n0;")


def test_zarr_holds_the_same_over_its_chunks(tmp_path):
    blocks = [block(0, CHUNK_SAMPLES - 1), block(CHUNK_SAMPLES - 1, 2), block(CHUNK_SAMPLES + 1, 9)]
    record(tmp_path, blocks, format="zarr")
    group: Any = zarr.open_group(str(found(tmp_path, "zarr")), mode="r")
    np.testing.assert_array_equal(group["data"][:], np.concatenate([b.data for b in blocks]))
    assert group["timestamps"][:].tolist() == list(range(CHUNK_SAMPLES + 10))
    assert dict(group.attrs) == STREAM


def test_a_signal_without_a_sample_leaves_the_file_that_is_promised(tmp_path):
    record(tmp_path / "1", [], inputs={})
    assert found(tmp_path / "1", "csv").read_text() == "Time [µs]\n"
    record(tmp_path / "2", [], format="zarr")
    group: Any = zarr.open_group(str(found(tmp_path / "2", "zarr")), mode="r")
    assert group["data"].shape == (0, 2)
