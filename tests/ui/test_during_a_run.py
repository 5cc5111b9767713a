"""A run that is on keeps its project in the window."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.mark.parametrize("card", ["empty", "miniscope", "rehearsal"])
def test_no_other_project_comes_while_a_run_is_on(
    window, document, answers, run_until, tmp_path, card
) -> None:
    document.save(tmp_path / "mine.toml")
    window.ask_run(record=False)
    run_until(window, "running")
    answers.say = ["Close"] * 3
    QTest.keyClick(window, Qt.Key.Key_N, CTRL)
    assert not window.files.open(tmp_path / "mine.toml")
    window.show_start()
    window.start.picked.emit(card)
    assert len(answers.asked) == 3
    assert all("Stop it first" in asked for asked in answers.asked)
    assert window.files.document is document
    window.running.stop()
    run_until(window, "idle")
    assert window.files.open(tmp_path / "mine.toml")
