"""What waits in front of a box, without the box."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from syntalos_miniscope.engine.mailbox import LatencyHistogram, Mailbox, Tap
from syntalos_miniscope.node import In, Policy, Settings
from syntalos_miniscope.streams import Control, ControlKind, Frame, TableRow


def row(text: str) -> TableRow:
    return TableRow((text,))


def test_items_of_several_inputs_come_in_the_order_in_which_they_were_sent() -> None:
    mailbox = Mailbox([In("a", "A", TableRow), In("b", "B", TableRow)])
    for port, text in zip("abbab", "12345", strict=True):
        mailbox.put(port, row(text))
    heard = [mailbox.receive() for _ in range(5)]
    assert heard == [(port, row(text)) for port, text in zip("abbab", "12345", strict=True)]


def test_of_changed_settings_the_newest_win_and_come_before_what_waits() -> None:
    class Gain(Settings):
        gain: float = 1.0

    mailbox = Mailbox([In("a", "A", TableRow)])
    mailbox.put("a", row("1"))
    for gain in (2.0, 3.0):
        mailbox.change(Gain(gain=gain))
    assert mailbox.receive() == Gain(gain=3.0)
    assert mailbox.receive() == ("a", row("1"))


def test_what_waits_is_heard_before_the_call_to_stop() -> None:
    mailbox = Mailbox([In("control-in", "Control", Control)])
    mailbox.put("control-in", Control(ControlKind.STEP))
    mailbox.request_stop()
    assert mailbox.stopping
    assert mailbox.hear(0) == ("control-in", Control(ControlKind.STEP))
    assert mailbox.hear(2**62) is None


def test_who_waits_for_longer_than_any_run_is_still_woken() -> None:
    mailbox = Mailbox([])
    timer = threading.Timer(0.05, mailbox.request_stop)
    timer.start()
    assert mailbox.hear(2**200) is None
    timer.join()


def test_a_tap_keeps_the_newest_and_counts_only_what_nobody_took() -> None:
    tap = Tap(2)
    frames = [Frame(i, i, np.zeros((1, 1), np.uint8)) for i in range(5)]
    tap.hear(frames[0])
    assert tap.take() == frames[:1] and tap.dropped == 0
    for frame in frames[1:]:
        tap.hear(frame)
    assert (tap.seen, tap.dropped) == (5, 2)
    assert tap.take() == frames[3:] and tap.take() == []
    assert (tap.seen, tap.dropped) == (5, 2)


def test_a_newest_input_keeps_the_newest_and_counts_the_oldest() -> None:
    mailbox = Mailbox([In("a", "A", TableRow, Policy.NEWEST, depth=2)])
    for text in "1234":
        mailbox.put("a", row(text))
    assert [mailbox.receive() for _ in range(2)] == [("a", row("3")), ("a", row("4"))]
    assert (mailbox.queues["a"].delivered, mailbox.queues["a"].dropped) == (2, 2)


@pytest.mark.parametrize("percent", [50, 99])
def test_a_percentile_of_latencies_is_right_to_a_tenth(percent: int) -> None:
    histogram = LatencyHistogram()
    assert histogram.percentile_us(percent) is None
    times_ns = np.random.default_rng(1).lognormal(12, 1, 5000)
    for time_ns in times_ns:
        histogram.add(int(time_ns))
    exact_us = float(np.percentile(times_ns, percent)) / 1000
    assert histogram.percentile_us(percent) == pytest.approx(exact_us, rel=0.1)
