"""The virtual Miniscope as `cv2` and as `libusb1` show a real one."""

from typing import Any

import cv2
import numpy as np
import pytest
import usb1 as _usb1
from hypothesis import given
from hypothesis import strategies as st

from virtual_miniscope import plug_in, usb_pair
from virtual_miniscope.capture import VirtualCapture
from virtual_miniscope.clock import VirtualClock
from virtual_miniscope.daq import Daq
from virtual_miniscope.descriptors import (
    bos_descriptor,
    configuration_descriptor,
    device_descriptor,
)
from virtual_miniscope.firmware import FIRMWARES

usb1: Any = _usb1
COMMIT = (0x21, 0x01, 0x0200, 0x0001, bytes((0, 0, 1, 1)).ljust(34, b"\0"))


def capture(kernel: Any = "new", **kwargs) -> tuple[Any, Any]:
    daq = Daq(clock=VirtualClock(), **kwargs)
    return daq, VirtualCapture(daq, kernel)


def test_raw_frames_are_yuyv_and_the_stamp_is_the_first_payload():
    daq, cap = capture()
    cap.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    got, frame = cap.read()
    assert got
    assert frame.shape == (608, 608, 2)
    now_ms = daq.clock.now_ns() / 1e6
    assert now_ms - 25 < cap.get(cv2.CAP_PROP_POS_MSEC) < now_ms - 15


def test_converted_frames_lose_the_ends_of_the_range():
    _, cap = capture()
    cap._daq.tissue._expose = lambda settings: (
        np.arange(608 * 608, dtype=np.uint32).astype(np.uint8).reshape(608, 608)
    )
    got, frame = cap.read()
    assert got
    assert frame.shape == (608, 608, 3)
    assert frame[0, :16].max() == 0
    assert frame[0, 236:255].min() == 255


def test_a_slow_reader_loses_frames_to_the_four_buffers():
    daq, cap = capture()
    cap.read()
    daq.clock.sleep(1)
    for _ in range(4):
        cap.read()
    before = daq.frames
    cap.read()
    assert before >= 29
    assert daq.frames == before + 1


@pytest.mark.parametrize(
    ("kernel", "firmware", "live"),
    [
        ("new", "stock", False),
        ("new", "patched", True),
        ("old", "stock", True),
        ("live", "stock", True),
    ],
)
def test_the_kernel_answers_reads_from_its_cache_unless_told(kernel, firmware, live):
    _, cap = capture(kernel, firmware=FIRMWARES[firmware])
    counts = set()
    for _ in range(4):
        cap.read()
        counts.add(cap.get(cv2.CAP_PROP_EXPOSURE))
    assert (len(counts) > 1) is live


def test_values_are_clamped_as_the_kernel_does():
    daq, cap = capture()
    assert cap.set(cv2.CAP_PROP_CONTRAST, -1)
    assert cap.set(cv2.CAP_PROP_HUE, 40000)
    assert cap.set(cv2.CAP_PROP_CONTRAST, 0x7F20)
    assert [word for _, _, word in daq.controls.writes] == [0, 0x7FFF, 0x7F20]


def test_after_an_unplug_it_still_calls_itself_open_and_the_old_one_stays_dead():
    daq, cap = capture()
    cap.read()
    daq.inject("unplug", 1)
    assert cap.isOpened()
    assert cap.read() == (False, None)
    assert not cap.set(cv2.CAP_PROP_CONTRAST, 1)
    assert cap.get(cv2.CAP_PROP_CONTRAST) == -1
    with pytest.raises(OSError, match="unplugged"):
        VirtualCapture(daq)
    daq.clock.sleep(2)
    assert cap.read() == (False, None)
    assert VirtualCapture(daq).read()[0]


def test_transfers_carry_one_payload_each_in_order():
    daq = Daq(clock=VirtualClock())
    context, handle = usb_pair(daq)
    got = []

    def arrived(transfer):
        got.append((transfer.getStatus(), transfer.getActualLength()))
        transfer.submit()

    for _ in range(8):
        transfer = handle.getTransfer()
        transfer.setBulk(0x83, 16384, callback=arrived)
        transfer.submit()
    handle.controlWrite(*COMMIT)
    while len(got) < 46:
        context.handleEventsTimeout(0.1)
    assert got == [(usb1.TRANSFER_COMPLETED, 16380)] * 45 + [(usb1.TRANSFER_COMPLETED, 2780)]
    assert daq.counter == 1


def test_what_goes_wrong_has_libusbs_names():
    daq = Daq(clock=VirtualClock())
    context, handle = usb_pair(daq)
    with pytest.raises(usb1.USBErrorPipe):
        handle.controlRead(0xA1, 0x81, 0x0F00, 0x0100, 2)
    statuses = []
    transfers = [handle.getTransfer() for _ in range(2)]
    for transfer in transfers:
        transfer.setBulk(0x83, 16384, callback=lambda done: statuses.append(done.getStatus()))
        transfer.submit()
    transfers[1].cancel()
    context.handleEventsTimeout(0)
    daq.inject("unplug")
    context.handleEventsTimeout(0)
    assert statuses == [usb1.TRANSFER_CANCELLED, usb1.TRANSFER_NO_DEVICE]
    with pytest.raises(usb1.USBErrorNoDevice):
        handle.controlRead(0xA1, 0x81, 0x0300, 0x0200, 2)
    with pytest.raises(OSError, match="unplugged"):
        usb_pair(daq)


def walk(raw: bytes):
    at = 0
    while at < len(raw):
        yield raw[at : at + raw[at]]
        at += raw[at]


@pytest.mark.parametrize("name", list(FIRMWARES))
def test_descriptors_are_whole_and_say_what_the_device_is(name):
    firmware = FIRMWARES[name]
    device = device_descriptor(firmware)
    assert len(device) == 18
    assert device[8:12] == bytes((0xB4, 0x04, 0xF9 if firmware.super_speed else 0xF8, 0))
    assert device[16] == 0
    raw = configuration_descriptor(firmware)
    assert int.from_bytes(raw[2:4], "little") == len(raw)
    parts = list(walk(raw))
    assert sum(len(part) for part in parts) == len(raw)
    frames = [part for part in parts if part[1:3] == b"\x24\x05" and len(part) == 30]
    assert len(frames) == (9 if firmware.super_speed else 1)
    endpoints = [part for part in parts if part[1] == 5]
    assert [part[2] for part in endpoints] == [0x82, 0x83]
    header = next(part for part in parts if part[1:3] == b"\x24\x01")
    units = [part for part in parts if part[1] == 0x24][: 1 + 4]
    assert int.from_bytes(header[5:7], "little") == sum(len(part) for part in units)
    bos = bos_descriptor()
    assert int.from_bytes(bos[2:4], "little") == len(bos)


def test_options_choose_face_and_faults_and_wrong_ones_say_what_there_is():
    assert isinstance(plug_in("face=capture,tissue=pattern")(), VirtualCapture)
    _, handle = plug_in("tissue=pattern,fault=counter=65500")()
    assert handle.daq.present
    assert handle.daq.counter == 65500
    for wrong, says in (
        ("colour=red", "no option 'colour=red'"),
        ("firmware=v9", "there are stock, patched"),
        ("face=round", "there are usb, capture"),
        ("kernel=7", "there are new, old, live"),
        ("fault=explode", "no fault 'explode'"),
    ):
        with pytest.raises(ValueError, match=says):
            plug_in(f"tissue=pattern,{wrong}")


@given(st.text(alphabet="fault=unplg@5.,-e", max_size=20))
def test_any_options_are_taken_or_refused_in_one_line(text):
    try:
        plug_in(f"tissue=pattern,{text}")
    except ValueError as refused:
        assert "\n" not in str(refused)
