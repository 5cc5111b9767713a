"""What a stream looks like: first without widgets, then with them."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage

from syntalos_miniscope.analysis.rois import load_rois, save_rois
from syntalos_miniscope.display import SATURATED
from syntalos_miniscope.streams import Control, ControlKind, FloatSignalBlock, Frame, TableRow
from syntalos_miniscope_ui.viewers.choice import viewer_for
from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.viewers.orientation import OrientationView, euler_deg, rotation
from syntalos_miniscope_ui.viewers.picture import (
    COLOURS,
    SATURATION_RED,
    Pace,
    as_bytes,
    auto_limits,
    colour_table,
)
from syntalos_miniscope_ui.viewers.rows import MOST_ROWS, RowsView
from syntalos_miniscope_ui.viewers.signals import SignalView, Trail, thinned


def frame(index: int, value: int = 100, shape=(24, 32)) -> Frame:
    return Frame(index, index * 50_000, np.full(shape, value, np.uint8))


def block(*times_us: int, channels: int = 2) -> FloatSignalBlock:
    data = np.tile(np.asarray(times_us, np.float32)[:, None], channels)
    return FloatSignalBlock(np.array(times_us, np.int64), data)


# Without widgets


@pytest.mark.parametrize("name", COLOURS)
def test_every_colour_table_gets_brighter(name: str) -> None:
    table = colour_table(name, 0, 255, show_saturation=False).astype(int)
    light = table[:, :3] @ np.array([299, 587, 114])
    assert table.shape == (256, 4)
    assert (np.diff(light) >= -1500).all()
    assert light[255] > light[0]


def test_limits_stretch_what_lies_between() -> None:
    table = colour_table("grey", 50, 100, show_saturation=False)
    assert table[:51, 0].max() == 0
    assert table[75, 0] in (127, 128)
    assert table[100:, 0].min() == 255


def test_saturated_pixels_are_red_wherever_the_limits_are() -> None:
    table = colour_table("grey", 0, 20, show_saturation=True)
    assert tuple(table[SATURATED]) == SATURATION_RED
    assert tuple(table[SATURATED - 1]) != SATURATION_RED


def test_deep_frames_keep_their_highest_bits() -> None:
    deep = np.array([[0, 16, 4080, 4095, 65535]], np.uint16)
    assert as_bytes(deep, 4095).tolist() == [[0, 1, 255, 255, 255]]


def test_a_frame_of_bytes_is_not_copied() -> None:
    mat = np.zeros((4, 4), np.uint8)
    assert as_bytes(mat, 65535) is mat


@given(st.lists(st.integers(0, 10_000), min_size=256, max_size=256))
def test_auto_limits_are_in_range_and_apart(counts: list[int]) -> None:
    low, high = auto_limits(np.array(counts))
    assert 0 <= low < high <= 255


def test_the_pace_is_that_of_the_last_two_seconds() -> None:
    pace = Pace()
    for tick in range(100):
        pace.count(tick / 20, tick)
    assert pace.per_s == pytest.approx(20)
    for tick in range(100):
        pace.count(5 + tick / 20, 100)
    assert pace.per_s == 0


def test_a_trail_keeps_the_newest_in_order() -> None:
    trail = Trail(1, capacity=10)
    for start in range(0, 24, 4):
        times = np.arange(start, start + 4, dtype=float)
        trail.add(times, times.astype(np.float32)[:, None])
    times, values = trail.last(100)
    assert times.tolist() == list(range(14, 24))
    assert values[:, 0].tolist() == list(range(14, 24))
    assert trail.last(3)[0].tolist() == [20, 21, 22, 23]


def test_a_block_larger_than_the_trail_leaves_its_end() -> None:
    trail = Trail(1, capacity=10)
    times = np.arange(25, dtype=float)
    trail.add(times, times.astype(np.float32)[:, None])
    assert trail.last(100)[0].tolist() == list(range(15, 25))


def test_thinning_keeps_every_spike() -> None:
    values = np.zeros((10_000, 1), np.float32)
    values[7_321] = 9
    times, shown = thinned(np.arange(10_000) / 1000, values, 500)
    assert len(times) == len(shown) <= 500
    assert shown.max() == 9


def test_a_short_trail_is_not_thinned() -> None:
    values = np.ones((20, 2), np.float32)
    assert thinned(np.arange(20.0), values, 500)[1] is values


@given(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 1e-3))
def test_a_rotation_keeps_lengths_and_hands(quaternion) -> None:
    turn = rotation(quaternion)
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_the_angles_of_plain_turns() -> None:
    half = np.sqrt(0.5)
    assert euler_deg((1, 0, 0, 0)) == pytest.approx((0, 0, 0))
    assert euler_deg((half, half, 0, 0)) == pytest.approx((90, 0, 0))
    assert euler_deg((half, 0, 0, half)) == pytest.approx((0, 0, 90))


# With widgets


@pytest.fixture
def view(qtbot) -> FrameView:
    widget = FrameView()
    qtbot.addWidget(widget)
    widget.resize(500, 500)
    widget.show()
    widget.begin({"size": (32, 24), "framerate": 20.0})
    return widget


def test_the_newest_frame_is_shown(view) -> None:
    view.show_items([frame(1), frame(2)], 2, 0)
    assert view.frame.index == 2


def test_the_picture_is_saved_pixel_by_pixel(view, tmp_path) -> None:
    mat = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32) // 4
    view.auto.setChecked(False)
    view.show_items([Frame(0, 0, mat)], 1, 0)
    view.snapshot(tmp_path / "p.png")
    saved = QImage(str(tmp_path / "p.png"))
    assert (saved.width(), saved.height()) == (32, 24)
    view.snapshot(tmp_path / "q")
    assert (tmp_path / "q.png").is_file()
    assert saved.pixelColor(5, 10).red() == mat[10, 5]


def test_a_snapshot_before_any_frame_is_refused(view, tmp_path) -> None:
    with pytest.raises(ValueError, match="no frame"):
        view.snapshot(tmp_path / "p.png")


def test_a_snapshot_shows_saturation_in_red(view, tmp_path) -> None:
    view.saturation.setChecked(True)
    view.show_items([frame(0, 255)], 1, 0)
    view.snapshot(tmp_path / "p.png")
    assert QImage(str(tmp_path / "p.png")).pixelColor(0, 0).getRgb() == SATURATION_RED


def test_colour_frames_are_shown_as_they_are(view, tmp_path) -> None:
    mat = np.zeros((24, 32, 3), np.uint8)
    mat[..., 0] = 200  # blue, in BGR order
    view.show_items([Frame(0, 0, mat)], 1, 0)
    view.snapshot(tmp_path / "p.png")
    assert QImage(str(tmp_path / "p.png")).pixelColor(3, 3).name() == "#0000c8"
    view.show_items([frame(1)], 2, 0)
    view.snapshot(tmp_path / "q.png")


def test_the_pixel_under_the_mouse_is_told(view) -> None:
    mat = np.zeros((24, 32), np.uint8)
    mat[10, 5] = 77
    view.show_items([Frame(0, 0, mat)], 1, 0)
    view._moved(view._box.mapViewToScene(QPointF(5.5, 10.5)))
    assert "x 5  y 10  =  77" in view._line.text()
    view._moved(QPointF(-50, -50))
    assert "x 5" not in view._line.text()


def test_deep_frames_are_shown_by_their_full_scale(view) -> None:
    view.begin({"full_scale": 1023, "depth": 2})
    view.show_items([Frame(0, 0, np.full((24, 32), 512, np.uint16))], 1, 0)
    assert view._grey[0, 0] == 128
    view._moved(view._box.mapViewToScene(QPointF(5.5, 10.5)))
    assert "=  512" in view._line.text()


def test_what_was_not_shown_is_told(view) -> None:
    view.show_items([frame(9)], 10, 9)
    assert "9 not shown" in view._line.text()


def test_commands_freeze_step_and_go_on(view) -> None:
    view.show_items([frame(1)], 1, 0)
    view.obey(Control(ControlKind.PAUSE))
    view.show_items([frame(2)], 2, 0)
    assert view.frame.index == 1
    view.obey(Control(ControlKind.STEP))
    view.show_items([frame(3)], 3, 0)
    view.show_items([frame(4)], 4, 0)
    assert view.frame.index == 3
    view.obey(Control(ControlKind.START))
    view.show_items([frame(5)], 5, 0)
    assert view.frame.index == 5


def test_limits_follow_the_histogram_until_a_person_pulls_them(view) -> None:
    rng = np.random.default_rng(0)
    mat = rng.integers(100, 140, (24, 32), dtype=np.uint8)
    for index in range(12):
        view._histogram_s = 0
        view.show_items([Frame(index, index, mat)], index + 1, 0)
    low, high = view._levels.limits()
    assert 95 <= low <= 105
    assert 135 <= high <= 145
    view._levels._region.setRegion((10, 20))
    assert not view.auto.isChecked()
    view._histogram_s = 0
    view.show_items([Frame(99, 99, mat)], 13, 0)
    assert view._levels.limits() == (10, 20)


def test_regions_are_drawn_saved_and_read_again(view, tmp_path) -> None:
    view.show_items([frame(0)], 1, 0)
    for kind in ("rectangle", "ellipse", "polygon"):
        view._add_roi(kind)
    drawn = view.rois.as_data()
    file = tmp_path / "rois.json"
    view.rois.save(file, (32, 24))
    assert json.loads(file.read_text())["size"] == [32, 24]
    view.rois.clear()
    assert view.rois.as_data() == []
    view.rois.load(file)
    assert view.rois.as_data() == drawn
    assert [roi["name"] for roi in drawn] == ["roi 1", "roi 2", "roi 3"]


def test_regions_that_are_drawn_are_those_that_are_analysed(view, tmp_path) -> None:
    view.show_items([frame(0)], 1, 0)
    view.rois.add("rectangle", (10, 8), 6)
    view.rois.add("ellipse", (20, 12), 8)
    view.rois.save(tmp_path / "rois.json", (32, 24))
    read = load_rois(tmp_path / "rois.json", (24, 32))
    assert read.names == ("roi 1", "roi 2")
    assert np.allclose(read.centers(), [(8, 10), (12, 20)], atol=0.6)
    save_rois(read, tmp_path / "again.json")
    view.rois.load(tmp_path / "again.json")
    assert [roi["name"] for roi in view.rois.as_data()] == ["roi 1", "roi 2"]


def test_a_file_that_holds_no_regions_is_refused_and_changes_nothing(view, tmp_path) -> None:
    view._add_roi("ellipse")
    before = view.rois.as_data()
    (tmp_path / "x.json").write_text('{"rois": [{"name": 1}]}')
    with pytest.raises(ValueError, match="not a file of regions"):
        view.rois.load(tmp_path / "x.json")
    assert view.rois.as_data() == before


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
