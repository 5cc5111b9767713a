"""Sweeping the focus: first without a window, then with one."""

import csv

import cv2
import numpy as np
import pytest

from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.streams import Frame
from syntalos_miniscope_ui.focus_sweep import SETTLE_FRAMES, FocusSweep
from syntalos_miniscope_ui.panels.sweep_dialog import SweepDialog

BEST = 24


def picture(ewl: int, index: int = 0) -> Frame:
    """Cells that are sharp at one focus and blurred away from it."""
    rng = np.random.default_rng(1)
    cells = np.zeros((128, 128), np.float32)
    for x, y in rng.integers(16, 112, (12, 2)):
        cv2.circle(cells, (int(x), int(y)), 5, 180.0, -1)
    blurred = cv2.GaussianBlur(cells, (0, 0), 1 + abs(ewl - BEST) / 10) + 20
    return Frame(index, index * 50_000, blurred.astype(np.uint8))


def test_the_sharpest_plane_is_found() -> None:
    sweep = FocusSweep(range(-40, 41, 8))
    asked: list[int] = []
    while (ewl := sweep.ewl) is not None:
        if not asked or asked[-1] != ewl:
            asked.append(ewl)
        sweep.take([picture(ewl)])
    assert asked == list(range(-40, 41, 8))
    assert sweep.stack().best_ewl == BEST
    assert sweep.stack().planes.shape == (11, 128, 128)


def test_frames_made_before_the_lens_came_to_rest_are_left_out() -> None:
    sweep = FocusSweep([0], frames=2)
    dark = Frame(0, 0, np.zeros((128, 128), np.uint8))
    sweep.take([dark] * SETTLE_FRAMES)
    assert sweep.ewl == 0
    sweep.take([picture(BEST)] * 2)
    assert sweep.ewl is None
    assert sweep.stack().planes.min() > 0


def test_frames_beyond_the_end_change_nothing() -> None:
    sweep = FocusSweep([0], frames=1)
    sweep.take([picture(0)] * 50)
    assert len(sweep.sharpness) == 1


def test_a_sweep_without_a_plane_gives_no_stack() -> None:
    with pytest.raises(ValueError, match="no plane yet"):
        FocusSweep([0]).stack()


@pytest.fixture
def scope() -> list[int]:
    """The focus that was set, one after the other; the last is where the scope is."""
    return [3]


@pytest.fixture
def dialog(qtbot, scope) -> SweepDialog:
    tap = Tap(depth=16)
    widget = SweepDialog(None, tap, 3, scope.append)
    qtbot.addWidget(widget)
    widget.first.setValue(-40)
    widget.last.setValue(40)
    return widget


def sweep(dialog: SweepDialog, scope: list[int], looks: int = 1000) -> None:
    dialog.start()
    dialog._timer.setInterval(3_600_000)  # looked at by hand
    for index in range(looks):
        if not dialog._timer.isActive():
            return
        dialog._tap.hear(picture(scope[-1], index))
        dialog._look()


def test_the_focus_is_put_back_after_a_sweep_and_can_be_set_to_the_best(dialog, scope) -> None:
    sweep(dialog, scope)
    assert scope[-1] == 3
    assert "step +24" in dialog._word.text()
    dialog.best.click()
    assert scope[-1] == BEST


def test_closing_in_the_middle_puts_the_focus_back(dialog, scope) -> None:
    sweep(dialog, scope, looks=30)
    assert scope[-1] != 3
    dialog.close()
    assert scope[-1] == 3


def test_planes_are_saved_with_their_table(dialog, scope, tmp_path) -> None:
    sweep(dialog, scope)
    dialog.save_in(tmp_path / "zstack")
    text = (tmp_path / "zstack" / "planes.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [int(row["Focus (steps)"]) for row in rows] == list(range(-40, 41, 8))
    assert (tmp_path / "zstack" / "planes.tif").is_file()


def test_a_range_that_is_empty_is_said_and_moves_nothing(dialog, scope) -> None:
    dialog.first.setValue(50)
    dialog.start()
    assert "must not be above" in dialog._word.text()
    assert scope == [3]
