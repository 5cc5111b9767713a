"""Ports: metadata in exactly the types that the real ones take, and a queue of 16 slots."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .data import DataType, MetaSize, SyntalosPyError, pack, unpack
from .edl import ensure_value

if TYPE_CHECKING:
    from .link import SyntalosLink

SLOTS = 16


class InputPort:
    def __init__(self, name: str, kind: DataType) -> None:
        self.name, self.kind = name, kind
        self.metadata: dict[str, Any] = {}
        self.on_data: Callable[[Any], None] | None = None

    def set_throttle_items_per_sec(self, items_per_sec: int) -> None:
        """Without effect, as in the real one."""

    def deliver(self, payload: Any) -> None:
        if self.on_data is not None:
            self.on_data(unpack(self.kind, payload))


class OutputPort:
    def __init__(self, link: SyntalosLink, name: str, kind: DataType) -> None:
        self.name, self.kind = name, kind
        self.in_flight = 0
        self._link = link
        self._metadata: dict[str, Any] = {}

    def submit(self, data: Any) -> None:
        called_ns = time.monotonic_ns()
        payload = pack(self.kind, data)
        self._link.send_item(self, payload, called_ns)

    def set_metadata_value(self, key: str, value: Any) -> None:
        if type(value) is int or isinstance(value, float) or type(value) is str:
            self._set(key, value)
        elif isinstance(value, MetaSize):
            self._set(key, value)
        elif isinstance(value, list):
            for part in value:
                if type(part) not in (int, str):
                    raise SyntalosPyError(
                        f"Invalid type found in list metadata entry: {type(part).__name__}"
                    )
            if value:
                self._set(key, list(value))
        else:
            raise SyntalosPyError(f"Cannot set metadata value of type: {type(value).__name__}")

    def set_metadata_value_size(self, key: str, value: Any) -> None:
        if not isinstance(value, MetaSize):
            if not isinstance(value, list | tuple) or len(value) != 2:
                raise SyntalosPyError("Expected a MetaSize or a [width, height] sequence.")
            if any(type(part) is not int for part in value):
                raise RuntimeError("Unable to cast Python instance to C++ type")
            value = MetaSize(*value)
        self._set(key, value)

    def set_metadata(self, values: dict[str, Any]) -> None:
        """Replace everything."""
        ensure_value(values)
        self._metadata = dict(values)
        self._link.tell_metadata(self.name, self._metadata)

    def _set(self, key: str, value: Any) -> None:
        self._metadata[key] = value
        self._link.tell_metadata(self.name, self._metadata)
