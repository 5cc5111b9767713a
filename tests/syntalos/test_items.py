"""Items and metadata go through Syntalos's types and come back as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope.streams import Control, ControlKind, FloatSignalBlock, Frame, TableRow
from syntalos_miniscope.syntalos.items import (
    data_type,
    from_syntalos,
    get_metadata,
    later_than,
    plain_attribute,
    set_metadata,
    to_syntalos,
)


class Recorded:
    """An output port of the stand-in that keeps what it is told."""

    def __init__(self, syl: Any) -> None:
        self.told: dict[str, Any] = {}
        self.port = syl.OutputPort(self, "out", syl.DataType.Frame)

    def tell_metadata(self, port: str, metadata: dict[str, Any]) -> None:
        self.told = dict(metadata)


@pytest.mark.parametrize(
    "mat",
    [
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000,
        np.arange(36, dtype=np.uint8).reshape(3, 4, 3),
    ],
    ids=["grey", "16 bits", "colour"],
)
def test_a_frame_comes_back_as_it_was(syl: Any, mat: Any) -> None:
    sent = to_syntalos(syl, Frame(7, 1_234_567, mat))
    assert sent.mat.flags.writeable and sent.time_usec == 1_234_567
    back = from_syntalos(syl, Frame)(sent)
    assert isinstance(back, Frame)
    assert (back.index, back.time_us) == (7, 1_234_567)
    assert back.mat.dtype == mat.dtype and np.array_equal(back.mat, mat)


def test_a_time_before_this_modules_zero_passes_unchanged(syl: Any) -> None:
    """Each process has a zero of its own: a frame of another may come before it."""
    sent = syl.Frame()
    sent.index, sent.time = 3, timedelta(microseconds=-2004)
    sent.mat = np.zeros((2, 2), np.uint8)
    item = from_syntalos(syl, Frame)(sent)
    assert isinstance(item, Frame) and item.time_us == -2004
    assert to_syntalos(syl, item).time_usec == -2004


def test_a_frame_that_our_wires_cannot_carry_is_refused_in_words(syl: Any) -> None:
    sent = to_syntalos(syl, Frame(0, 0, np.zeros((2, 2), np.uint8)))
    sent.mat = np.zeros((2, 2), np.float32)
    with pytest.raises(ValueError, match="float32"):
        from_syntalos(syl, Frame)(sent)


def test_a_block_comes_back_as_it_was(syl: Any) -> None:
    block = FloatSignalBlock(np.array([10, 20], np.int64), np.array([[1, 2], [3, 4.5]], np.float32))
    back = from_syntalos(syl, FloatSignalBlock)(to_syntalos(syl, block))
    assert isinstance(back, FloatSignalBlock)
    assert back.timestamps.tolist() == [10, 20] and back.data.tolist() == [[1, 2], [3, 4.5]]


@given(st.lists(st.integers(-50, 50), max_size=20), st.integers(-50, 50))
def test_times_increase_by_as_little_as_can_be(times: list[int], last: int) -> None:
    block = FloatSignalBlock(np.array(times, np.int64), np.zeros((len(times), 1), np.float32))
    expected: list[int] = []
    for time in times:
        expected.append(max(time, (expected[-1] if expected else last) + 1))
    assert later_than(block, last).timestamps.tolist() == expected


def test_rows_and_commands_come_back_as_they_were(syl: Any) -> None:
    row = TableRow(("1", "a;b", ""))
    assert from_syntalos(syl, TableRow)(to_syntalos(syl, row)) == row
    for kind in ControlKind:
        command = Control(kind, "light on" if kind is ControlKind.CUSTOM else "")
        sent = to_syntalos(syl, command)
        assert sent.duration == 0
        assert from_syntalos(syl, Control)(sent) == command


def test_a_command_of_no_known_kind_says_nothing(syl: Any) -> None:
    assert from_syntalos(syl, Control)(syl.ControlCommand()) is None


def test_metadata_is_told_in_the_types_that_the_link_takes(syl: Any) -> None:
    recorded = Recorded(syl)
    said: dict[str, Any] = {
        "framerate": 30, "rate": np.float64(2.5), "depth": np.int64(2), "size": (608, 600),
        "has_color": False, "signal_names": ("qw", "qx"), "data_unit": "au",
    }  # fmt: skip
    set_metadata(recorded.port, said)
    told = recorded.told
    assert type(told["framerate"]) is float and told["framerate"] == 30.0
    assert told["has_color"] is False and told["depth"] == 2
    assert (told["size"].width, told["size"].height) == (608, 600)
    assert told["signal_names"] == ["qw", "qx"] and told["data_unit"] == "au"


def test_metadata_of_an_input_is_plain(syl: Any) -> None:
    port = syl.InputPort("in", syl.DataType.Frame)
    port.metadata = {"size": syl.MetaSize(608, 600), "framerate": 20.0}
    assert get_metadata(port) == {"size": (608, 600), "framerate": 20.0}


def test_every_stream_has_its_type(syl: Any) -> None:
    assert data_type(syl, FloatSignalBlock) is syl.DataType.SignalBlockF32
    assert data_type(syl, Control) is syl.DataType.ControlCommand


def test_the_stand_in_refuses_what_the_real_link_refuses(syl: Any) -> None:
    port = Recorded(syl).port
    for wrong in (True, np.int64(1), [1.5], (1, 2)):
        with pytest.raises(syl.SyntalosPyError):
            port.set_metadata_value("x", wrong)
    frame = syl.Frame()
    locked = np.zeros((2, 2), np.uint8)
    locked.flags.writeable = False
    for mat in (locked, np.zeros((2, 4), np.uint8)[:, ::2], np.zeros((2, 2), np.int64)):
        with pytest.raises(ValueError):
            frame.mat = mat
    with pytest.raises(syl.SyntalosPyError):
        port.submit(["a row"])


def test_nothing_that_an_earlier_run_said_stays_in_the_metadata(syl: Any) -> None:
    """A port outlives a run; a depth of 16 bits that stayed would garble frames of 8."""
    recorded = Recorded(syl)
    set_metadata(recorded.port, {"framerate": 20.0, "depth": 2})
    set_metadata(recorded.port, {"framerate": 30.0})
    assert recorded.told == {"framerate": 30.0}


def test_attributes_are_told_in_the_types_that_the_link_takes() -> None:
    said: dict[str, Any] = {
        "size": (608, 600), "rate": np.float32(2.5), "many": np.arange(2), "on": np.True_,
        "made": datetime(2026, 1, 2, tzinfo=UTC), "deep": {"names": ("a", Path("b"))}, "none": None,
        "kind": ControlKind.STEP,
    }  # fmt: skip
    plain = plain_attribute(said)
    assert type(plain["kind"]) is str and type(plain["rate"]) is float and type(plain["on"]) is bool
    assert plain == {
        "size": [608, 600], "rate": 2.5, "many": [0, 1], "on": True,
        "made": "2026-01-02 00:00:00+00:00", "deep": {"names": ["a", "b"]}, "none": None,
        "kind": "step",
    }  # fmt: skip
