"""The window goes on while something slow is waited for."""

from threading import Event

from PySide6.QtCore import QTimer

from syntalos_miniscope_ui import run_bar


def test_a_disk_that_does_not_answer_holds_up_no_window(window, monkeypatch, until) -> None:
    asked, answer = Event(), Event()

    def free_bytes(_folder) -> int:
        asked.set()
        answer.wait(60)
        return 3 * 2**30

    monkeypatch.setattr(run_bar, "free_bytes", free_bytes)
    monkeypatch.setattr(run_bar, "DISK_EVERY_S", 0.0)
    window.run_bar._look_s = 0.0
    until(lambda: not window.run_bar._looking.is_alive())
    window.live.refresh()
    assert asked.wait(60)
    window.live.refresh()
    answer.set()
    until(lambda: not window.run_bar._looking.is_alive())
    window.live.refresh()
    assert "3.0 GiB free" in window.run_bar.clock.text()


def test_the_window_is_drawn_while_a_run_is_closed(window, answers, run_until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    beats: list[int] = []
    beat = QTimer(window)
    beat.timeout.connect(lambda: beats.append(1))
    stop = window.running.stop

    def stop_later() -> None:
        beat.start(0)
        QTimer.singleShot(50, stop)

    window.running.stop = stop_later
    answers.say = ["Stop and close"]
    assert window.close()
    window.running.stop = stop
    assert beats
