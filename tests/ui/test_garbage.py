"""Garbage is collected where widgets may be destroyed."""

import gc
import threading

from PySide6.QtCore import QEventLoop, QTimer

from syntalos_miniscope_ui import garbage
from syntalos_miniscope_ui.garbage import collected_by_timer


class Circle:
    def __init__(self, died_on: list[str]) -> None:
        self.died_on = died_on
        self.me = self

    def __del__(self) -> None:
        self.died_on.append(threading.current_thread().name)


def test_what_a_thread_leaves_is_collected_by_the_window(monkeypatch, until) -> None:
    monkeypatch.setattr(garbage, "COLLECT_MS", 1)
    gc.enable()
    died_on: list[str] = []

    def leave() -> None:
        Circle(died_on)
        for _ in range(20_000):  # more than lets the collector run by itself
            circle: list[object] = []
            circle.append(circle)

    with collected_by_timer():
        assert not gc.isenabled()
        thread = threading.Thread(target=leave, name="box")
        thread.start()
        thread.join()
        assert died_on == []
        until(lambda: died_on == ["MainThread"])
    assert gc.isenabled()
    QTimer.singleShot(0, (loop := QEventLoop()).quit)
    loop.exec()


def test_what_is_old_is_not_collected_while_nothing_may_pause(monkeypatch, until) -> None:
    monkeypatch.setattr(garbage, "COLLECT_MS", 1)
    monkeypatch.setattr(garbage, "ALL_EVERY", 3)
    collected: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            collected.append(info["generation"])

    idle = False
    with collected_by_timer(may_pause=lambda: idle):
        gc.callbacks.append(note)
        try:
            until(lambda: len(collected) > 10)
            assert set(collected) == {1}
            idle = True
            until(lambda: 2 in collected)
        finally:
            gc.callbacks.remove(note)
