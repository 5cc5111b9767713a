"""Views of signals, rows and orientation, and which view a stream gets."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame, TableRow
from syntalos_miniscope_ui.viewers.choice import viewer_for
from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.viewers.orientation import OrientationView
from syntalos_miniscope_ui.viewers.rows import MOST_ROWS, RowsView
from syntalos_miniscope_ui.viewers.signals import SignalView


def block(*times_us: int, channels: int = 2) -> FloatSignalBlock:
    data = np.tile(np.asarray(times_us, np.float32)[:, None], channels)
    return FloatSignalBlock(np.array(times_us, np.int64), data)


def test_signals_are_drawn_in_the_unit_of_the_stream(qtbot) -> None:
    view = SignalView()
    qtbot.addWidget(view)
    view.begin({"time_unit": "milliseconds", "signal_names": ["a", "b"]})
    view.stacked.setChecked(False)
    view.show_items([block(1000, 2000, 3000)], 1, 0)
    curve: Any = view._curves[1]
    times, values = curve.getData()
    assert times.tolist() == [1, 2, 3]
    assert values.tolist() == [1000, 2000, 3000]


def test_stacked_channels_lie_apart(qtbot) -> None:
    view = SignalView()
    qtbot.addWidget(view)
    view.begin({"time_unit": "microseconds"})
    view.show_items([block(*range(0, 100_000, 1000), channels=5)], 1, 0)
    curves: list[Any] = [curve.getData()[1] for curve in view._curves]
    spans = [(values.min(), values.max()) for values in curves]
    assert all(lower[1] < upper[0] for upper, lower in pairwise(spans))
    view.stacked.setChecked(False)


@pytest.mark.parametrize("samples", [5, 5000])
def test_channels_without_values_leave_the_others_in_sight(qtbot, samples) -> None:
    view = SignalView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.begin({"time_unit": "microseconds"})
    data = np.ones((samples, 3), np.float32)
    data[:, 1] = np.nan
    data[samples // 2, 2] = np.nan
    times = np.arange(samples, dtype=np.int64) * 1000
    view.show_items([FloatSignalBlock(times, data)], 1, 0)
    shown: list[Any] = [curve.getData()[1] for curve in view._curves]
    assert np.isfinite(shown[0]).all()
    assert np.isnan(shown[1]).all()
    assert np.isfinite(shown[2]).mean() > 0.7
    assert not view.grab().isNull()


def test_more_channels_than_can_be_read_are_told_of(qtbot) -> None:
    view = SignalView()
    qtbot.addWidget(view)
    view.begin({})
    view.show_items([block(0, 1, channels=150)], 1, 0)
    assert "32 of 150 channels" in view._line.text()


def test_a_new_stream_forgets_the_old_curves(qtbot) -> None:
    view = SignalView()
    qtbot.addWidget(view)
    for channels in (2, 5):
        view.begin({})
        view.show_items([block(0, 1, channels=channels)], 1, 0)
        assert len(view._curves) == channels


def test_rows_are_shown_under_their_header_and_never_too_many(qtbot) -> None:
    view = RowsView()
    qtbot.addWidget(view)
    view.begin({"table_header": ["Time [ms]", "qw"]})
    for start in range(0, 3 * MOST_ROWS, 700):
        rows = [TableRow((str(number), "x")) for number in range(start, start + 700)]
        view.show_items(rows, start + 700, 0)
    assert view.model.rowCount() == MOST_ROWS
    last = view.model.index(MOST_ROWS - 1, 0)
    assert view.model.data(last) == "3499"
    assert view.model.headerData(0, view._table.horizontalHeader().orientation()) == "Time [ms]"


def test_rows_without_a_header_are_numbered(qtbot) -> None:
    view = RowsView()
    qtbot.addWidget(view)
    view.begin({})
    view.show_items([TableRow(("1", "2", "3"))], 1, 0)
    assert view.model.columnCount() == 3


def test_the_head_turns_with_the_newest_sample(qtbot) -> None:
    view = OrientationView()
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.show()
    view.begin({"time_unit": "milliseconds", "signal_names": ["qw", "qx", "qy", "qz"]})
    empty = view.head.grab().toImage()
    data = np.array([[1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5]], np.float32)
    view.show_items([FloatSignalBlock(np.array([0, 50], np.int64), data)], 1, 0)
    assert view.head._quaternion == (0.5, 0.5, 0.5, 0.5)
    assert view.head.grab().toImage() != empty


@pytest.mark.parametrize(
    ("item_type", "metadata", "expected"),
    [
        (Frame, {}, FrameView),
        (TableRow, {}, RowsView),
        (FloatSignalBlock, {"signal_names": ["a"]}, SignalView),
        (FloatSignalBlock, {"signal_names": ["qw", "qx", "qy", "qz"]}, OrientationView),
        (Control, {}, type(None)),
    ],
)
def test_the_view_is_chosen_by_the_stream(qtbot, item_type, metadata, expected) -> None:
    view = viewer_for(item_type, metadata)
    if view is not None:
        qtbot.addWidget(view)
    assert type(view) is expected
