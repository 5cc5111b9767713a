from typing import Any

import numpy as np
import pytest
from sent import sent

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import ControlKind, FloatSignalBlock, TableRow

Trigger: Any = Catalog.shipped().node("trigger")
SIGNAL = {"signal_names": ["a", "b"], "time_unit": "microseconds"}
ROWS = {"table_header": ["Time [us]", "Cell", "Rise"]}
HEAD = {"signal_names": ["qw", "qx", "qy", "qz"], "time_unit": "milliseconds"}


def started(signal=SIGNAL, rows=ROWS, wired=None, **settings) -> Script:
    inputs = {"signal-in": signal, "rows-in": rows}
    script = Script(Trigger(Trigger.Settings(**settings)), inputs=inputs, wired=wired)
    script.prepare()
    script.start()
    return script


def sample(time, *values) -> FloatSignalBlock:
    return FloatSignalBlock(np.array([time], np.int64), np.array([values], np.float32))


def commands(script) -> list[ControlKind]:
    return [control.kind for control in sent(script, "control-out")]


def test_a_trace_that_rises_sends_the_command_and_a_row_with_both_times():
    script = started(watch="b", level=5, command="start")
    script.feed("signal-in", sample(1000, 9, 0))
    script.feed("signal-in", sample(2000, 9, 6))
    assert commands(script) == [ControlKind.START]
    time, decided, cause, value, command = sent(script, "log-out")[0].cells
    assert (time, cause, value, command) == ("2000", "b", "6", "start")
    assert int(decided) >= 0
    header = ["Time [us]", "Decided [us]", "Cause", "Value", "Command"]
    assert script.described["log-out"]["table_header"] == header


def test_any_trace_will_do():
    script = started(watch="any", level=5, refractory_s=0)
    for time, values in enumerate([(0, 0), (9, 0), (9, 9)]):
        script.feed("signal-in", sample(time, *values))
    assert [row.cells[2] for row in sent(script, "log-out")] == ["a", "b"]


def test_the_mean_leaves_out_channels_without_a_cell():
    script = started(watch="mean", level=5)
    script.feed("signal-in", sample(0, 0, np.nan))
    script.feed("signal-in", sample(1, 6, np.nan))
    assert commands(script) == [ControlKind.START]


def test_the_head_turns_past_an_angle():
    script = started(signal=HEAD, watch="yaw", level=30, command="custom", custom_text="left")
    for time, yaw in enumerate([0, 20, 40]):
        half = np.radians(yaw) / 2
        script.feed("signal-in", sample(time, np.cos(half), 0, 0, np.sin(half)))
    (control,) = sent(script, "control-out")
    assert (control.kind, control.command) == (ControlKind.CUSTOM, "left")
    assert sent(script, "log-out")[0].cells[0] == "2000"


def test_a_burst_of_events_fires():
    script = started(events=3, within_ms=100)
    for time in (0, 50_000, 200_000, 250_000, 290_000):
        script.feed("rows-in", TableRow((str(time), "roi 1", "3.0")))
    assert [row.cells[0] for row in sent(script, "log-out")] == ["290000"]


def test_only_the_cells_that_were_named_count():
    script = started(cells="roi 2, roi 5", refractory_s=0)
    for cell in ("roi 1", "roi 5", "roi 22"):
        script.feed("rows-in", TableRow(("0", cell, "3.0")))
    assert [row.cells[3] for row in sent(script, "log-out")] == ["roi 5"]


def test_nothing_follows_within_the_refractory_time_but_it_is_counted():
    script = started(refractory_s=1.0)
    for time in (0, 400_000, 1_100_000):
        script.feed("rows-in", TableRow((str(time), "roi 1", "3.0")))
    assert len(commands(script)) == 2
    assert script.counters["held_back"] == 1 and script.counters["fired"] == 2


def test_a_row_that_cannot_be_read_is_counted():
    script = started()
    for cells in (("soon", "roi 1"), ()):
        script.feed("rows-in", TableRow(cells))
    assert script.counters["unreadable_rows"] == 2 and not commands(script)


def test_the_level_may_change_while_the_run_goes_on():
    script = started(watch="a", level=5, refractory_s=0)
    for value in (0, 3):
        script.feed("signal-in", sample(value, value, 0))
    script.apply(Trigger.Settings(watch="a", level=1, refractory_s=0))
    for value in (0, 3):
        script.feed("signal-in", sample(10 + value, value, 0))
    assert [row.cells[0] for row in sent(script, "log-out")] == ["13"]


def test_how_late_decisions_are_is_reported():
    script = started()
    script.feed("rows-in", TableRow(("0", "roi 1", "3.0")))
    script.stop()
    assert script.counters["latency_p99_us"] >= script.counters["latency_p50_us"] >= 0


@pytest.mark.parametrize(
    ("settings", "signal", "rows", "words"),
    [
        ({"watch": "c"}, SIGNAL, ROWS, "no channel 'c'; there are a, b"),
        ({"watch": "yaw"}, SIGNAL, ROWS, "no channel 'yaw'"),
        ({}, SIGNAL, {"table_header": ["Name"]}, r"such as Time \[us\], not 'Name'"),
        ({}, SIGNAL | {"time_unit": "fortnights"}, ROWS, "fortnights"),
        ({"cells": "x"}, SIGNAL, {"table_header": ["Time [s]", "What"]}, "no column Cell"),
    ],
)
def test_a_rule_that_cannot_be_refuses_the_run(settings, signal, rows, words):
    with pytest.raises(ValueError, match=words):
        started(signal, rows, **settings)
