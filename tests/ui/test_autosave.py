"""Unsaved changes survive a crash."""

import subprocess
import sys

from syntalos_miniscope.project import load
from syntalos_miniscope_ui import autosave
from syntalos_miniscope_ui.document import Document


def test_unsaved_changes_lie_beside_the_file(document, tmp_path) -> None:
    file = tmp_path / "p.toml"
    document.save(file)
    document.rename("camera", "Eye")
    autosave.keep(document)
    left = autosave.left_over(file)
    assert left is not None
    assert left.box("camera").title == "Eye"
    assert load(file).box("camera").title == "Camera"


def test_a_saved_project_leaves_no_copy(document, tmp_path) -> None:
    document.save(tmp_path / "p.toml")
    document.rename("camera", "Eye")
    autosave.keep(document)
    document.save(tmp_path / "p.toml")
    autosave.keep(document)
    assert [path.name for path in tmp_path.iterdir() if "p.toml" in path.name] == ["p.toml"]


def test_a_copy_equal_to_the_file_is_not_offered(document, tmp_path) -> None:
    document.save(tmp_path / "p.toml")
    document.mark_unsaved()
    autosave.keep(document)
    assert autosave.left_over(tmp_path / "p.toml") is None


def test_a_broken_copy_is_not_offered(document, tmp_path) -> None:
    document.save(tmp_path / "p.toml")
    autosave.autosave_path(tmp_path / "p.toml").write_text("half a fi")
    assert autosave.left_over(tmp_path / "p.toml") is None


def test_what_another_open_editor_keeps_is_its_own(document, tmp_path) -> None:
    file = tmp_path / "p.toml"
    document.save(file)
    document.rename("camera", "Eye")
    autosave.keep(document)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        theirs = tmp_path / f".p.toml.{other.pid}.autosave"
        autosave.autosave_path(file).rename(theirs)
        assert autosave.left_over(file) is None
        autosave.discard(file)
        assert theirs.exists()
        other.communicate(b"\n")
    left = autosave.left_over(file)
    assert left is not None
    assert left.box("camera").title == "Eye"
    autosave.discard(file)
    assert not theirs.exists()


def test_a_project_without_a_file_is_kept_and_found_once_its_editor_is_gone(document) -> None:
    document.rename("camera", "Eye")
    autosave.keep(document)
    place = autosave.autosave_path(None)
    assert load(place) == document.project
    assert autosave.orphans() == []  # this process, its editor, is alive
    gone = place.with_name(f"untitled-{_dead_pid()}.toml")
    place.rename(gone)
    assert autosave.orphans() == [gone]


def test_recovered_changes_count_as_unsaved(catalog, document: Document) -> None:
    recovered = Document(catalog, document.project)
    assert not recovered.dirty
    recovered.mark_unsaved()
    assert recovered.dirty


def _dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid
