"""What listens, listens on this machine, and goes on listening whatever it is sent."""

from __future__ import annotations

import ast
import inspect
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syntalos_miniscope.catalog import Catalog
from virtual_miniscope import usbip_wire as wire
from virtual_miniscope.daq import Daq
from virtual_miniscope.usbip_server import UsbIpServer

ROOT = Path(__file__).parents[2]


def test_no_shipped_file_names_the_address_of_every_network() -> None:
    for room in ("syntalos_miniscope", "nodes", "ui", "hardware_mocks"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                said = getattr(node, "value", None)
                assert said not in ("0.0.0.0", "::"), f"{file}: {said}"


def test_the_usbip_server_is_on_loopback_unless_told() -> None:
    assert inspect.signature(UsbIpServer).parameters["host"].default == "127.0.0.1"


def test_an_lsl_outlet_is_on_this_machine_unless_told() -> None:
    assert Catalog.shipped().node("lsl_outlet").Settings().model_dump()["visibility"] == "machine"


@pytest.fixture
def server() -> Iterator[UsbIpServer]:
    made = UsbIpServer(Daq(), port=0)
    yield made
    made.close()


def request(draw: st.DrawFn) -> bytes:
    """A message of USB/IP in which anything may stand."""
    numbers = [draw(st.integers(0, 2**32 - 1)) for _ in range(9)]
    numbers[0] = draw(st.sampled_from([wire.CMD_SUBMIT, wire.CMD_UNLINK, 3]))
    numbers[3:5] = draw(st.sampled_from([0, 1, 2])), draw(st.sampled_from([0, 1, 3, 15]))
    return struct.pack(">9I", *numbers) + draw(st.binary(min_size=12, max_size=12))


@settings(
    deadline=None,
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_bytes_end_the_usbip_server(server: UsbIpServer, data: st.DataObject) -> None:
    attach = wire.OPERATION.pack(wire.VERSION, wire.REQ_IMPORT, 0) + b"1-1".ljust(32, b"\0")
    requests = data.draw(st.lists(st.composite(request)(), max_size=4))
    sent = data.draw(st.sampled_from([attach, b""])) + b"".join(requests)
    with socket.create_connection(server.address, 60) as link, suppress(OSError):
        link.sendall(sent or data.draw(st.binary(max_size=60)))
        link.shutdown(socket.SHUT_WR)
        while link.recv(65536):
            pass
    with socket.create_connection(server.address, 60) as link:
        link.sendall(wire.OPERATION.pack(wire.VERSION, wire.REQ_DEVLIST, 0))
        assert wire.receive(link, 8) == struct.pack(">HHI", 0x0111, 0x0005, 0)
