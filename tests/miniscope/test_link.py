"""What travels between the driver and a DAQ, and in which order."""

import itertools
import threading

import pytest

from syntalos_miniscope.miniscope.link import Link
from syntalos_miniscope.scope import ScopeSettings

LED = ("2001", "580072")


def test_who_watches_over_the_light_is_told_before_it_can_be_on_and_after_it_is_off(
    rig, monkeypatch
):
    made = rig()
    sent, told = [], []
    push = made.daq.push
    monkeypatch.setattr(made.daq, "push", lambda packet: (sent.append(packet.hex()), push(packet)))
    monkeypatch.setattr(
        made.scope._light, "_on_change", lambda lit: told.append((lit, set(sent), sent.clear()))
    )
    made.start(led_percent=50).read(5)
    made.scope.apply(ScopeSettings(led_percent=0, frame_rate_hz=20, gain="high", ewl=7))
    made.read(5)
    (on, before, _), (off, since, _) = told
    assert (on, off) == (True, False)
    assert {packet for packet in before if packet.startswith(LED)} == set()
    assert {"2001ff", "580072ff"} <= since


def test_a_knob_turned_while_all_are_sent_again_is_not_overtaken_by_its_old_value(rig, monkeypatch):
    made = rig().start(led_percent=50)
    commands, others = made.scope._knobs.commands, []

    def interrupted():
        # Another thread turns the LED off just after the old settings were looked up.
        found = commands()
        dark = ScopeSettings(led_percent=0, frame_rate_hz=30)
        other = threading.Thread(target=made.scope.apply, args=[dark], daemon=True)
        other.start()
        other.join(0.2)
        others.append(other)
        return found

    monkeypatch.setattr(made.scope._knobs, "commands", interrupted)
    made.read(45)
    (other,) = others
    other.join(60)
    made.read(5)
    assert made.daq.scope.led_registers == (255, 255)


def test_however_many_packets_are_sent_at_once_the_ring_of_the_daq_holds_them(rig):
    made = rig().start(rate_hz=2)
    made.read(5)
    packet = bytes((0xEE, 0x03, 0x03))
    before = made.daq.packets.count(packet)
    made.scope._link.send([packet] * 100)
    made.scope._link.pass_frames(2, 10)
    assert made.daq.packets.count(packet) == before + 100


def test_after_four_packets_in_a_row_the_daq_has_a_rest(rig, monkeypatch):
    made = rig().start()
    made.read(5)
    times_ns = []
    monkeypatch.setattr(made.daq, "push", lambda packet: times_ns.append(made.daq.clock.now_ns()))
    made.scope._link.send([bytes((0xEE, 0x03, 0x03))] * 9)
    rests = [after - before >= 10e6 for before, after in itertools.pairwise(times_ns)]
    assert rests == [False, False, False, True, False, False, False, True]


def test_a_stream_is_ended_before_it_is_begun_anew_and_brings_nothing_from_before(rig, monkeypatch):
    made = rig().start()
    made.read(5)
    asked = []
    for name in ("stop_stream", "start_stream"):
        ask = getattr(made.daq, name)
        monkeypatch.setattr(made.daq, name, lambda name=name, ask=ask: (asked.append(name), ask()))
    transport = made.scope._link.transport
    made.daq.inject("torn")
    while not transport._assembler.torn:
        transport._context.handleEventsTimeout(0.005)
    transport.start()
    assert asked == ["stop_stream", "start_stream"]
    assert transport.read_frame(1.0).torn == 0


def test_a_scope_that_does_not_come_up_is_let_go(rig, monkeypatch):
    made = rig()
    made.close()

    def no_frames(link):
        raise ConnectionError("no frames")

    monkeypatch.setattr(Link, "bring_up", no_frames)
    with pytest.raises(OSError, match="the scope does not come up: no frames"):
        made.scope._open()
    assert made.daq.stream.host is None
