"""The plain Python host."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.node import Context, In, Node, Out, Settings, live
from syntalos_miniscope.streams import Control, ControlKind, Frame, TableRow


class Speed(Settings):
    step_us: int = live(1000)


class Ticker(Node):
    inputs = (In("control-in", "Control", Control),)
    outputs = (Out("frames-out", "Frames", Frame),)
    Settings = Speed

    def run(self, ctx: Context) -> None:
        time_us = 0
        while ctx.sleep_until(time_us):
            ctx.emit("frames-out", Frame(time_us, time_us, np.zeros((2, 2), np.uint8)))
            time_us += self.settings.step_us

    def on_data(self, ctx: Context, port: str, item: Control) -> None:
        ctx.status(item.command)


class Doubler(Node):
    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("frames-out", "Frames", Frame), Out("rows-out", "Rows", TableRow))

    def prepare(self, ctx: Context) -> None:
        ctx.describe("frames-out", **ctx.metadata("frames-in"))

    def on_data(self, ctx: Context, port: str, item: Frame) -> None:
        ctx.emit("frames-out", item)
        ctx.emit("frames-out", item)


class Failing(Ticker):
    def run(self, ctx: Context) -> None:
        raise RuntimeError("no light")


def test_a_source_is_a_for_loop_that_may_break_off() -> None:
    script = Script(Ticker(Speed()), paced=False)
    script.prepare()
    script.start()
    seen: list[int] = []
    for port, frame in script.stream():
        assert port == "frames-out" and isinstance(frame, Frame)
        seen.append(frame.index)
        if len(seen) == 3:
            break
    assert seen == [0, 1000, 2000]


def test_without_pacing_an_hour_takes_no_time() -> None:
    script = Script(Ticker(Speed(step_us=60_000_000)), paced=False)
    script.start()
    script.run(until_us=3_600_000_000)
    frames = script.emitted["frames-out"]
    assert len(frames) >= 60
    assert isinstance(frames[-1], Frame) and script.clock.now_us() >= frames[-1].time_us


class Keeping(Ticker):
    def prepare(self, ctx: Context) -> None:
        assert ctx.dataset("kept") is not None


def test_a_folder_that_was_recorded_to_says_that_all_went_well(tmp_path) -> None:
    script = Script(Keeping(Speed(step_us=500_000)), record_to=tmp_path, paced=False)
    script.prepare()
    script.start()
    script.run(items=3)
    script.stop()
    (attributes,) = tmp_path.glob("script/*/run/attributes.toml")
    told = tomllib.loads(attributes.read_text())
    assert told["success"] is True
    assert told["recording_length_msec"] == script.clock.now_us() / 1000 >= 1000


def test_what_is_fed_to_a_node_is_answered_in_emitted() -> None:
    script = Script(Doubler(Settings()), inputs={"frames-in": {"framerate": 20.0}})
    script.prepare()
    script.start()
    frame = Frame(0, 0, np.zeros((2, 2), np.uint8))
    script.feed("frames-in", frame)
    assert script.emitted["frames-out"] == [frame, frame]
    assert script.described["frames-out"] == {"framerate": 20.0}
    script.stop()


def test_a_running_source_hears_commands_and_settings() -> None:
    script = Script(Ticker(Speed()), paced=False)
    script.start()
    script.feed("control-in", Control(ControlKind.CUSTOM, "hello"))
    script.apply(Speed(step_us=5000))
    script.run(items=3)
    assert script.statuses == ["hello"]
    assert [f.time_us for f in script.emitted["frames-out"] if isinstance(f, Frame)] == [
        0,
        5000,
        10000,
    ]


def test_what_a_source_raises_is_raised_where_the_loop_stands() -> None:
    script = Script(Failing(Speed()))
    script.start()
    with pytest.raises(RuntimeError, match="no light"):
        script.run()
