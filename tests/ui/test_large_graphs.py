"""What keeps a graph of many boxes quick to the hand."""

from itertools import product
from threading import Thread

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from small import HERE, find_boxes

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.node import Node
from syntalos_miniscope.project import ProjectError, Wire, check
from syntalos_miniscope_ui.app import load_nodes
from syntalos_miniscope_ui.document import Document


def test_a_wire_fits_exactly_when_the_project_can_be_checked_with_it(document: Document) -> None:
    blurs = [document.add("blur", (600.0, 100.0 * n)) for n in range(3)]
    document.connect(("camera", "frames-raw-out"), (blurs[0], "frames-in"))
    document.connect((blurs[0], "frames-out"), (blurs[1], "frames-in"))
    document.connect((blurs[1], "frames-out"), (blurs[2], "frames-in"))
    nodes = document.graph.nodes.items()
    outs = [(node, port.id) for node, made in nodes for port in made.type.outputs]
    ins = [(node, port.id) for node, made in nodes for port in made.type.inputs]
    for source, target in product(outs, ins):
        wire = Wire.model_validate({"from": ".".join(source), "to": ".".join(target)})
        others = [other for other in document.project.wires if other.target != wire.target]
        project = document.project.model_copy(update={"wires": (*others, wire)})
        fits = document.misfit(source, target) is None
        if fits:
            check(project, document.catalog)
        else:
            with pytest.raises(ProjectError):
                check(project, document.catalog)


def test_wires_that_would_fit_are_found_without_checking_the_project_for_each(
    document: Document, monkeypatch
) -> None:
    monkeypatch.setattr(
        "syntalos_miniscope_ui.document.check", lambda *_: pytest.fail("the project was checked")
    )
    assert document.connections("canvas")


def test_selecting_many_boxes_is_told_of_once(window) -> None:
    told: list[int] = []
    window.scene.selectionChanged.connect(lambda: told.append(len(window.scene.selected_boxes())))
    window.view.setFocus()
    QTest.keyClick(window.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert told == [len(window.scene.boxes)]


def test_boxes_are_loaded_before_a_wire_looks_for_them(monkeypatch) -> None:
    catalog = find_boxes()
    load_nodes(catalog)
    monkeypatch.setattr("syntalos_miniscope.catalog._load", lambda _: pytest.fail("loaded late"))
    for type_id in catalog.folders:
        catalog.node(type_id)


def test_a_box_that_cannot_be_loaded_keeps_no_other_from_being(tmp_path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "module.toml").write_text(
        '[syntalos_module]\nname = "Broken"\ndescription = ""\nmain = "node.py"\nicon = "i.svg"\n'
    )
    (folder / "node.py").write_text("import nothing_of_that_name")
    catalog = Catalog.find([tmp_path, HERE / "nodes"])
    load_nodes(catalog)
    assert set(catalog._loaded) == set(catalog.folders) - {"broken"}


def test_a_box_that_two_threads_ask_for_is_loaded_once() -> None:
    catalog = Catalog.find([HERE / "nodes"])
    given: list[type[Node]] = []
    threads = [Thread(target=lambda: given.append(catalog.node("camera"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 8
    assert len(set(given)) == 1
