"""Boxes that are copied and pasted, without a window."""

from syntalos_miniscope_ui.document import Document


def test_a_copy_lies_on_no_other_box_and_has_a_title_of_its_own(document: Document) -> None:
    text = document.copy(["camera", "canvas"])
    document.paste(text)
    document.paste(text)
    places = [box.position for box in document.project.nodes]
    assert len(set(places)) == len(places)
    titles = [box.title for box in document.project.nodes]
    assert len(set(titles)) == len(titles)
    assert document.label("camera_3") == "Camera 3"


def test_a_wire_that_hangs_loose_in_a_copied_text_is_left_behind(document: Document) -> None:
    loose = document.copy(["camera", "canvas"]).replace('id = "canvas"', 'id = "other"')
    assert document.paste(loose) == ["camera_2", "other"]
    assert not [w for w in document.project.wires if w.source_end[0] == "camera_2"]
