"""What the box of a scope says of it."""

from syntalos_miniscope.miniscope.link import State
from syntalos_miniscope.miniscope.status_line import StatusLine


class Box:
    def __init__(self) -> None:
        self.said: list[tuple[str, bool]] = []

    def status(self, text: str, *, trouble: bool = False) -> None:
        self.said.append((text, trouble))


def test_a_scope_that_is_gone_is_an_alarm_said_once() -> None:
    box, line = Box(), StatusLine()
    for state in (State.READY, State.LOST, State.LOST):
        line.waiting(box, state)  # pyright: ignore[reportArgumentType]
    assert box.said == [("The scope is gone; trying to reconnect", True)]
