import csv

import pandas

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.scope import ORIENTATION_HEADER, orientation_row
from syntalos_miniscope.streams import TableRow

Table = Catalog.shipped().node("table")


def record(tmp_path, header=("Time [ms]", "what"), **settings) -> Script:
    script = Script(
        Table(Table.Settings(**settings)),
        inputs={"rows-in": {"table_header": list(header)}},
        record_to=tmp_path,
    )
    script.prepare()
    script.start()
    return script


def table_of(tmp_path, name="table"):
    (path,) = tmp_path.glob(f"*/*/*/{name}/{name}.csv")
    return path


def test_rows_stand_under_the_header_of_the_stream(tmp_path):
    script = record(tmp_path, name="events")
    script.feed("rows-in", TableRow(("1.000", 'a; "b"')))
    script.stop()
    with table_of(tmp_path, "events").open(newline="") as file:
        assert list(csv.reader(file, delimiter=";")) == [
            ["Time [ms]", "what"],
            ["1.000", 'a; "b"'],
        ]
    assert script.counters["rows"] == 1


def test_orientation_rows_keep_three_and_six_decimals(tmp_path):
    script = record(tmp_path, header=ORIENTATION_HEADER)
    script.feed("rows-in", orientation_row(1_234_567, (0.1234564, 0.5, -0.25, 1.0)))
    script.stop()
    assert table_of(tmp_path).read_text() == (
        "Time [ms];qw;qx;qy;qz\n1234.567;0.123456;0.500000;-0.250000;1.000000\n"
    )
    assert pandas.read_csv(table_of(tmp_path), sep=";").loc[0, "Time [ms]"] == 1234.567


def test_every_row_is_on_disk_before_the_run_ends(tmp_path):
    script = record(tmp_path)
    script.feed("rows-in", TableRow(("1.000", "a")))
    assert table_of(tmp_path).read_text().endswith("1.000;a\n")
    script.stop()


def test_a_run_without_a_folder_writes_nothing():
    script = Script(Table(Table.Settings()))
    script.prepare()
    script.start()
    script.feed("rows-in", TableRow(("1",)))
    script.stop()
