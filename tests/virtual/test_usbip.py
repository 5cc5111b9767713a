"""The USB/IP server, byte by byte and under the real driver."""

import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.miniscope.driver import Miniscope
from syntalos_miniscope.scope import ScopeSettings
from virtual_miniscope import usbip_wire as wire
from virtual_miniscope.daq import Daq
from virtual_miniscope.descriptors import configuration_descriptor, device_descriptor
from virtual_miniscope.firmware import FIRMWARES
from virtual_miniscope.usbip_client import plug_in
from virtual_miniscope.usbip_server import UsbIpServer


@pytest.fixture
def server():
    made = UsbIpServer(Daq(), port=0)
    yield made
    made.close()


class Host:
    """What the kernel does, by hand."""

    def __init__(self, server: UsbIpServer):
        self.link = socket.create_connection(server.address, 5)
        self.link.sendall(wire.OPERATION.pack(wire.VERSION, wire.REQ_IMPORT, 0))
        self.link.sendall(b"1-1".ljust(32, b"\0"))
        _, code, self.status = wire.OPERATION.unpack(wire.receive(self.link, 8))
        assert code == wire.REP_IMPORT
        if self.status == 0:
            self.record = wire.DEVICE.unpack(wire.receive(self.link, wire.DEVICE.size))

    def control(self, setup: str, length: int = 0, data: bytes = b"") -> wire.Return:
        direction = wire.DIR_IN if length else wire.DIR_OUT
        raw = bytes.fromhex(setup)
        request = wire.Submit(7, direction, 0, length or len(data), raw, data)
        self.link.sendall(wire.submit_message(request, 2))
        return wire.read_return(self.link, {7} if length else set())

    def close(self) -> None:
        self.link.close()


def test_it_lists_one_miniscope(server):
    with socket.create_connection(server.address, 5) as link:
        link.sendall(wire.OPERATION.pack(wire.VERSION, wire.REQ_DEVLIST, 0))
        assert wire.receive(link, 8) == struct.pack(">HHI", 0x0111, 0x0005, 0)
        assert wire.receive(link, 4) == struct.pack(">I", 1)
        record = wire.DEVICE.unpack(wire.receive(link, wire.DEVICE.size))
        assert record[1].rstrip(b"\0") == b"1-1"
        assert record[4:8] == (5, 0x04B4, 0x00F9, 0)
        assert wire.receive(link, 8) == bytes((0x0E, 1, 0, 0, 0x0E, 2, 0, 0))


def test_a_host_gets_descriptors_strings_and_stalls(server):
    host = Host(server)
    firmware = FIRMWARES["stock"]
    assert host.control("8006000100001200", 18).data == device_descriptor(firmware)
    whole = configuration_descriptor(firmware)
    assert host.control("8006000200000900", 9).data == whole[:9]
    assert host.control("800600020000ff0f", 0xFFF).data == whole
    assert host.control("8006020309042000", 32).data[2:].decode("utf-16-le") == "MINISCOPE"
    assert host.control("8006030309042000", 32).status == wire.EPIPE
    assert host.control("a186000300020100", 1).data == b"\x03"
    assert host.control("a181000f00010200", 2).status == wire.EPIPE
    assert host.control("0009010000000000").status == 0
    host.close()


def test_a_host_that_sends_more_than_the_ring_holds_loses_the_device_and_another_may_have_it(
    server,
):
    host = Host(server)
    with pytest.raises(ConnectionError):
        for _ in range(100):
            for selector, word in ((3, 0x0350), (9, 0x0C3D), (8, 0)):
                host.control(f"210100{selector:02x}00020200", data=struct.pack("<H", word))
    host.close()
    wait_until_free(server)


def refused(server: UsbIpServer) -> bool:
    host = Host(server)
    host.close()
    return host.status == 1


def wait_until_free(server: UsbIpServer) -> None:
    deadline_s = time.monotonic() + 60
    while refused(server):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_second_host_is_refused_until_the_first_lets_go(server):
    first = Host(server)
    assert refused(server)
    first.close()
    wait_until_free(server)


def test_of_hosts_that_ask_at_once_one_gets_it(server):
    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            hosts = [asked.result() for asked in [pool.submit(Host, server) for _ in range(8)]]
        assert sorted(host.status for host in hosts) == [0] + 7 * [1]
        for host in hosts:
            host.close()
        wait_until_free(server)


def test_an_unlinked_read_is_answered_once_and_only_as_unlinked(server):
    host = Host(server)
    for seqnum in (10, 11):
        request = wire.Submit(seqnum, wire.DIR_IN, 3, 16384, bytes(8))
        host.link.sendall(wire.submit_message(request, 2))
    host.link.sendall(wire.unlink_message(wire.Unlink(12, 10), 2))
    header = wire.receive(host.link, 48)
    assert struct.unpack(">II", header[:8]) == (wire.RET_UNLINK, 12)
    assert struct.unpack(">i", header[20:24]) == (wire.ECONNRESET,)
    host.link.sendall(wire.unlink_message(wire.Unlink(13, 10), 2))
    assert struct.unpack(">i", wire.receive(host.link, 48)[20:24]) == (0,)
    host.close()


def test_the_real_driver_runs_over_it_and_leaves_it_dark(server):
    scope = Miniscope(plug_in(f"127.0.0.1:{server.address[1]}"))
    clock = RunClock()
    scope.apply(ScopeSettings(led_percent=50, frame_rate_hz=30))
    clock.start()
    scope.start(clock)
    exposures = [exposure for _ in range(15) if (exposure := scope.read(0.5))]
    assert len(exposures) >= 12
    assert exposures[-1].frame.mat.max() == 255
    assert exposures[-1].quaternion is not None
    assert server.daq.led_lit
    scope.close()
    assert server.daq.scope.led_registers == (255, 255)


def test_an_unplugged_server_has_nothing_to_give(server):
    server.daq.inject("unplug", 100)
    with pytest.raises(OSError, match="unplugged or in use"):
        plug_in(f"127.0.0.1:{server.address[1]}")()
    with pytest.raises(OSError, match=r"no USB/IP server at 127\.0\.0\.1:1"):
        plug_in("127.0.0.1:1")()
    with pytest.raises(ValueError, match="should be a host and a port"):
        plug_in("127.0.0.1:x")


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from virtual_miniscope.cli import main; raise SystemExit(main())",
    ]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)


def test_serve_says_how_to_attach_and_ends():
    done = run_cli("serve", "--port", "0", "--tissue", "pattern", "--for", "0.1")
    assert done.returncode == 0
    assert "usbip --tcp-port" in done.stdout
    assert "127.0.0.1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--fault", "explode"), "no fault 'explode'; there are drop"),
        (("--port", "99999"), "port"),
        (("--tissue", "cheese"), "cheese"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, says):
    done = run_cli("serve", "--tissue", "pattern", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
