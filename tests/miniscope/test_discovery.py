"""What is on USB, what is wrong with it, and what to do."""

from types import SimpleNamespace
from typing import Any

import pytest
import usb.core
import usb.util

from syntalos_miniscope.miniscope import discovery
from syntalos_miniscope.miniscope.connection import connect
from syntalos_miniscope.miniscope.discovery import aliases, devices, firmware_family
from syntalos_miniscope.miniscope.usb import watch_plugs
from virtual_miniscope.descriptors import control_extras
from virtual_miniscope.firmware import FIRMWARES


class Device(list):
    """A device as pyusb shows it, with the descriptors of the virtual one."""

    def __init__(self, ports, pid=0x00F9, speed=4, firmware="stock", error=None):
        extra = list(b"".join(control_extras(FIRMWARES[firmware])))
        super().__init__([[SimpleNamespace(extra_descriptors=extra)]])
        self.bus, self.port_numbers, self.idProduct, self.speed = 2, ports, pid, speed
        self.iProduct, self.error, self.was_reset = 2, error, False

    def reset(self):
        self.was_reset = True


@pytest.fixture(autouse=True)
def usb_strings(monkeypatch, tmp_path):
    def get_string(device, index):
        if device.error:
            raise usb.core.USBError("no", None, device.error)
        return "MINISCOPE"

    monkeypatch.setattr(usb.util, "get_string", get_string)
    monkeypatch.setattr(usb.util, "dispose_resources", lambda device: None)
    monkeypatch.setattr(discovery.platformdirs, "user_config_path", lambda name: tmp_path)


def find(*present: Device) -> Any:
    return lambda find_all, idVendor: iter(present)  # noqa: N803 - as in pyusb


def with_node(tmp_path, port):
    for number, index in ((3, 1), (2, 0)):
        node = tmp_path / f"bus/usb/devices/{port}/{port}:1.0/video4linux/video{number}"
        node.mkdir(parents=True)
        (node / "index").write_text(f"{index}\n")
    return tmp_path


def test_a_good_scope_is_named_by_its_port_and_has_nothing_wrong(tmp_path):
    (scope,) = devices(find(Device((1, 4))), with_node(tmp_path, "2-1.4"))
    assert (scope.port, scope.product, scope.firmware) == ("2-1.4", "MINISCOPE", "UCLA")
    assert scope.video_node == "/dev/video2"
    assert scope.libusb
    assert scope.problem == ""


def test_what_is_wrong_comes_with_what_to_do(tmp_path):
    usb2, bootloader, denied, busy = devices(
        find(
            Device((1,), pid=0x00F8, speed=3),
            Device((2,), pid=0x00F3),
            Device((3,), error=13),
            Device((4,), error=16),
        ),
        tmp_path,
    )
    assert "USB 2 port and cannot stream: use a USB 3 port" in usb2.problem
    assert "firmware is missing" in bootloader.problem
    assert 'ATTRS{idVendor}=="04b4"' in denied.problem
    assert "no permission" in denied.problem
    assert "in use by another program" in busy.problem


def test_without_permission_the_kernels_camera_is_enough(tmp_path):
    (scope,) = devices(find(Device((1,), error=13)), with_node(tmp_path, "2-1"))
    assert not scope.libusb
    assert scope.problem == ""


def test_a_node_that_carries_metadata_only_is_none_to_capture_from(tmp_path):
    node = tmp_path / "bus/usb/devices/2-1/2-1:1.0/video4linux/video3"
    node.mkdir(parents=True)
    (node / "index").write_text("1\n")
    assert discovery.video_node("2-1", tmp_path) == ""


def test_the_firmware_is_told_by_its_extension_unit():
    for name, family in (("stock", "UCLA"), ("open-ephys", "Open Ephys")):
        assert firmware_family(control_extras(FIRMWARES[name])) == family


def test_an_alias_follows_the_port(tmp_path):
    (tmp_path / "scopes.toml").write_text('left = "2-1.4"\n')
    assert aliases() == {"left": "2-1.4"}
    (scope,) = devices(find(Device((1, 4))), tmp_path)
    assert scope.alias == "left"
    assert callable(connect("left"))
    for broken in (b"left = ", b"left = '\xff'", b"left = " + b"[" * 10_000):
        (tmp_path / "scopes.toml").write_bytes(broken)
        with pytest.raises(ValueError, match=r"scopes\.toml: should hold lines such as left"):
            connect("left")


def open_with(monkeypatch, tmp_path, device, *present):
    scopes = devices(find(*present), tmp_path)
    monkeypatch.setattr(discovery, "devices", lambda: scopes)
    return connect(device)()


def test_opening_says_what_is_there_instead(monkeypatch, tmp_path):
    two = Device((1,)), Device((2,))
    with pytest.raises(OSError, match=r"no Miniscope$"):
        open_with(monkeypatch, tmp_path, "auto")
    with pytest.raises(OSError, match="no Miniscope at port 2-9; there are some at 2-1, 2-2"):
        open_with(monkeypatch, tmp_path, "2-9", *two)
    with pytest.raises(OSError, match="several Miniscopes at 2-1, 2-2: set the device"):
        open_with(monkeypatch, tmp_path, "auto", *two)
    with pytest.raises(OSError, match="no permission"):
        open_with(monkeypatch, tmp_path, "auto", Device((1,), error=13))
    with pytest.raises(OSError, match="use a USB 3 port"):
        open_with(monkeypatch, tmp_path, "auto", Device((1,), pid=0x00F8, speed=3))


def test_a_hard_reset_reaches_the_scope_at_the_port(monkeypatch):
    first, second = Device((1,)), Device((2,))
    monkeypatch.setattr(usb.core, "find", find(first, second))
    discovery.hard_reset("2-2")
    assert (first.was_reset, second.was_reset) == (False, True)
    monkeypatch.setattr(usb.core, "find", find())
    with pytest.raises(OSError, match="no Miniscope at 2-2"):
        discovery.hard_reset("2-2")


def test_a_hard_reset_leaves_other_things_of_the_same_vendor_alone(monkeypatch):
    mouse, scope = Device((1,), pid=0x0033), Device((2,))
    monkeypatch.setattr(usb.core, "find", find(mouse, scope))
    discovery.hard_reset("auto")
    assert (mouse.was_reset, scope.was_reset) == (False, True)


def test_this_machine_can_be_asked():
    assert isinstance(devices(), list)


def test_plugs_can_be_watched_on_this_machine_and_the_watch_ends():
    try:
        end = watch_plugs(lambda came: None)
    except OSError as error:
        pytest.skip(str(error))
    end()
