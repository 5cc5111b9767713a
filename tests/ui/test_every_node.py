"""Every shipped node can be added, drawn, set and looked at."""

from itertools import combinations

import pytest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QSlider,
    QTabBar,
    QWidget,
)

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.examples import examples
from syntalos_miniscope.streams import Control
from syntalos_miniscope_ui.studio.model import Studio
from syntalos_miniscope_ui.studio.window import StudioWindow
from syntalos_miniscope_ui.viewers.choice import viewer_for
from syntalos_miniscope_ui.window import EditorWindow


@pytest.fixture
def editor(qtbot, settings, answers):
    window = EditorWindow(Catalog.shipped(), settings, ask=answers)
    window.show()
    yield window
    window.files.document.mark_saved()
    window.close()
    window.deleteLater()


def test_every_node_is_drawn_and_has_its_panel(editor) -> None:
    for type_id in editor.catalog.folders:
        editor.finder.add_in_view(type_id)
        (added,) = editor.scene.selected_boxes()
        box = editor.scene.boxes[added]
        node = editor.catalog.node(type_id)
        assert set(box.ports) == {port.id for port in (*node.inputs, *node.outputs)}
        has_form = bool(node.Settings.model_fields)
        assert (editor.inspector.form is not None) is has_form
    editor.view.fit()
    editor.set_mode("light")
    assert not editor.view.grab().isNull()


def test_every_icon_is_there(editor) -> None:
    for folder in editor.catalog.folders.values():
        assert folder.icon.is_file(), folder.id
        assert editor.palette_list.shown()


def test_every_input_that_carries_data_can_be_looked_at(editor, qtbot) -> None:
    for type_id in editor.catalog.folders:
        for port in editor.catalog.node(type_id).inputs:
            view = viewer_for(port.type, {})
            assert (view is None) is (port.type is Control)
            if view is not None:
                qtbot.addWidget(view)
                view.show()
                view.begin({})
                view.show_items([], 0, 0)


@pytest.mark.parametrize("type_id", Catalog.shipped().folders)
def test_every_knob_of_every_node_says_what_it_is(editor, type_id) -> None:
    editor.finder.add_in_view(type_id)
    assert without_help(editor) == []


def test_everything_in_the_studio_says_what_it_is(qtbot) -> None:
    window = StudioWindow(Studio())
    assert without_help(window) == []
    window.close()
    window.deleteLater()


def without_help(window: QWidget) -> list[str]:
    """Give the knobs and buttons that neither have a tip nor lie in something that has."""
    found: list[str] = []
    for widget in window.findChildren(QWidget):
        if isinstance(widget, (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QSlider)):
            above: QWidget | None = widget
            tip = ""
            while above is not None and above is not window and not tip:
                tip, above = above.toolTip(), above.parentWidget()
            inner = isinstance(widget.parentWidget(), (QLineEdit, QTabBar))
            if not tip and not inner and not widget.objectName().startswith("qt_"):
                found.append(f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}")
    return found


@pytest.mark.parametrize("name", examples())
def test_no_box_of_an_example_covers_another_or_its_wires_ends(editor, name) -> None:
    editor.open_example(name)
    rooms = {
        node_id: box.mapRectToScene(box.childrenBoundingRect() | box.shape().boundingRect())
        for node_id, box in editor.scene.boxes.items()
    }
    for one, other in combinations(rooms, 2):
        assert not rooms[one].intersects(rooms[other]), (one, other)
