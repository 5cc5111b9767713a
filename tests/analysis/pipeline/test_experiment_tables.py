import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syntalos_miniscope.analysis.pipeline.configs import ConfigError, configs_of
from syntalos_miniscope.analysis.pipeline.experiment_tables import (
    TableError,
    configs_of_line,
    parse_cell,
    read_experiment,
    read_parameters,
)

EXPERIMENTS = (
    "line number,id,date (YYMMDD),calcium imaging directory,comments\n"
    '96,R1,240131,"R1/2024_01_31/12_00_00/My_V4_Miniscope","good, calm"\n'
    "97,R2,240201,R2/somewhere,\n"
)
PARAMETERS = (
    "line number,crop_coords,gSig,min_corr,min_pnr,rf,stride,decay_time,pw_rigid,K,mine\n"
    '96,"(67, 503, 555, 61)","(3, 3)",0.85,10,25,10,0.4,TRUE,None,hello\n'
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "experiments.csv").write_text(EXPERIMENTS)
    (tmp_path / "analysis_parameters.csv").write_text(PARAMETERS)
    return tmp_path


def test_an_experiment_is_found_by_its_line_number(project):
    cells = read_experiment(project, 96).cells
    assert cells["calcium imaging directory"] == "R1/2024_01_31/12_00_00/My_V4_Miniscope"
    assert cells["comments"] == "good, calm"


def configs(project, **options):
    return configs_of_line(read_parameters(project, 96), options)


def test_parameters_are_what_the_cells_mean(project):
    found = configs(project)
    assert found.preprocess.crop_coords == (67, 503, 555, 61)
    cells = found.extraction
    assert (cells.gSig, cells.min_corr, cells.min_pnr) == ((3, 3), 0.85, 10)
    assert (cells.rf, cells.stride, cells.decay_time) == (25, 10, 0.4)
    assert cells.pw_rigid is True and cells.K is None
    assert cells.strides == (48, 48)


def test_columns_that_nobody_knows_ride_along(project):
    line = read_parameters(project, 96)
    assert line is not None and line.parsed()["mine"] == "hello"


def test_without_the_table_the_defaults_hold(tmp_path):
    assert configs(tmp_path) == configs_of({}, {})


def test_the_stages_are_told_by_columns_too_in_their_long_or_short_names(tmp_path):
    (tmp_path / "analysis_parameters.csv").write_text(
        "line number,detrend_method,df_over_f,method,spectrogram,event_height,cut,crop_coords\n"
        '96,None,TRUE,delta_f_over_f,FALSE,2.5,"(0.2, 2)",None\n'
    )
    found = configs(tmp_path)
    assert found.preprocess.detrend_method is None and found.preprocess.crop_coords is None
    assert found.preprocess.df_over_f_method == "delta_f_over_f"
    assert found.postprocess.compute_miniscope_spectrogram is False
    assert (found.postprocess.event_height, found.postprocess.cut) == (2.5, (0.2, 2))


def test_an_option_stands_over_the_table(project):
    found = configs(project, gSig=(5, 5), detrend_method="linear")
    assert found.extraction.gSig == (5, 5) and found.extraction.min_corr == 0.85
    assert found.preprocess.detrend_method == "linear"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gsig": (3, 3)}, "gsig: there is no such setting"),
        ({"gSig": "seven"}, "gSig: .* not 'seven'"),
        ({"df_over_f_method": "f"}, "df_over_f_method: Input should be .* not 'f'"),
    ],
)
def test_an_option_that_cannot_be_is_named(project, options, words):
    with pytest.raises(ConfigError, match=words):
        configs(project, **options)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(7, 7)", (7, 7)), ("[1, 2]", [1, 2]), ('{"a": 1}', {"a": 1}), ("15", 15), ("0.4", 0.4),
        ("1e-3", 1e-3), ("TRUE", True), ("false", False), ("None", None), ("", None), ("nan", None),
        ('"(67, 503, 555, 61)"', (67, 503, 555, 61)), ("1e400", math.inf),
        (" oasis ", "oasis"), ("240131", 240131), ("'x'", "x"), ("a, b", "a, b"), ("inf", math.inf),
        (r"D:\data", r"D:\data"), (r"'\d'", r"\d"),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_what_it_looks_like(text, value):
    assert parse_cell(text) == value


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_cell_can_be_read(text):
    parse_cell(text)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
def test_a_table_may_come_from_another_program(tmp_path, line_end):
    text = (
        "\ufeff\n line number ,calcium imaging directory,comments,,\n"
        '95.0,"R\n1",,,\n96,R 2,"said ""calm"" \u2028, twice",,\n,,,,\n'
    )
    with (tmp_path / "experiments.csv").open("w", newline="", encoding="utf-8") as file:
        file.write(text.replace("\n", line_end))
    cells = read_experiment(tmp_path, 96).cells
    assert cells["calcium imaging directory"] == "R 2"
    assert cells["comments"] == 'said "calm" \u2028, twice'
    assert read_experiment(tmp_path, 95).where.endswith("line 3")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("line number,a\n96,1,2\n", "line 2, column 3: 3 fields where the header has 2"),
        ("line number,a,b\n96,1\n", "line 2, column b: 2 fields where the header has 3"),
        ("line number,a\n\n97,1\nx6,2\n", "line 4, column line number: 'x6' is not a whole"),
        ("line number,a\n96,1\n96,2\n", "line 3, column line number: 96 is there twice"),
        ("line number,a\n97,1\n98,1\n", "no line number 96; it has 97, 98$"),
        ("line number,a\n,1\n", "line 2, column line number: '' is not a whole"),
        ("line number,a,a\n96,1,2\n", "line 1, column a: it is there twice"),
        ("line number;a\n96;1\n", "line 1: there is no column .*; commas separate columns"),
        ("number,a\n96,1\n", "line 1: there is no column 'line number'"),
        ("", "line 1: there is no column"),
        (
            'line number,a,b\n96,"x\ny","z\n97,1,2\n',
            "line 2, column b: unexpected end of data; a q",
        ),
        ('line number,a\n96,"b"c\n', "line 2, column a: .* expected after"),
        ("line number,a\n96,Ren\udce9\n", "line 2, column a: it is not UTF-8 text"),
        ("\udcff\udcfel\0i\0", "line 1, column 1: it is not UTF-8 text"),
    ],
)
def test_a_malformed_table_is_answered_with_file_line_and_column(tmp_path, table, words):
    (tmp_path / "experiments.csv").write_text(table, "utf-8", "surrogateescape")
    with pytest.raises(TableError, match=words) as refused:
        read_experiment(tmp_path, 96)
    assert "experiments.csv" in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("gSig", "seven", "column gSig: .* not 'seven'"),
        ("crop_coords", '"(1, 2, 3)"', r"column crop_coords: .* not '\(1, 2, 3\)'"),
        ("min_corr", "3", "column min_corr: .*less than or equal to 1"),
        ("pw_rigid", "maybe", "column pw_rigid: .*not 'maybe'"),
        ("decay_time", "-1", "column decay_time: .*greater than 0"),
        ("min_pnr", "inf", "column min_pnr: .*finite number"),
        ("crop_coords", '"(0, 0, 9, 1e999)"', "column crop_coords: .*finite number"),
        ("gSig", '"(-3, 3)"', "column gSig: .*greater than or equal to 0"),
        ("gSiz", '"(1e9, 3)"', "column gSiz: .*less than or equal to 4096"),
        ("strides", '"(0, 48)"', "column strides: .*greater than or equal to 1"),
        ("cut", '"(1.5, 0.1)"', r"column cut: a band is \(low, high\), Hz, not"),
        ("method", "mean", "column method: .*not 'mean'"),
        ("detrend_method", "cubic", "column detrend_method: .*not 'cubic'"),
    ],
)
def test_a_value_that_cannot_be_is_answered_with_its_column(tmp_path, column, cell, words):
    text = f"line number,{column}\n96,{cell}\n"
    (tmp_path / "analysis_parameters.csv").write_text(text)
    with pytest.raises(TableError, match=f"analysis_parameters.csv, line 2, {words}"):
        configs(tmp_path)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "experiments.csv").write_bytes(b"line number,a\n\xff\xfe,1\n")
    with pytest.raises(TableError, match="is not UTF-8 text"):
        read_experiment(tmp_path, 96)
    with pytest.raises(TableError, match=r"cannot read .*experiments.csv"):
        read_experiment(tmp_path / "none", 96)
