"""A save loses nothing that somebody else has written."""

import pytest
from PySide6.QtWidgets import QFileDialog

from syntalos_miniscope.project import load


@pytest.mark.parametrize(
    ("answer", "title"), [("Save over it", "Eye"), ("Cancel", "of another window")]
)
def test_a_file_that_another_window_has_saved_is_not_overwritten_unasked(
    window, document, answers, tmp_path, answer, title
) -> None:
    file = tmp_path / "shared.toml"
    document.save(file)
    assert window.files.open(file)
    mine = window.files.document
    other = file.read_text().replace('"Camera"', '"of another window"')
    file.write_text(other)
    mine.rename("camera", "Eye")
    answers.say = [answer]
    assert window.files.save() is (answer == "Save over it")
    assert "another window" in answers.asked[0]
    assert load(file).box("camera").title == title
    assert mine.dirty is (answer == "Cancel")
    mine.mark_saved()


def test_ones_own_saves_are_not_asked_about(window, document, answers, tmp_path) -> None:
    document.save(tmp_path / "mine.toml")
    window.files.open(tmp_path / "mine.toml")
    for name in ("Eye", "Ear"):
        window.files.document.rename("camera", name)
        assert window.files.save()
    assert answers.asked == []


def test_a_name_without_ending_asks_before_it_replaces_a_file(
    window, document, answers, tmp_path, monkeypatch
) -> None:
    there = tmp_path / "rig.toml"
    there.write_text("of somebody else")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "rig"), ""))
    answers.say = ["Cancel"]
    assert not window.files.ask_save_as()
    assert there.read_text() == "of somebody else"
    answers.say = ["Replace it"]
    assert window.files.ask_save_as()
    assert load(there).box("camera")
