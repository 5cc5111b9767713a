"""Closing the window while a run is on, and one that hangs."""

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from syntalos_miniscope_ui import closing
from syntalos_miniscope_ui.closing import LEAVE, STAY
from syntalos_miniscope_ui.dialogs import ask


def default_answer() -> list[str]:
    """Dismiss the question that is coming; give what the Return key would have answered."""
    answer: list[str] = []

    def look() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        answer.append(box.defaultButton().text())
        box.reject()

    QTimer.singleShot(0, look)
    return answer


def test_closing_a_running_editor_asks(window, answers, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    answers.say = ["Keep running"]
    assert not window.close()
    assert window.running.phase == "running"
    answers.say = ["Stop and close"]
    assert window.close()
    assert window.running.phase == "idle"


def test_no_slip_of_the_return_key_ends_a_run(window, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.ask = ask
    default = default_answer()
    assert not window.close()
    assert default == ["Keep running"]
    assert window.running.phase == "running"


def test_a_run_that_ends_while_it_is_asked_about_lets_the_window_close(window, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    window.ask = ask
    QTimer.singleShot(0, window.running.stop)
    assert window.close()
    assert window.running.phase == "idle"


@pytest.fixture
def gate(window, document, tmp_path, run_until, monkeypatch) -> Path:
    """A run whose camera does not get ready until there is this file."""
    monkeypatch.setattr(closing, "PATIENCE_S", 0.02)
    file = tmp_path / "ready"
    settings = document.settings("camera").model_copy(update={"wait_for": str(file)})
    document.set_settings("camera", settings)
    document.mark_saved()
    window.ask_run(record=True)
    run_until(window, "preparing")
    return file


def test_a_box_that_hangs_is_named_and_can_be_left(window, answers, gate) -> None:
    answers.say = ["Stop and close", LEAVE]
    assert window.close()
    assert "Camera is not ready yet. The window closes by itself" in answers.asked[1]
    assert window.running.left
    gate.touch()
    assert window.running.join(60)


def test_a_box_that_hangs_may_be_waited_for(window, answers, gate) -> None:
    answers.say = ["Stop and close", STAY]
    assert not window.close()
    assert window.isVisible()
    assert not window.running.left
    gate.touch()
    assert window.running.join(60)
    assert window.running.error is None
    answers.say = []
    assert window.close()


def test_a_question_is_withdrawn_once_it_is_answered_by_events(window, qtbot) -> None:
    asked: list[QMessageBox] = []

    def is_over() -> bool:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            asked.append(box)
        return bool(asked)

    answer = ask(window, "Camera is not ready yet.", "Or leave it.", [LEAVE, STAY], until=is_over)
    assert answer == STAY
    assert asked[0].text() == "Camera is not ready yet."


def test_what_may_be_left_is_not_left_by_the_return_key(window) -> None:
    default = default_answer()
    assert ask(window, "Slow.", "", [LEAVE, STAY], until=lambda: False) == STAY
    assert default == [STAY]
