"""What goes from process to process: every item as it was, and nothing that is not one."""

from __future__ import annotations

import json
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope.engine.ezmsg.wire_format import Parcel, decode, encode
from syntalos_miniscope.streams import Control, ControlKind, FloatSignalBlock, Frame, Item, TableRow

TIMES = st.integers(-(2**62), 2**62)


@st.composite
def frames(draw) -> Frame:
    shape = (draw(st.integers(0, 9)), draw(st.integers(0, 9)))
    deep, colour = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    dtype = np.uint16 if deep else np.uint8
    mat = np.random.default_rng(draw(st.integers(0, 99))).integers(
        0, np.iinfo(dtype).max, (*shape, 3) if colour else shape, dtype, endpoint=True
    )
    return Frame(draw(TIMES), draw(TIMES), mat)


@st.composite
def blocks(draw) -> FloatSignalBlock:
    samples, channels = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    values = draw(st.lists(st.floats(width=32), min_size=samples * channels,
                           max_size=samples * channels))  # fmt: skip
    times = draw(st.lists(TIMES, min_size=samples, max_size=samples))
    data = np.array(values, np.float32).reshape(samples, channels)
    return FloatSignalBlock(np.array(times, np.int64), data)


rows = st.lists(st.text(), max_size=5).map(lambda cells: TableRow(tuple(cells)))
controls = st.builds(Control, st.sampled_from(ControlKind), st.text())
items = st.one_of(st.none(), frames(), blocks(), rows, controls)


def sent(parcel: Parcel) -> list[memoryview]:
    """Give what comes at the other end: the same bytes in other memory, which is used again."""
    return [memoryview(bytearray(buffer)) for buffer in encode(parcel)]


def assert_same(one: Item | None, other: Item | None) -> None:
    assert type(one) is type(other)
    if isinstance(one, Frame) and isinstance(other, Frame):
        assert (one.index, one.time_us, one.mat.dtype) == (
            other.index,
            other.time_us,
            other.mat.dtype,
        )
        np.testing.assert_array_equal(one.mat, other.mat)
    elif isinstance(one, FloatSignalBlock) and isinstance(other, FloatSignalBlock):
        np.testing.assert_array_equal(one.timestamps, other.timestamps)
        np.testing.assert_array_equal(one.data, other.data)
        assert one.data.shape == other.data.shape
    else:
        assert one == other


@given(items, TIMES)
def test_every_item_arrives_as_it_was(item, sent_ns) -> None:
    arrived = decode(sent(Parcel(item, sent_ns)))
    assert_same(arrived.item, item)
    assert arrived.sent_ns == sent_ns


def test_what_arrived_is_a_copy_that_nobody_writes_to() -> None:
    memory = sent(Parcel(Frame(1, 2, np.full((4, 4), 7, np.uint8)), 0))
    arrived = decode(memory).item
    memory[1][:] = bytes(16)
    assert isinstance(arrived, Frame) and arrived.mat.min() == 7
    with pytest.raises(ValueError, match="read-only"):
        arrived.mat[0, 0] = 1


@given(st.lists(st.binary(max_size=80), max_size=4))
def test_whatever_else_comes_is_a_value_error_and_nothing_worse(noise) -> None:
    with pytest.raises(ValueError):
        decode([memoryview(part) for part in noise])


@given(items, st.data())
def test_an_item_that_was_damaged_is_an_item_or_a_value_error(item, data) -> None:
    buffers = [bytearray(buffer) for buffer in encode(Parcel(item, 0))]
    part = buffers[data.draw(st.integers(0, len(buffers) - 1))]
    if part:
        part[data.draw(st.integers(0, len(part) - 1))] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        buffers.pop()
    try:
        decode([memoryview(part) for part in buffers])
    except ValueError:
        pass


def test_a_pickle_is_not_read() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        decode([memoryview(pickle.dumps(print))])


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a": 1}', "[1, 2]", '["fly", ""]', '["start"]', "\x00"]
)
def test_a_command_that_is_none_is_refused(text) -> None:
    head = struct.pack("<4sBq", b"SMW1", 4, 0)
    with pytest.raises(ValueError):
        decode([memoryview(head + text.encode())])


def test_a_frame_larger_than_its_pixels_is_refused_before_it_is_made() -> None:
    [head, pixels] = sent(Parcel(Frame(0, 0, np.zeros((2, 2), np.uint8)), 0))
    head[13 + 16 : 13 + 24] = struct.pack("<II", 2**31, 2**31)
    with pytest.raises(ValueError, match="4 bytes for"):
        decode([head, pixels])


def test_cells_are_words_of_any_script() -> None:
    row = TableRow(("µ", "日本", "a;b\n", '"', ""))
    assert decode(sent(Parcel(row, 0))).item == row
    assert json.loads(bytes(encode(Parcel(row, 0))[0])[13:]) == list(row.cells)
