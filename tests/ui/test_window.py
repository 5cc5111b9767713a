"""The window: menus, first steps and colours, as a person meets them."""

import pytest
from hands import press
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.project import check
from syntalos_miniscope_ui.running import LogLine
from syntalos_miniscope_ui.start_strip import MINISCOPE


def test_the_miniscope_to_begin_with_fits_the_shipped_nodes() -> None:
    check(MINISCOPE, Catalog.shipped())


def test_every_action_of_the_menus_has_a_name_and_a_tip(window) -> None:
    for name, action in window.actions_by_name.items():
        assert name.strip()
        assert action.toolTip()


def test_no_two_actions_share_a_key(window) -> None:
    keys = [
        shortcut.toString()
        for action in window.actions_by_name.values()
        for shortcut in action.shortcuts()
    ]
    assert len(keys) == len(set(keys))


def test_first_steps_open_and_go(window, answers) -> None:
    press(window, Qt.Key.Key_F1)
    assert window.start is not None
    window.start.picked.emit("empty")
    assert window.scene.boxes == {}
    window.hide_start()
    assert window.start is None
    assert window.settings.value("window/start-seen", type=bool)


def test_a_run_puts_the_first_steps_away(window, run_until) -> None:
    window.show_start()
    window.ask_run(record=False)
    run_until(window, "running")
    assert window.start is None


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_mode_is_remembered_and_worn(window, mode) -> None:
    window.set_mode(mode)
    assert window.settings.value("window/mode") == mode
    assert window.palette().window().color().name().upper() == window.theme.window


def test_a_click_on_the_log_selects_the_box(window) -> None:
    window.log.add([LogLine(1.0, "error", "camera", "the lens cap is on")])
    window.log.itemClicked.emit(window.log.topLevelItem(0), 0)
    assert window.scene.selected_boxes() == ["camera"]


def test_f2_renames_the_selected_box(window, document) -> None:
    window.scene.select(["camera"])
    window.view.setFocus()
    QTest.keyClick(window.view, Qt.Key.Key_F2)
    title = window.inspector._title
    title.setText("Eye")
    title.editingFinished.emit()
    assert document.label("camera") == "Eye"
    assert window.scene.boxes["camera"].node.box.label == "Eye"


def test_colours_may_change_while_a_box_is_selected(window) -> None:
    window.scene.select(["camera"])
    window.set_mode("light")
    assert window.scene.selected_boxes() == ["camera"]
    assert window.inspector.form is not None


def test_regions_that_are_saved_are_offered_to_the_box_that_reads_them(
    window, document, answers, run_until
) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.running.stop()
    run_until(window, "idle")
    traces = document.add("traces", (640, 0))
    answers.say = ["Use them"]
    window.views.docks["canvas", "frames-in"].widget().rois_saved.emit("/tmp/rois.json")
    assert "Use these regions in Traces?" in answers.asked[0]
    assert document.project.box(traces).settings == {"rois": "/tmp/rois.json"}
