"""What keeps a graph of many boxes quick to the hand."""

from itertools import product

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from syntalos_miniscope.project import ProjectError, Wire, check
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
