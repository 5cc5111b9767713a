"""Our items and Syntalos's, one into the other; `syl` is its module `syntalos_mlink`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from syntalos_miniscope.streams import (
    Control,
    ControlKind,
    FloatSignalBlock,
    Frame,
    Item,
    ItemType,
    Metadata,
    TableRow,
)

_FLOATS = frozenset({"framerate", "sample_rate", "data_scale", "data_offset"})
"""Syntalos takes these as floats only; an integer counts as missing."""


def data_type(syl: Any, item_type: ItemType) -> Any:
    """Give Syntalos's name of a stream type."""
    names = {
        Frame: "Frame",
        FloatSignalBlock: "SignalBlockF32",
        TableRow: "TableRow",
        Control: "ControlCommand",
    }
    return getattr(syl.DataType, names[item_type])


def to_syntalos(syl: Any, item: Item) -> Any:
    """Give an item as Syntalos takes it; no field of a new object is left as it was made."""
    match item:
        case Frame():
            frame = syl.Frame()
            frame.index = item.index
            # As a duration, because the plain number is unsigned there and a time may be negative.
            frame.time = timedelta(microseconds=item.time_us)
            # A copy: arrays on our wires are locked, and Syntalos takes writeable ones only.
            frame.mat = item.mat.copy()
            return frame
        case FloatSignalBlock():
            block = syl.SignalBlockF32()
            block.timestamps = item.timestamps.astype(np.uint64)
            block.data = item.data.copy()
            return block
        case TableRow():
            return list(item.cells)
        case Control():
            command = syl.ControlCommand(getattr(syl.ControlCommandKind, item.kind.name))
            command.duration = 0
            command.command = item.command
            return command


def later_than(block: FloatSignalBlock, last: int) -> FloatSignalBlock:
    """Give a block whose times increase, from after `last` on: by as little as can be.

    Where a stream tells whole milliseconds, two samples may come within one.
    """
    steps = np.arange(len(block.timestamps))
    times = np.maximum.accumulate(np.maximum(block.timestamps - steps, last + 1)) + steps
    return FloatSignalBlock(times, block.data)


def from_syntalos(syl: Any, item_type: ItemType) -> Callable[[Any], Item | None]:
    """Give what turns data of a port into an item; None for a command that says nothing."""
    kinds = {getattr(syl.ControlCommandKind, kind.name): kind for kind in ControlKind}

    def frame(data: Any) -> Frame:
        mat = np.ascontiguousarray(data.mat)
        if mat.ndim == 3 and mat.shape[2] == 1:
            mat = mat[:, :, 0]
        return Frame(int(data.index), round(data.time / timedelta(microseconds=1)), mat)

    def block(data: Any) -> FloatSignalBlock:
        times = np.array(data.timestamps, np.int64).ravel()
        return FloatSignalBlock(times, np.array(data.data, np.float32, ndmin=2))

    def row(data: Any) -> TableRow:
        return TableRow(tuple(str(cell) for cell in data))

    def command(data: Any) -> Control | None:
        kind = kinds.get(data.kind)
        return None if kind is None else Control(kind, str(data.command))

    given: dict[ItemType, Callable[[Any], Item | None]] = {
        Frame: frame,
        FloatSignalBlock: block,
        TableRow: row,
        Control: command,
    }
    return given[item_type]


def set_metadata(port: Any, metadata: Metadata) -> None:
    """Set all metadata of an output port, each value in the way that takes it.

    A port outlives a run: nothing of what an earlier one said is left.
    """
    values = {name: _plain(name, value) for name, value in metadata.items()}
    # Only this call takes flags, and only it takes away what was set before.
    port.set_metadata({name: value for name, value in values.items() if isinstance(value, bool)})
    for name, value in values.items():
        if isinstance(value, tuple):
            port.set_metadata_value_size(name, list(value))
        elif not isinstance(value, bool):
            port.set_metadata_value(name, value)


def get_metadata(port: Any) -> Metadata:
    """Give the metadata of an input port; empty if nothing is connected."""
    return {str(name): _size(value) for name, value in dict(port.metadata).items()}


def plain_attribute(value: Any) -> Any:
    """Give an attribute of a dataset in the types that the link takes; what it cannot, as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic):
        return plain_attribute(value.item())
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(name): plain_attribute(part) for name, part in value.items()}
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        return [plain_attribute(part) for part in value]
    return str(value)


def _size(value: Any) -> Any:
    return (int(value.width), int(value.height)) if hasattr(value, "width") else value


def _plain(name: str, value: Any) -> Any:
    """Give a value as one of the few types that the link takes, never numpy's."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if name in _FLOATS or isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, tuple) and len(value) == 2 and not isinstance(value[0], str):
        return int(value[0]), int(value[1])
    return [str(part) for part in value]
