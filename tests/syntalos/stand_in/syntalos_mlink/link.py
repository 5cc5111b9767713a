"""The link itself: events, states, errors, and waits that keep Python's lock."""

from __future__ import annotations

import ctypes
import os
import select
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from .data import DataType, MetaSize, SyntalosPyError
from .edl import RUN_UUID, EdlDataset, EdlGroup
from .ports import SLOTS, InputPort, OutputPort

_libc = ctypes.PyDLL(None)
"""Calls through this keep Python's lock, as the real link does while it waits."""


class _PollFd(ctypes.Structure):
    _fields_ = (("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short))


def _wait_locked(fd: int, timeout_ms: int) -> bool:
    entry = _PollFd(fd, select.POLLIN, 0)
    return bool(_libc.poll(ctypes.byref(entry), 1, timeout_ms) > 0)


_active: SyntalosLink | None = None


class SyntalosLink:
    """Syntalos 3.0.0 to 3.1.1; `set_status_message` came later."""

    def __init__(self, wire: Connection, acks: int) -> None:
        self.state = "INITIALIZING"
        self.allow_async_start = True
        self.on_prepare: Callable[[], bool] | None = None
        self.on_start: Callable[[], None] | None = None
        self.on_stop: Callable[[], None] | None = None
        self.on_show_settings: Callable[[], None] | None = None
        self.on_show_display: Callable[[], None] | None = None
        self.on_save_settings: Callable[[Path], bytes] | None = None
        self.on_load_settings: Callable[[bytearray, Path], bool] | None = None
        self._wire, self._acks = wire, acks
        self._in: dict[str, InputPort] = {}
        self._out: dict[str, OutputPort] = {}
        self._zero_ns = time.monotonic_ns()
        self._shutdown = False
        self._preparing = False
        self._group: EdlGroup | None = None
        self._default: str | None = None

    # Ports

    def register_input_port(self, id: str, title: str, data_type: DataType) -> InputPort:
        self._check_new(id, data_type, self._in)
        port = self._in[id] = InputPort(id, data_type)
        self._wire.send(("in", id, title, int(data_type)))
        return port

    def register_output_port(self, id: str, title: str, data_type: DataType) -> OutputPort:
        self._check_new(id, data_type, self._out)
        port = self._out[id] = OutputPort(self, id, data_type)
        self._wire.send(("out", id, title, int(data_type)))
        return port

    def _check_new(self, id: str, data_type: Any, ports: dict[str, Any]) -> None:
        if not isinstance(data_type, DataType) or id in ports:
            raise RuntimeError(f"port {id} cannot be registered")

    def send_item(self, port: OutputPort, payload: Any, called_ns: int) -> None:
        self._take_acks()
        while port.in_flight >= SLOTS:
            _wait_locked(self._acks, 100)
            self._take_acks()
        port.in_flight += 1
        called_us = (called_ns - self._zero_ns) // 1000
        self._wire.send(("item", port.name, payload, self.state, called_us))

    def _take_acks(self) -> None:
        while _wait_locked(self._acks, 0):
            got = os.read(self._acks, 4096)
            if not got:
                os._exit(9)
            names = list(self._out)
            for index in got:
                self._out[names[index]].in_flight -= 1

    def tell_metadata(self, port: str, metadata: dict[str, Any]) -> None:
        if self.state == "RUNNING":
            raise SyntalosPyError("stream metadata is immutable once acquisition begins")
        plain = {
            key: ("size", value.width, value.height) if isinstance(value, MetaSize) else value
            for key, value in metadata.items()
        }
        self._wire.send(("metadata", port, plain))

    # The loop

    def await_data_forever(self, event_fn: Callable[[], None] | None = None) -> None:
        self.signal_idle()
        while not self._shutdown:
            if _wait_locked(self._wire.fileno(), 25):
                self._dispatch()
            if event_fn is not None:
                self._guarded(event_fn)

    def await_data(self, timeout_usec: int = -1) -> None:
        if self._shutdown:
            return
        wait_ms = -1 if timeout_usec < 0 else timeout_usec // 1000
        if _wait_locked(self._wire.fileno(), wait_ms):
            self._dispatch()

    def signal_idle(self) -> None:
        self._set_state("IDLE")

    @property
    def is_running(self) -> bool:
        return self.state == "RUNNING"

    def _set_state(self, state: str) -> None:
        self.state = state
        self._wire.send(("state", state))

    def _dispatch(self) -> None:
        """Handle all that is there, as the real one drains its queues."""
        while True:
            try:
                verb, *words = self._wire.recv()
            except (EOFError, OSError):
                self._shutdown = True
                return
            getattr(self, f"_do_{verb}")(*words)
            if self._shutdown or not _wait_locked(self._wire.fileno(), 0):
                return

    def _guarded(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (SystemExit, KeyboardInterrupt, AssertionError) as error:
            self.raise_error(f"{type(error).__name__}: {error}")
            self._shutdown = True
            raise
        except Exception as error:  # noqa: BLE001 - as the real one does
            if self.state != "ERROR":
                self.raise_error(f"{type(error).__name__}: {error}")
            return None

    def raise_error(self, message: str) -> None:
        if len(message.encode()) > 2048:
            raise SyntalosPyError("message too long")
        self.state = "ERROR"
        self._wire.send(("error", message))

    # What Syntalos asks

    def _do_connect(self, port: str, metadata: dict[str, Any]) -> None:
        self._in[port].metadata = {
            key: MetaSize(*value) if isinstance(value, tuple) else value
            for key, value in metadata.items()
        }

    def _do_data(self, port: str, payload: Any) -> None:
        self._guarded(lambda: self._in[port].deliver(payload))
        self._wire.send(("taken", port))

    def _do_prepare(self, root: str) -> None:
        self._group, self._default = EdlGroup(Path(root)) if root else None, None
        self._preparing = True
        ok = True
        if self.on_prepare is None:
            self._set_state("READY")
        else:
            ok = self._guarded(self.on_prepare)
            if ok is True:
                self._set_state("READY")
            elif self.state != "ERROR":
                self.raise_error("Module preparation failed (prepare() returned False).")
        self._preparing = False
        self._wire.send(("reply", "prepare", ok is True))

    def _do_start(self) -> None:
        self._zero_ns = time.monotonic_ns()
        if self.on_start is not None:
            self.state = "RUNNING"
            self._guarded(self.on_start)
        self._wire.send(("reply", "start", None))

    def _do_stop(self) -> None:
        if self.on_stop is not None:
            self._guarded(self.on_stop)
            self.state = "IDLE"
        if self._group is not None:
            self._group.save()
        self._group = None
        self._wire.send(("reply", "stop", None))

    def _do_save(self, base_dir: str) -> None:
        call = self.on_save_settings
        data = self._guarded(lambda: call(Path(base_dir))) if call else b""
        if not isinstance(data, bytes | bytearray):
            raise TypeError("settings are bytes")
        self._wire.send(("reply", "save", bytes(data)))

    def _do_load(self, data: bytes, base_dir: str) -> None:
        call = self.on_load_settings
        ok = self._guarded(lambda: call(bytearray(data), Path(base_dir))) if call else True
        if type(ok) not in (bool, type(None)):
            raise TypeError("Unable to cast Python instance to C++ type 'bool'")
        self._wire.send(("reply", "load", bool(ok)))

    def _do_show_settings(self) -> None:
        self._wire.send(("reply", "show_settings", None))
        if self.on_show_settings is not None:
            self._guarded(self.on_show_settings)

    def _do_show_display(self) -> None:
        self._wire.send(("reply", "show_display", None))
        if self.on_show_display is not None:
            self._guarded(self.on_show_display)

    def _do_shutdown(self) -> None:
        self._shutdown = True

    # EDL

    @property
    def run_uuid(self) -> bytes:
        return RUN_UUID

    @property
    def root_group(self) -> EdlGroup:
        if self._group is None:
            raise SyntalosPyError("No EDL root group available (PrepareRun not received yet).")
        return self._group

    def create_default_dataset(self, preferred_name: str = "") -> EdlDataset:
        if not self._preparing or self._default is not None:
            raise SyntalosPyError("the default dataset is made once, in on_prepare")
        self._default = preferred_name or "Display Name"
        return self.root_group.create_dataset(self._default)

    def create_dataset_in_group(self, group: EdlGroup, name: str) -> EdlDataset:
        return group.create_dataset(name)


class NewerLink(SyntalosLink):
    """Syntalos 3.1.2."""

    def set_status_message(self, text: str | None) -> None:
        if text is not None and len(text.encode()) > 128:
            raise SyntalosPyError("status message too long")
        self._wire.send(("status", text))


def init_link(*, rename_process: bool = False) -> SyntalosLink:
    global _active
    if _active is not None:
        raise SyntalosPyError("It is not allowed to run `init_link()` twice!")
    if "STAND_IN_WIRE" not in os.environ:
        raise RuntimeError("this module was not started by Syntalos")
    version = NewerLink if os.environ["SYNTALOS_VERSION"] == "3.1.2" else SyntalosLink
    wire = Connection(int(os.environ["STAND_IN_WIRE"]))
    _active = version(wire, int(os.environ["STAND_IN_ACKS"]))
    return _active


def _link() -> SyntalosLink:
    if _active is None:
        raise SyntalosPyError("Syntalos Module Link was not initialized.")
    return _active


def time_since_start_usec() -> int:
    return (time.monotonic_ns() - _link()._zero_ns) // 1000


def time_since_start_msec() -> int:
    return time_since_start_usec() // 1000


def raise_error(message: str) -> None:
    _link().raise_error(message)


def is_running() -> bool:
    return _link().is_running


def await_data(timeout_usec: int = -1) -> None:
    _link().await_data(timeout_usec)


def println(text: str) -> None:
    print(text, flush=True)
