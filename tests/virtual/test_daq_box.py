"""The virtual DAQ box at the wire, request by request."""

from typing import Any

import numpy as np
import pytest

from virtual_miniscope.clock import VirtualClock
from virtual_miniscope.controls import StallError
from virtual_miniscope.daq import Daq, RingOverflowError
from virtual_miniscope.faults import FAULTS, Fault, parse_fault
from virtual_miniscope.firmware import FIRMWARES, Firmware

CONTRAST, GAMMA, SHARPNESS, HUE, SATURATION = 3, 9, 8, 6, 7
SERDES = ("C0031F100000", "B00305200000")
ALIASES = ("C10820EEA050", "C11020EE5850")


class Kept:
    """A host that keeps every payload."""

    def __init__(self):
        self.payloads = []

    def take(self, data, due_ns):
        self.payloads.append(data)
        return True

    def frames(self):
        found, parts = [], []
        for data in self.payloads:
            parts.append(data[12:])
            if data[1] & 2:
                found.append(b"".join(parts))
                parts = []
        return found


def box(**kwargs) -> Any:
    daq = Daq(clock=VirtualClock(), **kwargs)
    daq.stream.host = Kept()
    daq.start_stream()
    return daq


def put(daq: Daq, selector: int, word: int) -> None:
    daq.control(0x21, 0x01, selector << 8, 0x0200, word.to_bytes(2, "little"))


def get(daq: Daq, selector: int, request: int = 0x81, unit: int = 2, length: int = 2) -> int:
    return int.from_bytes(daq.control(0xA1, request, selector << 8, unit << 8, length), "little")


def send(daq: Daq, *raw: str) -> None:
    """Send packets as the six bytes of the tables."""
    for packet in map(bytes.fromhex, raw):
        for selector, at in ((CONTRAST, 0), (GAMMA, 2), (SHARPNESS, 4)):
            put(daq, selector, packet[at] | packet[at + 1] << 8)
            daq.clock.sleep(0.0002)


def frames(daq: Daq, count: int = 1) -> None:
    """Let whole frames go by."""
    for _ in range(count):
        before = daq.frames
        while daq.frames == before:
            daq.clock.sleep(0.001)
            daq.advance()


def linked(**kwargs) -> Any:
    daq = box(**kwargs)
    send(daq, *SERDES)
    frames(daq)
    send(daq, *ALIASES)
    frames(daq)
    return daq


def test_a_packet_is_done_at_the_end_of_the_frame_and_not_before():
    daq = linked()
    send(daq, "2003017F0000")
    assert daq.scope.mcu[1] == 255
    frames(daq)
    assert daq.scope.mcu[1] == 0x7F


def test_without_a_stream_no_packet_reaches_the_scope():
    daq = linked()
    daq.stop_stream()
    send(daq, "2003017F0000")
    daq.clock.sleep(5)
    assert daq.scope.mcu[1] == 255


def test_gamma_before_contrast_completes_nothing_and_contrast_starts_anew():
    daq = linked()
    before = len(daq.packets)
    put(daq, GAMMA, 0x7F01)
    put(daq, SHARPNESS, 0)
    put(daq, CONTRAST, 0x0320)
    put(daq, GAMMA, 0x7F01)
    put(daq, CONTRAST, 0x0320)
    put(daq, SHARPNESS, 0)
    frames(daq)
    assert len(daq.packets) == before
    put(daq, GAMMA, 0x7F01)
    frames(daq)
    assert daq.packets[before:] == [bytes.fromhex("20017F")]


def test_before_the_link_is_set_up_the_scope_does_not_answer():
    daq = box()
    send(daq, "2003017F0000")
    frames(daq)
    assert daq.scope.mcu[1] == 255
    assert daq.scope.not_acknowledged == [bytes.fromhex("20017F")]


def test_the_potentiometer_answers_only_under_its_alias():
    daq = linked()
    send(daq, "A00400721000")
    frames(daq)
    assert daq.scope.pot[1] == 0x80
    send(daq, "580400721000")
    frames(daq)
    assert daq.scope.pot == {0: 0x72, 1: 0x10}


def test_the_65th_packet_of_a_frame_overflows_the_ring():
    daq = linked()
    for _ in range(64):
        daq.push(b"\x20\x06\x00")
    with pytest.raises(RingOverflowError):
        daq.push(b"\x20\x06\x00")


def test_the_led_needs_both_microcontroller_and_potentiometer():
    daq = linked()
    send(daq, "200301000000")
    frames(daq)
    assert daq.scope.led_percent == pytest.approx(100 * (255 - 0x80) / 255)
    send(daq, "58040072FF00")
    frames(daq)
    assert not daq.led_lit


def test_sensor_registers_set_frame_period_and_gain():
    daq = linked()
    send(daq, "210500C9C350", "210500CC0024")
    frames(daq)
    assert daq.scope.frame_period_ns == 503_000_000
    assert daq.scope.gain == "high"


def test_the_orientation_needs_fusion_mode_and_the_order_to_read_it():
    daq = linked()
    frames(daq, 3)
    assert get(daq, 0x0D, unit=1, length=8) == 0
    send(daq, "50033D0C0000", "FE0200000000")
    frames(daq, 3)
    raw = daq.control(0xA1, 0x81, 0x0D00, 0x0100, 8)
    quaternion = np.frombuffer(raw, "<i2") / 16384
    assert np.linalg.norm(quaternion) == pytest.approx(1, abs=1e-3)
    assert get(daq, SATURATION) == int.from_bytes(raw[:2], "little")


def test_axes_can_be_remapped_in_config_mode_only_and_after_its_delay():
    daq = linked()
    send(daq, "50033D0C0000")
    frames(daq)
    send(daq, "500441090500")
    frames(daq)
    assert daq.scope.bno[0x41] == 0x24
    send(daq, "50033D000000")
    frames(daq, 2)
    send(daq, "500441090500")
    frames(daq)
    assert (daq.scope.bno[0x41], daq.scope.bno[0x42]) == (9, 5)


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


def test_the_abi_is_told_once():
    daq = box()
    put(daq, SATURATION, 2)
    assert get(daq, HUE) == 2
    assert get(daq, HUE) == 0


def test_ranges_lengths_and_info_are_the_firmwares():
    daq = box()
    assert get(daq, CONTRAST, 0x83) == 0xFFFF
    assert (get(daq, HUE, 0x82), get(daq, HUE, 0x83)) == (0x8000, 0x7FFF)
    assert get(daq, 0x0D, 0x85, unit=1) == 8
    assert get(daq, 0x0D, 0x86, unit=1, length=1) == 3
    patched = box(firmware=FIRMWARES["patched"])
    assert get(patched, 0x0D, 0x86, unit=1, length=1) == 0x0B


@pytest.mark.parametrize(
    "request_",
    [
        (0xC1, 0x81, 0x0300, 0x0200, 2),
        (0xA1, 0x81, 0x0100, 0x0200, 2),
        (0xA1, 0x81, 0x0F00, 0x0100, 2),
        (0xA1, 0x81, 0x0100, 0x0300, 3),
        (0x21, 0x01, 0x0300, 0x0200, b"\0"),
    ],
)
def test_everything_else_stalls(request_):
    with pytest.raises(StallError):
        box().control(*request_)


def test_writes_too_close_together_spoil_the_packet_if_timing_is_strict():
    daq = linked(strict_timing=True)
    for selector, word in ((CONTRAST, 0x0320), (GAMMA, 0x7F01), (SHARPNESS, 0)):
        put(daq, selector, word)
    frames(daq)
    assert daq.packets[-1] != bytes.fromhex("20017F")


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


def test_old_firmware_knows_no_abi():
    daq = box(firmware=Firmware("old", abi=0))
    put(daq, SATURATION, 2)
    assert get(daq, HUE) == 0
