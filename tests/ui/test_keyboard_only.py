"""What a person who has no mouse relies on."""

from hands import pull, tip
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope_ui.panels.choice import panel_for


def test_escape_leads_from_a_knob_back_to_the_boxes(window) -> None:
    window.scene.select(["camera"])
    window.inspector.focus_first()
    assert not window.view.hasFocus()
    window.actions_by_name["To the graph"].trigger()
    assert window.focusWidget() is window.view


def test_escape_lets_go_of_a_wire(window, document) -> None:
    before = document.project
    start = tip(window, "camera", "signal-out")
    pull(window, start, start + QPointF(60, 60), let_go=False)
    window.actions_by_name["To the graph"].trigger()
    assert not window.scene._rubber.isVisible()
    QTest.mouseRelease(window.view.viewport(), Qt.MouseButton.LeftButton)
    assert document.project == before
    assert QApplication.activePopupWidget() is None


def test_whatever_takes_the_keyboard_in_a_panel_says_what_it_is(qtbot) -> None:
    catalog = Catalog.shipped()
    for type_id in ("simulated_scope", "video_recorder", "recording_player"):
        panel = panel_for(catalog.node(type_id).Settings())
        qtbot.addWidget(panel)
        for name in catalog.node(type_id).Settings.model_fields:
            knob: QWidget = panel.knob(name)
            assert (knob.focusProxy() or knob).accessibleName(), name
