"""Items as bytes: a short header and the raw arrays. Nothing else is read, and nothing unpickled.

All numbers are little-endian. A parcel starts with `SMW1`, its kind (1 byte) and when it was sent
(int64, ns of run time); then come, by kind,

* end: nothing;
* frame: index, time_us (int64), height, width (uint32), channels, bytes per value (uint8); pixels;
* signal block: samples, channels (uint32); the int64 timestamps; the float32 data;
* table row: a JSON list of its cells;
* control: a JSON list of kind and command.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.streams import Control, ControlKind, FloatSignalBlock, Frame, Item, TableRow

_HEAD = struct.Struct("<4sBq")
_FRAME = struct.Struct("<qqIIBB")
_BLOCK = struct.Struct("<II")
_MAGIC = b"SMW1"
_END, _IMAGE, _SIGNAL, _ROW, _COMMAND = range(5)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One item on its way from process to process, and when it was sent; None is the end."""

    item: Item | None
    sent_ns: int
    """Run time, ns."""


def encode(parcel: Parcel) -> list[memoryview]:
    """Give a parcel as a header and the bytes of its arrays, which are not copied."""
    kind, fields, arrays = _taken_apart(parcel.item)
    head = _HEAD.pack(_MAGIC, kind, parcel.sent_ns) + fields
    return [memoryview(head), *map(_bytes_of, arrays)]


def decode(buffers: Sequence[memoryview]) -> Parcel:
    """Read a parcel, copying its arrays; ValueError for whatever `encode` does not give."""
    if not buffers or len(buffers[0]) < _HEAD.size:
        raise ValueError("a parcel without a header")
    head, arrays = bytes(buffers[0]), buffers[1:]
    magic, kind, sent_ns = _HEAD.unpack_from(head)
    if magic != _MAGIC or kind > _COMMAND:
        raise ValueError(f"a parcel of an unknown kind: {head[:5]!r}")
    try:
        return Parcel(_put_together(kind, head[_HEAD.size :], arrays), sent_ns)
    except (struct.error, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"a parcel that does not fit its header: {error}") from error


def metadata_from_json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Give the metadata of a stream as they were before JSON made a list of each tuple."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in metadata.items()}


def _taken_apart(item: Item | None) -> tuple[int, bytes, list[NDArray[Any]]]:
    match item:
        case None:
            return _END, b"", []
        case Frame(index, time_us, mat):
            height, width, channels = (*mat.shape, 1)[:3]
            fields = _FRAME.pack(index, time_us, height, width, channels, mat.dtype.itemsize)
            return _IMAGE, fields, [mat]
        case FloatSignalBlock(timestamps, data):
            return _SIGNAL, _BLOCK.pack(*data.shape), [timestamps, data]
        case TableRow(cells):
            return _ROW, json.dumps(cells).encode(), []
        case Control(kind, command):
            return _COMMAND, json.dumps([kind.value, command]).encode(), []


def _put_together(kind: int, fields: bytes, arrays: Sequence[memoryview]) -> Item | None:
    if kind == _IMAGE:
        index, time_us, height, width, channels, size = _FRAME.unpack(fields)
        dtype = {1: np.dtype("<u1"), 2: np.dtype("<u2")}[size]
        shape = (height, width, channels) if channels > 1 else (height, width)
        [pixels] = _arrays(arrays, (dtype, shape))
        return Frame(index, time_us, pixels)
    if kind == _SIGNAL:
        samples, channels = _BLOCK.unpack(fields)
        times, data = np.dtype("<i8"), np.dtype("<f4")
        return FloatSignalBlock(*_arrays(arrays, (times, (samples,)), (data, (samples, channels))))
    _arrays(arrays)
    if kind == _END:
        if fields:
            raise ValueError("an end that goes on")
        return None
    words = json.loads(fields)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("words are wanted, as a JSON list")
    if kind == _ROW:
        return TableRow(tuple(words))
    if len(words) != 2:
        raise ValueError(f"a command of {len(words)} words")
    return Control(ControlKind(words[0]), words[1])


def _arrays(
    buffers: Sequence[memoryview], *wanted: tuple[np.dtype[Any], tuple[int, ...]]
) -> list[NDArray[Any]]:
    """Copy buffers into arrays: theirs is memory that the sender writes to again."""
    if len(buffers) != len(wanted):
        raise ValueError(f"{len(buffers)} arrays, not {len(wanted)}")
    arrays: list[NDArray[Any]] = []
    for buffer, (dtype, shape) in zip(buffers, wanted, strict=True):
        size = dtype.itemsize
        for length in shape:
            size *= length
        if len(buffer) != size:
            raise ValueError(f"{len(buffer)} bytes for {shape} of {dtype}")
        arrays.append(np.frombuffer(buffer, dtype).reshape(shape).copy())
    return arrays


def _bytes_of(array: NDArray[Any]) -> memoryview:
    """View an array as bytes; one without elements has none, which memoryview cannot cast."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8).data
