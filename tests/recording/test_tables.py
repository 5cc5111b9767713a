import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.tables import TableWriter, read_table


@pytest.mark.parametrize("separator", [";", ","])
@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0")),
            min_size=3,
            max_size=3,
        ),
        max_size=8,
    )
)
def test_any_cells_come_back(tmp_path_factory, separator, rows):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    writer = TableWriter(path, ["Time [ms]", "b", "c"], separator)
    for row in rows:
        writer.add(row)
    writer.close()
    table = read_table(path)
    assert table.header == ("Time [ms]", "b", "c")
    assert table.rows == rows
    assert table.damage == ()


@given(st.binary(max_size=300))
def test_any_bytes_give_a_table_or_one_line(tmp_path_factory, noise):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_bytes(noise)
    try:
        table = read_table(path)
        table.orientation()
    except RecordingError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)


def test_a_cut_row_is_left_out_and_counted(tmp_path):
    (tmp_path / "t.csv").write_text("Time [ms],qw,qx,qy,qz\n1,1,0,0,0\n2,1,0\n")
    table = read_table(tmp_path / "t.csv")
    assert len(table.rows) == 1
    assert table.damage == ("t.csv: 1 rows are incomplete and left out",)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("Time [ms]", 1000), ("Time Stamp (ms)", 1000), ("time (s)", 1_000_000), ("Time [µs]", 1)],
)
def test_times_are_in_the_unit_of_their_header(tmp_path, name, factor):
    (tmp_path / "t.csv").write_text(f"{name},qw,qx,qy,qz\n3,1,0,0,0\n2,0,1,0,0\n")
    orientation = read_table(tmp_path / "t.csv").orientation()
    assert orientation is not None
    assert orientation.time_us.tolist() == [2 * factor, 3 * factor]
    np.testing.assert_array_equal(orientation.quaternion[0], [0, 1, 0, 0])


def test_the_trailing_separators_of_syntalos_are_no_column(shared_data):
    table = read_table(shared_data / "edl-blink1/miniscope/ctlvalue-changes.csv")
    assert table.header == ("Time", "ID", "Display Value", "Device Value")
    assert table.rows[1] == ["0", "frameRate", "20", "5000"]


def test_a_full_disk_is_one_line(tmp_path, small_disk):
    writer = TableWriter(tmp_path / "t.csv", ["a"])
    with small_disk(100):
        with pytest.raises(RecordingError, match=r"cannot write .*t\.csv"):
            for _ in range(100):
                writer.add(["1234567890"])
        with pytest.raises(RecordingError, match=r"cannot write .*t\.csv"):
            writer.close()
        writer.close()
    assert len(read_table(tmp_path / "t.csv").rows) > 5


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "t.csv").write_text("precious")
    with pytest.raises(RecordingError, match=r"cannot write .*t\.csv: File exists"):
        TableWriter(tmp_path / "t.csv", ["a"])
