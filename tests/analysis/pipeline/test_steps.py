import json

import pytest

from syntalos_miniscope.analysis.pipeline.steps import Steps
from syntalos_miniscope.recording import RecordingError


def test_a_step_is_done_while_its_stamp_is_the_same_and_its_files_are_there(tmp_path):
    (tmp_path / "a.txt").write_text("")
    Steps(tmp_path).finish("one", "x", ["a.txt"], told=[1, 2])
    again = Steps(tmp_path)
    assert again.has("one", "x") and not again.has("one", "y") and not again.has("two", "x")
    assert again.told("one", "x") == [1, 2] and again.told("one", "y") is None
    (tmp_path / "a.txt").unlink()
    assert not again.has("one", "x")


def test_a_step_that_is_begun_again_is_not_done_until_it_is_finished(tmp_path):
    (tmp_path / "a.txt").write_text("")
    steps = Steps(tmp_path)
    steps.begin("one")
    steps.finish("one", "x", ["a.txt"])
    steps.begin("one")
    assert not Steps(tmp_path).has("one", "x")
    steps.finish("one", "y")
    assert Steps(tmp_path).has("one", "y") and not (tmp_path / "a.txt").exists()


def test_what_a_step_left_before_and_does_not_leave_now_is_deleted(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("")
    steps = Steps(tmp_path)
    steps.finish("one", "x", ["a.txt", "b.txt"])
    steps.finish("one", "y", ["b.txt"])
    assert not (tmp_path / "a.txt").exists() and (tmp_path / "b.txt").exists()


def test_a_file_that_leads_out_is_not_deleted(tmp_path):
    (tmp_path / "mine.txt").write_text("")
    folder = tmp_path / "out"
    folder.mkdir()
    record = {"one": {"stamp": "x", "files": ["../mine.txt"]}}
    (folder / "steps.json").write_text(json.dumps(record))
    with pytest.raises(RecordingError, match="leads out of"):
        Steps(folder).finish("one", "y")
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"one": 3}', "\x00"])
def test_a_record_that_cannot_be_read_is_as_none(tmp_path, text):
    (tmp_path / "steps.json").write_text(text)
    steps = Steps(tmp_path)
    assert not steps.has("one", "x")
    with pytest.raises(RecordingError, match="files of something else"):
        steps.refuse_others("x")


def test_a_folder_is_one_recordings(tmp_path):
    steps = Steps(tmp_path / "new")
    steps.refuse_others("x")
    steps.claim("x")
    Steps(tmp_path / "new").refuse_others("x")
    with pytest.raises(RecordingError, match="another recording"):
        Steps(tmp_path / "new").refuse_others("y")
