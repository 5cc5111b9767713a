"""A project with boxes whose nodes are not installed here: shown, kept as they are, never run."""

import pytest
from PySide6.QtWidgets import QLabel
from small import find_boxes

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.project import ProjectError, check, load, parse
from syntalos_miniscope.streams import Control, Frame
from syntalos_miniscope_ui.document import Document

PROJECT = """
[project]
format = 1
title = "From another lab"

[[nodes]]
id = "camera"
type = "camera"

[[nodes]]
id = "sharpen"
type = "lab_sharpen"
title = "Sharpen"
position = [320, 0]
[nodes.settings]
radius_px = 3
[nodes.settings.kernel]
rows = [[0, 1], [1, 0]]

[[nodes]]
id = "thin"
type = "lab_thin"
position = [640, 0]

[[nodes]]
id = "show"
type = "canvas"
position = [960, 0]

[[wires]]
from = "camera.frames-raw-out"
to = "sharpen.frames-in"

[[wires]]
from = "sharpen.frames-out"
to = "thin.frames-in"

[[wires]]
from = "sharpen.frames-out"
to = "show.frames-in"

[[wires]]
from = "thin.odd-out"
to = "sharpen.odd-in"
"""


@pytest.fixture
def document(catalog) -> Document:
    return Document(catalog, parse(PROJECT, "theirs.toml"))


def test_what_is_missing_is_saved_back_as_it_was(document, tmp_path) -> None:
    document.rename("camera", "Eye")
    document.move({"sharpen": (64, 64)})
    document.undo()
    document.save(tmp_path / "theirs.toml")
    before, after = parse(PROJECT, "theirs.toml"), load(tmp_path / "theirs.toml")
    assert after.nodes[1:] == before.nodes[1:]
    assert after.wires == before.wires


def test_a_missing_box_has_the_ports_that_are_wired_and_gives_what_flows_there(document) -> None:
    nodes = document.graph.nodes
    assert [(p.id, p.type) for p in nodes["sharpen"].type.outputs] == [("frames-out", Frame)]
    assert [(p.id, p.type) for p in nodes["sharpen"].type.inputs] == [
        ("frames-in", Frame),
        ("odd-in", Control),
    ]
    assert document.misfit(("camera", "signal-out"), ("sharpen", "frames-in")) is not None
    assert document.misfit(("camera", "frames-disp-out"), ("sharpen", "frames-in")) is None
    assert [(p.id, p.type) for p in nodes["thin"].type.inputs] == [("frames-in", Frame)]


def test_a_missing_box_is_copied_and_undone_like_any_other(document) -> None:
    assert document.paste(document.copy(["sharpen", "thin"])) == ["sharpen_2", "thin_2"]
    assert document.project.box("sharpen_2").settings == document.project.box("sharpen").settings
    document.remove(["sharpen", "sharpen_2", "thin", "thin_2"])
    document.undo()
    assert document.missing("sharpen") == "node 'lab_sharpen' is not installed"


def test_a_missing_box_says_so_on_the_canvas_and_in_its_settings(window, document) -> None:
    window.files.take(document)
    box = window.scene.boxes["sharpen"]
    assert box.lines == ("lab_sharpen", "node 'lab_sharpen' is not installed")
    assert box.dot() == window.theme.bad
    window.scene.select(["sharpen"])
    assert window.inspector.form is None
    (words,) = window.inspector.findChildren(QLabel, "trouble")
    assert words.text().startswith("Cannot run here: node 'lab_sharpen' is not installed")
    assert window.scene.boxes["show"].error is None


def test_a_run_is_refused_with_the_box_and_what_is_missing(
    window, document, answers, until
) -> None:
    window.files.take(document)
    answers.say = ["Close"]
    window.ask_run(record=False)
    until(lambda: len(answers.asked) == 1)
    until(lambda: not window.before_run.busy)
    assert "This cannot run:" in answers.asked[0]
    assert "• Sharpen: node 'lab_sharpen' is not installed\n" in answers.asked[0]
    assert window.running.phase == "idle"


def test_a_node_that_cannot_be_imported_is_missing_too(tmp_path) -> None:
    folder = tmp_path / "lab_thin"
    folder.mkdir()
    toml = '[syntalos_module]\nname = "Thin"\ndescription = "Thins."\nmain = "node.py"\n'
    (folder / "module.toml").write_text(toml + 'icon = "icon.svg"\n')
    (folder / "node.py").write_text("import a_library_of_that_lab")
    boxes = find_boxes()
    catalog = Catalog({**boxes.folders, **Catalog.find([tmp_path]).folders})
    document = Document(catalog, parse(PROJECT, "theirs.toml"))
    why = document.missing("thin")
    assert why is not None
    assert "No module named 'a_library_of_that_lab'" in why


def test_what_stands_in_for_a_node_in_the_editor_can_be_run_nowhere(document, catalog) -> None:
    assert "sharpen" in document.graph.nodes
    with pytest.raises(ProjectError, match="node 'sharpen': there is no node 'lab_sharpen'"):
        check(document.project, catalog)
