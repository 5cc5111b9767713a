"""The document, without a window."""

from itertools import pairwise

import pytest

from syntalos_miniscope.project import ProjectError, load
from syntalos_miniscope_ui.arrange import GRID, align, tidy
from syntalos_miniscope_ui.document import Document


def test_every_edit_can_be_taken_back_and_done_again(document: Document) -> None:
    seen = [document.project]
    document.add("blur", (10, 20))
    seen.append(document.project)
    document.connect(("camera", "frames-raw-out"), ("blur", "frames-in"))
    seen.append(document.project)
    document.move({"blur": (64, 64)})
    seen.append(document.project)
    document.rename("blur", "Soft")
    seen.append(document.project)
    settings = document.settings("camera")
    document.set_settings("camera", settings.model_copy(update={"level": 99}))
    seen.append(document.project)
    document.remove(["blur"])
    seen.append(document.project)
    document.paste(document.copy(["camera", "canvas"]))
    seen.append(document.project)

    for project in reversed(seen):
        assert document.project == project
        document.undo()
    assert document.undo_label is None
    for project in seen[1:]:
        document.redo()
        assert document.project == project
    assert document.redo_label is None


def test_an_edit_after_undo_forgets_what_was_undone(document: Document) -> None:
    document.add("blur", (0, 0))
    document.undo()
    document.rename("camera", "Eye")
    assert document.redo_label is None


def test_a_pulled_slider_is_one_step_back(document: Document) -> None:
    before = document.project
    for level in (20, 30, 40):
        settings = document.settings("camera").model_copy(update={"level": level})
        document.set_settings("camera", settings, merge=("settings", "camera", "level"))
    document.undo()
    assert document.project == before


def test_a_slider_let_go_begins_a_new_step(document: Document) -> None:
    for level in (20, 30):
        settings = document.settings("camera").model_copy(update={"level": level})
        document.set_settings("camera", settings, merge=("settings", "camera", "level"))
        document.seal()
    document.undo()
    assert document.project.box("camera").settings == {"level": 20}


def test_settings_at_their_default_are_not_written(document: Document) -> None:
    defaults = document.settings("camera")
    document.set_settings("camera", defaults.model_copy(update={"level": 50}))
    assert document.project.box("camera").settings == {"level": 50}
    document.set_settings("camera", defaults)
    assert document.project.box("camera").settings == {}


def test_a_misfit_says_why(document: Document) -> None:
    why = document.misfit(("camera", "signal-out"), ("canvas", "frames-in"))
    assert why == "Signal gives signals, Frames takes frames"
    assert document.misfit(("camera", "frames-raw-out"), ("canvas", "frames-in")) is None


def test_a_wire_of_the_wrong_type_changes_nothing(document: Document) -> None:
    before = document.project
    with pytest.raises(ProjectError, match="gives FloatSignalBlock, but Frame is wanted"):
        document.connect(("camera", "signal-out"), ("canvas", "frames-in"))
    assert document.project == before
    assert document.undo_label is None


def test_a_circle_of_data_does_not_fit(document: Document) -> None:
    one, two = document.add("blur", (0, 0)), document.add("blur", (0, 0))
    document.connect((one, "frames-out"), (two, "frames-in"))
    why = document.misfit((two, "frames-out"), (one, "frames-in"))
    assert why is not None
    assert "circle" in why


def test_a_second_wire_into_an_input_replaces_the_first(document: Document) -> None:
    document.connect(("camera", "frames-raw-out"), ("canvas", "frames-in"))
    into = [w for w in document.project.wires if w.target == "canvas.frames-in"]
    assert [wire.source for wire in into] == ["camera.frames-raw-out"]


def test_removing_a_box_takes_its_wires_along(document: Document) -> None:
    document.remove(["camera"])
    assert document.project.wires == ()


def test_pasted_boxes_have_free_ids_and_their_wires_between_them(document: Document) -> None:
    text = document.copy(["camera", "canvas"])
    assert document.paste(text) == ["camera_2", "canvas_2"]
    pasted = [w for w in document.project.wires if w.source_end[0] == "camera_2"]
    assert [(wire.source, wire.target) for wire in pasted] == [
        ("camera_2.frames-disp-out", "canvas_2.frames-in")
    ]
    assert document.paste(text) == ["camera_3", "canvas_3"]


def test_what_is_no_project_is_not_pasted(document: Document) -> None:
    before = document.project
    with pytest.raises(ProjectError):
        document.paste("a sentence from somewhere")
    assert document.project == before


def test_saving_makes_it_clean_and_an_edit_dirty(document: Document, tmp_path) -> None:
    document.rename("camera", "Eye")
    assert document.dirty
    document.save(tmp_path / "p.toml")
    assert not document.dirty
    assert load(tmp_path / "p.toml") == document.project
    document.rename("camera", "Ear")
    assert document.dirty
    document.undo()
    assert not document.dirty


def test_a_save_that_fails_leaves_it_dirty(document: Document, tmp_path) -> None:
    document.rename("camera", "Eye")
    with pytest.raises(ProjectError, match="cannot be saved"):
        document.save(tmp_path / "nowhere" / "p.toml")
    assert document.dirty


def test_listeners_hear_every_change(document: Document) -> None:
    heard: list[int] = []
    document.listeners.append(lambda: heard.append(len(document.project.nodes)))
    document.add("blur", (0, 0))
    document.undo()
    assert heard == [6, 5]


def test_possible_wires_are_those_that_fit_and_are_not_there(document: Document) -> None:
    wires = {(w.source, w.target) for w in document.connections("canvas")}
    assert (("camera", "frames-raw-out"), ("canvas", "frames-in")) in wires
    assert (("camera", "frames-disp-out"), ("canvas", "frames-in")) not in wires
    assert all("canvas" in (source[0], target[0]) for source, target in wires)


def test_aligning_puts_edges_on_one_line() -> None:
    rects = {"a": (0.0, 0.0, 100.0, 50.0), "b": (30.0, 90.0, 60.0, 20.0)}
    assert align(rects, "left") == {"a": (0, 0), "b": (0, 90)}
    assert align(rects, "right") == {"a": (0, 0), "b": (40, 90)}
    assert align(rects, "top") == {"a": (0, 0), "b": (30, 0)}
    assert align(rects, "bottom") == {"a": (0, 60), "b": (30, 90)}
    assert align(rects, "middle") == {"a": (0, 37.5), "b": (30, 52.5)}


def test_tidying_puts_every_box_right_of_what_feeds_it(document: Document) -> None:
    sizes = dict.fromkeys(document.graph.nodes, (200.0, 100.0))
    places = tidy(document.graph, sizes)
    for wire in document.graph.wires:
        assert places[wire.target[0]][0] >= places[wire.source[0]][0] + 200 + GRID
    tops = sorted(top for node, (_, top) in places.items() if node != "camera")
    assert all(after - before >= 100 for before, after in pairwise(tops))


def test_tidying_puts_graphs_that_no_wire_joins_below_each_other_in_order(
    document: Document,
) -> None:
    pasted = document.paste(document.copy(["camera", "recorder"]))
    document.move({pasted[0]: (0, -900), pasted[1]: (900, -900)})
    document.add("blur", (0, 5000))
    joined = {box.id for box in document.project.nodes} - {*pasted, "blur"}
    places = tidy(document.graph, dict.fromkeys(document.graph.nodes, (200.0, 100.0)))
    tops = {node: top for node, (_, top) in places.items()}
    assert {tops[node] for node in pasted} == {0}
    assert min(tops[node] for node in joined) > 100
    assert tops["blur"] > max(tops[node] for node in joined) + 100
    assert places["blur"][0] == places["camera"][0] == 0
