"""Projects as files in the editor: saved, opened, left and brought back after a crash."""

from pathlib import Path

import pytest
from hands import CTRL, press
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from syntalos_miniscope.examples import examples
from syntalos_miniscope.project import load
from syntalos_miniscope_ui.autosave import autosave_path
from syntalos_miniscope_ui.document import Document


def test_the_title_shows_name_and_unsaved_changes(window, document) -> None:
    assert "Small" in window.windowTitle()
    assert not window.isWindowModified()
    document.rename("camera", "Eye")
    assert window.isWindowModified()


def test_save_asks_for_a_file_once(window, document, tmp_path, monkeypatch) -> None:
    file = tmp_path / "mine.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    document.rename("camera", "Eye")
    press(window, Qt.Key.Key_S, CTRL)
    assert load(file).box("camera").title == "Eye"
    assert not window.isWindowModified()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: pytest.fail("asked again"))
    document.rename("camera", "Ear")
    press(window, Qt.Key.Key_S, CTRL)
    assert load(file).box("camera").title == "Ear"
    assert window.files.recent() == [file]


def test_a_save_that_fails_is_said_and_loses_nothing(window, document, answers, tmp_path) -> None:
    document.file = tmp_path / "nowhere" / "p.toml"
    document.rename("camera", "Eye")
    answers.say = ["Close"]
    assert not window.files.save()
    assert "cannot be saved" in answers.asked[0]
    assert document.dirty


def test_a_broken_file_is_said_in_words_and_changes_nothing(window, answers, tmp_path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[project]\nformat = 99\n")
    before = window.files.document
    answers.say = ["Close"]
    assert not window.files.open(broken)
    assert "newer syntalos-miniscope" in answers.asked[0]
    assert window.files.document is before


def test_leaving_unsaved_changes_asks_and_cancel_stays(window, document, answers) -> None:
    document.rename("camera", "Eye")
    answers.say = ["Cancel"]
    window.files.new()
    assert window.files.document is document
    answers.say = ["Do not save"]
    window.files.new()
    assert window.files.document is not document
    assert window.scene.boxes == {}


def test_unsaved_changes_are_kept_beside_the_file_by_themselves(
    window, document, tmp_path, until
) -> None:
    document.save(tmp_path / "p.toml")
    document.rename("camera", "Eye")
    place = autosave_path(tmp_path / "p.toml")
    until(place.exists)
    document.undo()
    window.files.autosave()
    assert not place.exists()


@pytest.mark.parametrize(
    ("answer", "title"), [("Use them", "Eye"), ("Open the file as it is", "Camera")]
)
def test_what_a_crash_left_is_offered(
    window, catalog, document, answers, tmp_path, answer, title
) -> None:
    file = tmp_path / "p.toml"
    document.save(file)
    crashed = Document.open(catalog, file)
    crashed.rename("camera", "Eye")
    autosave_path(file).write_text(crashed.project.to_toml())
    answers.say = [answer]
    assert window.files.open(file)
    opened = window.files.document
    assert opened.label("camera") == title
    assert opened.dirty is (answer == "Use them")
    assert load(file).box("camera").title == "Camera"


def test_examples_are_opened_without_their_file(window) -> None:
    catalog = window.catalog
    for name, path in examples().items():
        types = {box.type for box in load(path).nodes}
        if types <= set(catalog.folders):
            window.open_example(name)
            assert window.files.document.file is None


def test_a_project_that_never_had_a_file_is_brought_back(
    window, document, answers, tmp_path
) -> None:
    place = autosave_path(None).with_name("untitled-999999999.toml")
    place.parent.mkdir(parents=True)
    place.write_text(document.project.to_toml())
    window.files.new()
    answers.say = ["Bring it back"]
    window.files.offer_orphans()
    assert set(window.scene.boxes) == {box.id for box in document.project.nodes}
    assert window.files.document.dirty
    assert not place.exists()
    assert Path(autosave_path(None)).exists()
