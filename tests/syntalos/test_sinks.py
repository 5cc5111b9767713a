"""The writers of the stand-in refuse what Syntalos's own would fail a run for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sinks import FRAMES, ROWS, SIGNALS, Sink, dataset_names

VIDEO = {"framerate": 30.0, "size": ("size", 80, 64), "has_color": False}
GREY, DEEP = np.zeros((64, 80), np.uint8), np.zeros((64, 80), np.uint16)
SIGNAL = {"signal_names": ["a", "b"], "time_unit": "microseconds"}
TWO = np.zeros((1, 2), np.float32)


@pytest.mark.parametrize(
    ("kind", "metadata", "payloads", "words"),
    [
        (FRAMES, VIDEO | {"framerate": 30}, [(0, 0, GREY)], "framerate"),
        (FRAMES, VIDEO, [(0, 0, GREY[:, ::2])], "80 x 64"),
        (FRAMES, {"framerate": 30.0}, [(0, 0, GREY[:32])], "too small or odd"),
        (FRAMES, {"framerate": 30.0}, [(0, 0, np.zeros((65, 80), np.uint8))], "too small or odd"),
        (FRAMES, VIDEO, [(0, 0, DEEP)], "depth None"),
        (FRAMES, VIDEO | {"depth": 2}, [(0, 0, GREY)], "depth 2"),
        (FRAMES, VIDEO, [(0, 0, np.zeros((64, 80, 3), np.uint8))], "has_color False"),
        (FRAMES, VIDEO, [(0, 5, GREY), (1, 5, GREY)], "time 5 follows 5"),
        (FRAMES, VIDEO, [(0, -1, GREY)], "without its sign"),
        (SIGNALS, SIGNAL | {"signal_names": ["a"]}, [(np.array([0]), TWO)], "names 1 channels"),
        (SIGNALS, {"signal_names": ["a", "b"]}, [(np.array([0]), TWO)], "time unit"),
        (SIGNALS, SIGNAL, [(np.array([1]), TWO), (np.array([0]), TWO)], "time 0 follows 1"),
        (ROWS, {}, [["1"]], "under the header None"),
        (ROWS, {"table_header": ["a", "b"]}, [["1"]], "a row of 1 cells"),
    ],
)
def test_a_writer_refuses(
    kind: int, metadata: dict[str, Any], payloads: list[Any], words: str
) -> None:
    sink = Sink(kind, metadata)
    *good, bad = payloads
    assert [sink.take(payload) for payload in good] == [None] * len(good)
    assert words in str(sink.take(bad))


def test_a_writer_takes_what_is_right() -> None:
    assert Sink(FRAMES, VIDEO).take((0, 0, GREY)) is None
    assert Sink(FRAMES, VIDEO | {"depth": 2}).take((0, 0, DEEP)) is None
    assert Sink(FRAMES, {"framerate": 9.5}).take((0, 0, np.zeros((64, 80, 3), np.uint8))) is None
    assert Sink(SIGNALS, SIGNAL).take((np.array([3]), TWO)) is None
    assert Sink(ROWS, {"table_header": ["a"]}).take(["1"]) is None


def test_writers_are_called_after_the_proposal_or_after_the_source() -> None:
    outputs = {"x-out": ("X", FRAMES), "y-out": ("Y", ROWS), "z-out": ("Z", SIGNALS)}
    proposed = {"y-out": {"data_name_proposal": "Left: rows/rows"}, "z-out": {}}
    assert list(dataset_names(outputs, proposed, "My Scope")) == [
        "videos/my-scope", "left_-rows", "my-scope"
    ]  # fmt: skip
