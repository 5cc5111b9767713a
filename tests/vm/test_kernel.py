"""The real driver against the kernel's own uvcvideo, with a virtual Miniscope on USB/IP.

Opt-in (`make test-vm`), prepared by `python tests/vm/prepare.py`. Protocol is asserted, never a
frame rate: the machine is emulated, and slow.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import platformdirs
import pytest

pytestmark = pytest.mark.vm

CACHE = platformdirs.user_cache_path("syntalos-miniscope") / "vm"
QEMU = "qemu-system-x86_64"
LIMIT_S = 400
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def scenes() -> dict[str, dict[str, Any]]:
    """Boot once and play every scene."""
    if shutil.which(QEMU) is None or not (CACHE / "initrd.gz").exists():
        pytest.skip("no QEMU or no kernel image: run python tests/vm/prepare.py")
    # Emulated, not KVM: a nested machine's /dev/kvm opens and then hangs.
    command = [QEMU, "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2"]
    command += ["-m", "1536", "-display", "none", "-serial", "stdio", "-monitor", "none"]
    command += ["-no-reboot", "-nic", "none"]
    root = "local,id=r,path=/,security_model=none,readonly=on,multidevs=remap"
    command += ["-fsdev", root, "-device", "virtio-9p-pci,fsdev=r,mount_tag=hostroot"]
    command += ["-kernel", str(CACHE / "vmlinuz"), "-initrd", str(CACHE / "initrd.gz")]
    words = f"console=ttyS0 quiet panic=-1 mitigations=off python={sys.executable}"
    command += ["-append", f"{words} guest={HERE / 'guest.py'}"]
    machine = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        shown, _ = machine.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        machine.kill()
        shown, _ = machine.communicate()
    if os.environ.get("MINISCOPE_VM_LOG"):
        Path(os.environ["MINISCOPE_VM_LOG"]).write_text(shown)
    found = {}
    for line in shown.splitlines():
        if line.startswith("SCENE "):
            _, name, result = line.split(" ", 2)
            found[name] = json.loads(result)
    assert found, f"the machine said nothing of use: {shown[-2000:]}"
    return found


def scene(scenes: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    assert name in scenes, f"{name} did not end in {LIMIT_S} s"
    assert "error" not in scenes[name], scenes[name]["error"]
    return scenes[name]


def test_the_kernel_shows_a_miniscope_and_discovery_describes_it(scenes):
    found = scene(scenes, "discovery")
    assert found["node"].startswith("/dev/video")
    assert found["product"] == "MINISCOPE"
    assert found["speed"] == "super (USB 3)"
    assert (found["firmware"], found["problem"]) == ("UCLA", "")
    assert ["YUYV", 608, 608] in found["modes"]
    assert len(found["modes"]) == 9


def test_set_up_arrives_in_order_through_uvcvideo(scenes):
    packets = scene(scenes, "v4l2")["packets"]
    without_light = [p for p in packets if not p.startswith(("2001", "580072"))]
    assert without_light == [
        "c01f10", "b00520", "c02202", "c0200a", "c007b0", "b00f02", "b01e0a",
        "c00820eea050", "c01020ee5850", "503d00", "50410905", "503d0c", "fe00", "ee0303",
    ]  # fmt: skip


def test_controls_and_frames_go_through_uvcvideo_bit_exact(scenes):
    played = scene(scenes, "v4l2")
    assert played["led"] == [127, 127]
    assert played["focus"] == 20
    assert played["period_ms"] == pytest.approx(201.2)
    assert played["frames"] == 16
    assert played["times_us"] == sorted(set(played["times_us"]))


def test_frozen_reads_of_the_real_kernel_are_detected(scenes):
    played = scene(scenes, "v4l2")
    assert any("answers from a cache" in note for note in played["notes"])
    assert played["orientations"] == 0


def test_an_unplug_in_the_kernel_is_survived_with_settings_and_ends_dark(scenes):
    played = scene(scenes, "v4l2")
    assert played["frames_while_away"] == 0
    assert played["lit_after_replug"] in (False, None)
    assert played["reconnects"] == 1
    assert played["frames_after"] == 12
    assert played["led_after"] == [127, 127]
    assert played["focus_after"] == 20
    assert "LED state unknown until it is back" in played["notes_after"][0]
    assert played["led_closed"] == [255, 255]


def test_it_can_be_read_as_any_camera(scenes):
    played = scene(scenes, "camera")
    assert played["shapes"] == [[608, 608, 3]] * 3
    assert played["rate_hz"] == pytest.approx(30, rel=0.01)
    assert played["ioctl_rates"] == pytest.approx([30], rel=0.01)


def test_the_libusb_transport_reads_live_where_the_kernel_does_not(scenes):
    played = scene(scenes, "libusb")
    assert played["uvcvideo_detached"]
    assert played["frames"] == 16
    assert len(set(played["orientations"])) > 5
    assert played["led"] == [127, 127]
    assert played["led_closed"] == [255, 255]
    assert played["uvcvideo_returned"]
