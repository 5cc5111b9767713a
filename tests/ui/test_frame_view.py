"""The view of frames: what is shown, saved, told, limited and drawn into."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage

from syntalos_miniscope.analysis.rois import load_rois, save_rois
from syntalos_miniscope.streams import Control, ControlKind, Frame
from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.viewers.picture import (
    SATURATION_RED,
)


def frame(index: int, value: int = 100, shape=(24, 32)) -> Frame:
    return Frame(index, index * 50_000, np.full(shape, value, np.uint8))


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
