"""Every shipped node can be added, drawn, set and looked at."""

import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.streams import Control
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
