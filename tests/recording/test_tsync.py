import lzma
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.tsync import Column, Kind, Mode, Unit, read_tsync
from syntalos_miniscope.recording.tsync_writer import BLOCK_ENTRIES, TimeFileWriter

RUN = "019ec0a1-faed-76e8-85b1-9b0fec7ca6c7"


def write(path: Path, entries: list[tuple[int, int]], **header) -> bytes:
    path.unlink(missing_ok=True)
    with TimeFileWriter(
        path, module="Recorder", collection_id=RUN, created_s=1_700_000_000, **header
    ) as file:
        for entry in entries:
            file.add(*entry)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "count", "first", "last", "unit"),
    [
        ("syntalos-2.x-valid", 36064, (1, 274135), (36064, 1204758385), Unit.MICROSECONDS),
        ("syntalos-3.0-temp-broken", 27060, (0, 167896), (27059, 903756703), Unit.MICROSECONDS),
        ("syntalos-3.x-valid", 3125, (0, 46911), (3124, 125006924), Unit.MICROSECONDS),
        ("edl-blink1", 1287, (1, 40), (1287, 65117), Unit.MILLISECONDS),
    ],
)
def test_files_of_all_times_are_read(shared_data, tmp_path, name, count, first, last, unit):
    path = tmp_path / "times.tsync"
    if name == "edl-blink1":
        path = shared_data / "edl-blink1/videos/miniscope/msslice_timestamps.tsync"
    else:
        path.write_bytes(lzma.open(shared_data / f"tsync/{name}.tsync.xz").read())
    file = read_tsync(path)
    assert file.damage == ()
    assert len(file.entries) == count
    assert (tuple(file.entries[0]), tuple(file.entries[-1])) == (first, last)
    assert file.columns == (
        Column("frame-no", Unit.INDEX, Kind.UINT32),
        Column("master-time", unit, Kind.UINT64),
    )


def test_edlio_reads_what_is_written(tmp_path):
    tsyncfile = pytest.importorskip("edlio.dataio.tsyncfile", reason="edlio needs Python 3.12")
    entries = [(i, 40_000 * i + 7) for i in range(2 * BLOCK_ENTRIES + 5)]
    write(tmp_path / "t.tsync", entries, user={"tolerance_us": 500})
    theirs = tsyncfile.TSyncFile(tmp_path / "t.tsync")
    assert theirs.times.tolist() == [list(entry) for entry in entries]
    assert theirs.time_labels == ("frame-no", "master-time")
    assert theirs.collection_id == UUID(RUN)
    assert theirs.generator_name == "Recorder"
    assert theirs.time_created == datetime.fromtimestamp(1_700_000_000, UTC)
    assert theirs.tolerance.magnitude == 500


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1)), max_size=60),
    st.integers(0, 700),
)
@example([(1, 5), (2, 6)], 3)
def test_what_is_written_comes_back_and_a_cut_loses_only_the_end(tmp_path_factory, entries, cut):
    path = tmp_path_factory.mktemp("tsync") / "t.tsync"
    whole = write(path, entries)
    assert read_tsync(path).entries.tolist() == [list(entry) for entry in entries]
    path.write_bytes(whole[: len(whole) - min(cut, 12 * len(entries))])
    kept = read_tsync(path)
    assert kept.entries.tolist() == [list(entry) for entry in entries][: len(kept.entries)]
    # The seal has 16 bytes, an entry 12.
    assert len(kept.entries) >= len(entries) - max(cut - 16 + 11, 0) // 12 - (0 < cut < 16)
    assert bool(kept.damage) == (0 < min(cut, 12 * len(entries)))


@settings(max_examples=200)
@given(st.data())
def test_a_flipped_bit_is_refused_or_said(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("tsync") / "t.tsync"
    whole = bytearray(write(path, [(i, 50_000 * i) for i in range(20)]))
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    path.write_bytes(whole)
    try:
        assert read_tsync(path).damage
    except RecordingError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)


@settings(max_examples=200)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_give_one_line_or_entries(tmp_path_factory, noise, with_magic):
    path = tmp_path_factory.mktemp("tsync") / "t.tsync"
    path.write_bytes(bytes.fromhex("8a54534e43e28fb201000200") * with_magic + noise)
    with pytest.raises(RecordingError, match="not a sound tsync file"):
        read_tsync(path)


def test_entries_are_on_disk_before_the_file_is_closed(tmp_path):
    writer = TimeFileWriter(tmp_path / "t.tsync", module="r", collection_id=RUN, created_s=0)
    for i in range(BLOCK_ENTRIES + 3):
        writer.add(i, i)
    file = read_tsync(tmp_path / "t.tsync")
    assert len(file.entries) == BLOCK_ENTRIES + 3
    assert file.damage == ("the time file was cut: its last 3 times have no checksum",)
    writer.close()
    assert read_tsync(tmp_path / "t.tsync").damage == ()


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_them_all(tmp_path, monkeypatch):
    writer = TimeFileWriter(tmp_path / "t.tsync", module="r", collection_id=RUN, created_s=0)
    write, close = writer._file.write, writer._file.close
    taken = SimpleNamespace(write=lambda data: write(data[:5]), close=close, closed=False)
    monkeypatch.setattr(writer, "_file", taken)
    writer.add(1, 2)
    writer.close()
    file = read_tsync(tmp_path / "t.tsync")
    assert (file.entries.tolist(), file.damage) == ([[1, 2]], ())


def test_a_time_file_that_is_there_is_never_written_over(tmp_path):
    (tmp_path / "t.tsync").write_bytes(b"precious")
    with pytest.raises(RecordingError, match=r"cannot write .*t\.tsync: File exists"):
        TimeFileWriter(tmp_path / "t.tsync", module="r", collection_id=RUN, created_s=0)
    assert (tmp_path / "t.tsync").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("unit", "us"), [(Unit.NANOSECONDS, 3), (Unit.MILLISECONDS, 3_141_000), (Unit.SECONDS, 3141e6)]
)
def test_times_of_every_unit_are_given_in_microseconds(tmp_path, unit, us):
    columns = (Column("no", Unit.INDEX, Kind.UINT32), Column("time", unit, Kind.UINT64))
    write(tmp_path / "t.tsync", [(0, 3141)], columns=columns)
    assert read_tsync(tmp_path / "t.tsync").times_us().tolist() == [us]


def test_signed_columns_and_sync_points_keep_their_values(tmp_path):
    columns = (
        Column("approx-master-time", Unit.MICROSECONDS, Kind.INT64),
        Column("sync-offset", Unit.MICROSECONDS, Kind.INT64),
    )
    write(tmp_path / "o.tsync", [(5, -17), (-(2**62), 3)], columns=columns, mode=Mode.SYNCPOINTS)
    file = read_tsync(tmp_path / "o.tsync")
    assert file.mode is Mode.SYNCPOINTS
    np.testing.assert_array_equal(file.times_us(1), [-17, 3])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecordingError, match=r"cannot read .*no\.tsync: No such file"):
        read_tsync(tmp_path / "no.tsync")
