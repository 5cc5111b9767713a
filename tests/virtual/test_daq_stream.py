"""What leaves the virtual DAQ box: payloads, what firmwares add to frames, what faults do."""

import numpy as np
import pytest
from daq_box import CONTRAST, GAMMA, SATURATION, SERDES, box, frames, get, linked, put, send

from virtual_miniscope.clock import VirtualClock
from virtual_miniscope.controls import StallError
from virtual_miniscope.daq import Daq
from virtual_miniscope.faults import FAULTS, Fault, parse_fault
from virtual_miniscope.firmware import FIRMWARES


def test_a_frame_is_46_payloads_of_which_only_the_last_ends_it():
    daq = box()
    frames(daq, 2)
    payloads = daq.stream.host.payloads
    assert len(payloads) == 92
    assert {len(data) for data in payloads[:45]} == {16380}
    assert len(payloads[45]) == 2780
    assert [data[1] for data in payloads[44:47]] == [0x8C, 0x8E, 0x8D]
    assert all(data[0] == 12 and data[2:12] == bytes(10) for data in payloads)


def test_a_dark_scope_is_black_and_a_lit_one_is_not():
    daq = linked()
    assert not np.frombuffer(daq.stream.host.frames()[-1], np.uint8)[::2].any()
    send(daq, "2003017F0000", "580400727F00")
    frames(daq, 2)
    assert np.frombuffer(daq.stream.host.frames()[-1], np.uint8)[::2].max() > 250


def test_the_counter_wraps_at_16_bits():
    daq = box(faults=[Fault("counter", 65535)])
    frames(daq)
    assert get(daq, CONTRAST) == get(daq, 0x04, unit=1, length=4) == 0


def test_ttl_toggles_once_a_frame_while_the_record_flag_is_set():
    daq = box()
    put(daq, SATURATION, 1)
    frames(daq, 4)
    put(daq, SATURATION, 0)
    frames(daq, 3)
    assert [level for _, level in daq.ttl_log] == [True, False, True, False]


def test_open_ephys_takes_packets_by_its_own_unit_and_hides_metadata_in_the_chroma():
    daq = box(firmware=FIRMWARES["open-ephys"])
    packets = bytes.fromhex("".join(SERDES))
    daq.control(0x21, 0x01, 0x0200, 0x0300, (b"\x02" + packets).ljust(25, b"\0"))
    frames(daq, 2)
    assert daq.scope.deserialiser[0x1F] == 0x10
    assert daq.control(0xA1, 0x81, 0x0100, 0x0300, 3) == bytes((1, 1, 4))
    chroma = np.frombuffer(daq.stream.host.frames()[-1], np.uint8)[1:41:2].tobytes()
    assert int.from_bytes(chroma[:4], "little") == 2


def test_the_ttl_stamp_shows_the_trigger_in_the_corner():
    daq = box(firmware=FIRMWARES["ttl-stamp"])
    daq.inject("trigger", 1)
    frames(daq, 2)
    corner = np.frombuffer(daq.stream.host.frames()[-1], np.uint8).reshape(608, 608, 2)[:4, :4, 0]
    assert corner[:3, :3].min() == 255
    assert corner[3].max() == 0
    assert get(daq, GAMMA) == 1


def test_on_a_usb_2_port_it_cannot_stream():
    daq = Daq(clock=VirtualClock(), firmware=FIRMWARES["high-speed"])
    with pytest.raises(StallError):
        daq.control(0x21, 0x01, 0x0200, 0x0001, bytes((0, 0, 1, 1)).ljust(34, b"\0"))


def test_an_unplug_costs_every_register_and_gives_a_new_number():
    daq = linked()
    send(daq, "FE0200000000")
    frames(daq)
    assert daq.bno_enabled
    daq.inject("unplug", 2)
    assert not daq.present
    daq.clock.sleep(2.1)
    assert daq.present
    assert daq.device_number == 2
    assert not daq.bno_enabled
    assert daq.scope.deserialiser == {}


def test_daq_reset_packet_re_enumerates():
    daq = linked()
    send(daq, "FE0201000000")
    daq.clock.sleep(0.1)
    assert not daq.present
    daq.clock.sleep(1.1)
    assert daq.present
    assert daq.device_number == 2


def test_dropped_and_torn_frames_count_but_do_not_arrive_whole():
    daq = box()
    frames(daq, 2)
    daq.inject("drop", 3)
    frames(daq, 5)
    assert daq.counter == 7
    assert len(daq.stream.host.frames()) == 4
    daq.inject("torn", 1)
    frames(daq, 3)
    assert sorted({len(frame) for frame in daq.stream.host.frames()}) == [23 * 16368 + 2768, 739328]


def test_nobody_taking_payloads_overruns_without_counting():
    daq = box()
    daq.stream.host.take = lambda data, due_ns: False
    daq.clock.sleep(0.5)
    daq.advance()
    assert daq.counter == 0
    assert daq.stream.overruns > 5
    daq.clock.sleep(2)
    daq.advance()
    assert not daq.stream.running


def test_stopping_leaves_the_led_as_it_is():
    daq = linked()
    send(daq, "2003017F0000")
    frames(daq)
    daq.stop_stream()
    daq.clock.sleep(10)
    assert daq.led_lit


def test_every_fault_can_be_written_and_a_wrong_one_says_what_there_is():
    assert parse_fault("drop=3@5") == Fault("drop", 3, 5)
    assert parse_fault("stall") == Fault("stall", 1, 0)
    assert {parse_fault(name).name for name in FAULTS} == set(FAULTS)
    with pytest.raises(ValueError, match="no fault 'explode'; there are drop"):
        parse_fault("explode@3")
    with pytest.raises(ValueError, match="should look like drop=3@5"):
        parse_fault("drop=x")
