"""A scope whose driver is killed goes dark all the same."""

import os
import signal
import subprocess
import sys
import time

import pytest

from syntalos_miniscope.miniscope.guardian import Guardian
from virtual_miniscope.daq import Daq
from virtual_miniscope.usbip_server import UsbIpServer

LIT = """
import sys
from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.miniscope.connection import connect
from syntalos_miniscope.miniscope.driver import Miniscope
from syntalos_miniscope.miniscope.guardian import Guardian
from syntalos_miniscope.scope import ScopeSettings

device = sys.argv[1]
guardian = Guardian(device, "auto", "Miniscope_V4_BNO")
scope = Miniscope(connect(device), on_light=guardian.watch)
scope.apply(ScopeSettings(led_percent=50, frame_rate_hz=30))
clock = RunClock()
clock.start()
scope.start(clock)
while True:
    scope.read(0.1)
    scope.take_events()
"""


def wait_for(what, seconds: float) -> float:
    begun = time.monotonic()
    while not what() and time.monotonic() - begun < seconds:
        time.sleep(0.05)
    return time.monotonic() - begun


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_after_the_driver_is_killed_the_led_goes_off(how):
    server = UsbIpServer(Daq(), port=0)
    device = f"usbip:127.0.0.1:{server.address[1]}"
    driver = subprocess.Popen([sys.executable, "-c", LIT, device])
    try:
        wait_for(lambda: server.daq.led_lit, 60)
        assert server.daq.led_lit
        time.sleep(1)
        os.kill(driver.pid, how)
        driver.wait(60)
        took_s = wait_for(lambda: server.daq.scope.led_registers == (255, 255), 60)
        assert server.daq.scope.led_registers == (255, 255)
        wait_for(lambda: server.daq.stream.host is None, 60)
        # 5 s is the promise; the machine that tests it may be busy.
        print(f"dark after {took_s:.1f} s")
    finally:
        driver.kill()
        driver.wait()
        server.close()


def test_a_scope_that_cannot_be_reached_is_said_to_be_unknown():
    guardian = [sys.executable, "-m", "syntalos_miniscope.miniscope.guardian"]
    done = subprocess.run(
        [*guardian, "usbip:127.0.0.1:1", "auto", "Miniscope_V4_BNO", "", "0.5"],
        input=b"1",
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert b"LED state unknown" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_it_is_there_only_once_the_led_is_lit_and_ctrl_c_in_the_terminal_does_not_reach_it():
    guardian = Guardian("usbip:127.0.0.1:1", "auto", "Miniscope_V4_BNO")
    guardian.watch(False)
    assert guardian._process is None
    guardian.watch(True)
    assert guardian._process is not None
    assert os.getsid(guardian._process.pid) != os.getsid(0)
    guardian.watch(False)
    guardian.close()


def test_one_that_was_left_dark_is_not_touched():
    guardian = [sys.executable, "-m", "syntalos_miniscope.miniscope.guardian"]
    done = subprocess.run(
        [*guardian, "usbip:127.0.0.1:1", "auto", "Miniscope_V4_BNO", ""],
        input=b"10",
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
