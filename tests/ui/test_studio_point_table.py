"""Tables of given positions and shifts, from files and spreadsheets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope_ui.studio.point_table import POSITIONS, SHIFTS

TABLE = "x_um,y_um,z_um\n10,-20,150\n0,0.5,120\n"
CENTERS_UM = [(150.0, -20.0, 10.0), (120.0, 0.5, 0.0)]

depths = st.floats(0, 1e4, allow_subnormal=False)
places = st.floats(-1e4, 1e4, allow_subnormal=False)


@given(st.lists(st.tuples(depths, places, places), min_size=1, max_size=20))
def test_positions_that_are_written_are_read_again(positions) -> None:
    assert POSITIONS.read(POSITIONS.write(positions)) == positions


@given(st.lists(st.tuples(places, places), min_size=1, max_size=20))
def test_shifts_that_are_written_are_read_again(shifts) -> None:
    assert SHIFTS.read(SHIFTS.write(shifts)) == shifts


@given(st.text(alphabet='xyz_um0123456789.,;-\t\n "einfa', max_size=80))
def test_whatever_is_pasted_is_positions_or_one_line(text) -> None:
    try:
        read = POSITIONS.read(text)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert all(np.isfinite(position).all() and position[0] >= 0 for position in read)


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        "10,-20,150\n\n0,0.5,120",
        '"cell","z_um","x_um","y_um"\n"a",150,10,-20\n"b",120,0,0.5\n',
    ],
)
def test_tables_of_several_programs_are_read(text) -> None:
    assert POSITIONS.read(text) == CENTERS_UM


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there are no positions; a row is x_um, y_um, z_um"),
        ("x_um,y_um,z_um\n", "there are no positions"),
        ("x,y,z\n1,2,3\n", "there is no column x_um among x, y, z"),
        ("1,2,3\n4,5\n", "row 2: 2 columns"),
        ("7,1,2,3\n", "row 1: 4 columns without their names; there must be x_um, y_um, z_um"),
        ("x_um,y_um,z_um\n1,2,deep\n", "row 2: z_um is 'deep'; it must be µm"),
        ("1,2,nan\n", "row 1: z_um is 'nan'"),
        ("1,2,-3\n", "row 1: z_um is -3; the surface is 0 and depth counts up"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_row(text, why) -> None:
    with pytest.raises(ValueError, match=why):
        POSITIONS.read(text)


@pytest.mark.parametrize("text", ["1,-2\n0,0.5", "frame;dy_um;dx_um\n0;-2;1\n1;0.5;0\n"])
def test_a_table_of_shifts_is_read(text) -> None:
    assert SHIFTS.read(text) == [(-2.0, 1.0), (0.5, 0.0)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there are no shifts; a row is dx_um, dy_um"),
        ("dx_um,dy_um\n1,2\n3,left\n", "row 3: dy_um is 'left'; it must be µm"),
        ("0,1,2\n", "row 1: 3 columns without their names; there must be dx_um, dy_um"),
        ("0,0\n" * (SHIFTS.most + 1), "250,001 shifts are too many; at most 250,000"),
    ],
)
def test_shifts_that_cannot_be_used_are_refused_with_their_row(text, why) -> None:
    with pytest.raises(ValueError, match=why):
        SHIFTS.read(text)


def test_a_file_that_cannot_be_used_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"cannot read .*none\.csv"):
        POSITIONS.load(tmp_path / "none.csv")
    (tmp_path / "movie.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ValueError, match=r"movie\.csv is no text"):
        POSITIONS.load(tmp_path / "movie.csv")
    (tmp_path / "short.csv").write_text("1,2\n")
    with pytest.raises(ValueError, match=r"short\.csv: row 1: 2 columns"):
        POSITIONS.load(tmp_path / "short.csv")
