"""The types that travel, with the habits of their C++ originals."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, IntEnum
from typing import Any

import numpy as np

FRAME_TYPES = {"uint8", "int8", "uint16", "int16", "int32", "float32", "float64"}


class SyntalosPyError(RuntimeError):
    pass


class DataType(IntEnum):
    ControlCommand = 1
    TableRow = 2
    Frame = 3
    LineCommand = 4
    LineReading = 5
    SignalBlockI32 = 6
    SignalBlockU16 = 7
    SignalBlockF32 = 8


class ControlCommandKind(Enum):
    UNKNOWN = 0
    START = 1
    PAUSE = 2
    STOP = 3
    STEP = 4
    CUSTOM = 5


@dataclass
class MetaSize:
    width: int = 0
    height: int = 0

    def __iter__(self):
        return iter((self.width, self.height))


def _garbage() -> int:
    return random.randrange(2**60, 2**62)


class Frame:
    """Takes no arguments; index and time are whatever lay in memory."""

    def __init__(self) -> None:
        self._index = _garbage()
        self._time = timedelta(microseconds=_garbage() // 10)
        self._mat: Any = np.zeros((0, 0), np.uint8)

    @property
    def index(self) -> int:
        return self._index

    @index.setter
    def index(self, value: Any) -> None:
        if not isinstance(value, int) or not 0 <= value < 2**64:
            raise TypeError(f"incompatible function arguments: index {value!r}")
        self._index = value

    @property
    def time(self) -> timedelta:
        return self._time

    @time.setter
    def time(self, value: Any) -> None:
        if not isinstance(value, timedelta):
            raise TypeError(f"incompatible function arguments: time {value!r}")
        self._time = value

    @property
    def time_usec(self) -> int:
        return round(self._time / timedelta(microseconds=1))

    @time_usec.setter
    def time_usec(self, value: Any) -> None:
        if not isinstance(value, int) or not 0 <= value < 2**64:
            raise TypeError(f"incompatible function arguments: time_usec {value!r}")
        self._time = timedelta(microseconds=value)

    @property
    def mat(self) -> Any:
        return self._mat

    @mat.setter
    def mat(self, value: Any) -> None:
        if not isinstance(value, np.ndarray) or value.ndim not in (2, 3):
            raise ValueError("only 2d and 3d arrays are supported")
        if value.dtype.name not in FRAME_TYPES:
            raise ValueError(f"unsupported element type {value.dtype}")
        if not value.flags.c_contiguous:
            raise ValueError("the array is not C-contiguous")
        if not value.flags.writeable:
            raise ValueError("array is not writeable")
        self._mat = value


class SignalBlockF32:
    """60 samples of garbage until both arrays are set."""

    def __init__(self) -> None:
        self._timestamps = np.full(60, _garbage(), np.uint64)
        self._data = np.full((60, 1), -1e33, np.float32)

    @property
    def timestamps(self) -> Any:
        return self._timestamps

    @timestamps.setter
    def timestamps(self, value: Any) -> None:
        self._timestamps = np.array(value, np.uint64)

    @property
    def data(self) -> Any:
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._data = np.array(value, np.float32, ndmin=2)

    length = rows = property(lambda self: self._data.shape[0])
    cols = property(lambda self: self._data.shape[1])


class ControlCommand:
    def __init__(self, kind: Any = ControlCommandKind.UNKNOWN) -> None:
        if not isinstance(kind, ControlCommandKind):
            raise TypeError(f"incompatible constructor arguments: {kind!r}")
        self.kind = kind
        self.duration = _garbage()
        self.command = ""


def pack(kind: DataType, item: Any) -> Any:
    """Serialize an item for a port of a type, or refuse it as `submit` does."""
    match kind:
        case DataType.Frame if isinstance(item, Frame):
            return item.index, item.time_usec, np.array(item.mat)
        case DataType.SignalBlockF32 if isinstance(item, SignalBlockF32):
            if len(item.timestamps) != len(item.data):
                raise SyntalosPyError("Data submission failed: can't be serialized")
            return item.timestamps, item.data
        case DataType.TableRow if isinstance(item, list | tuple):
            return [str(cell) for cell in item]
        case DataType.ControlCommand if isinstance(item, ControlCommand):
            return item.kind.value, item.duration, item.command
        case _:
            raise SyntalosPyError(
                "Data submission failed: Tried to send data via output port that can't carry it"
            )


def unpack(kind: DataType, payload: Any) -> Any:
    """Give an item as `on_data` gets it: a copy that the receiver owns."""
    match kind:
        case DataType.Frame:
            frame = Frame()
            frame.index, time_us, frame.mat = payload[0], payload[1], np.array(payload[2])
            frame.time = timedelta(microseconds=time_us)
            return frame
        case DataType.SignalBlockF32:
            block = SignalBlockF32()
            block.timestamps, block.data = payload
            return block
        case DataType.TableRow:
            return list(payload)
        case _:
            command = ControlCommand(ControlCommandKind(payload[0]))
            command.duration, command.command = payload[1], payload[2]
            return command
