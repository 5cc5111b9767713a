"""The virtual DAQ box at the wire, request by request."""

import numpy as np
import pytest
from daq_box import CONTRAST, GAMMA, HUE, SATURATION, SHARPNESS, box, frames, get, linked, put, send

from virtual_miniscope.controls import StallError
from virtual_miniscope.daq import RingOverflowError
from virtual_miniscope.firmware import FIRMWARES, Firmware


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


def test_old_firmware_knows_no_abi():
    daq = box(firmware=Firmware("old", abi=0))
    put(daq, SATURATION, 2)
    assert get(daq, HUE) == 0
