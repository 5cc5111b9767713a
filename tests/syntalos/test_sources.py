"""A source as a child process: on a thread beside the link, and in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from host import LINK, NODES, PATIENCE_S, Host

TICKERS = [NODES / "ticker", NODES / "ticker_process"]
both = pytest.mark.parametrize("ticker", TICKERS, ids=lambda path: path.name)


def check_in_order(items: dict[str, list[Any]], height: int = 64, period_us: int = 20_000) -> int:
    """Check that everything is there, in order and whole; gives how many ticks."""
    frames = items["frames-out"]
    assert frames, "there are frames"
    for index, (number, time_us, mat) in enumerate(frames):
        assert number == index and time_us == index * period_us
        assert mat.shape == (height, 64) and (mat == index % 251).all()
    for index, (times, data) in enumerate(items["signal-out"]):
        assert times.tolist() == [index * period_us] and data.tolist() == [[index, -index]]
    assert [row[0] for row in items["rows-out"]] == [str(i) for i in range(len(frames))]
    assert len(items["signal-out"]) == len(items["rows-out"]) == len(frames)
    return len(frames)


@both
def test_what_a_source_sends_arrives_whole_and_in_order(
    host: Callable[..., Host], ticker: Path
) -> None:
    module = host(ticker)
    assert module.outputs["frames-out"] == ("Frames", 3)
    assert module.inputs["control-in"] == ("Control", 1)
    module.run(0.7)
    ticks = check_in_order(module.items)
    early = [k for k, at in enumerate(module.submitted_us["frames-out"]) if at < k * 20_000]
    assert not module.errors and not module.sent_outside_a_run and not early
    assert module.metadata["frames-out"] == {
        "framerate": 50.0, "size": ("size", 64, 64), "has_color": False,
        "data_name_proposal": f"{ticker.name}_0-frames/frames",
    }  # fmt: skip
    report = module.report()
    assert report["counters"] == {"stops": 1} and not report["notes"] and not report["error"]
    assert {out["port"]: out["items"] for out in report["outputs"]} == {
        "frames-out": ticks, "signal-out": ticks, "rows-out": ticks
    }  # fmt: skip
    assert f"frames-out {ticks}" in module.log()

    # Files are closed by the time that Syntalos writes down what there is.
    log = module.dataset(f"{ticker.name}_0-log")
    assert log == {
        "files": ["log.txt", "more.txt"], "missing": [],
        "attributes": {"about": {"what": "a ticker", "size": [64, 64]}, "made": "2026-01-02"},
    }  # fmt: skip
    text = module.folder / "run" / f"{ticker.name}_0-log" / "log.txt"
    assert text.read_text() == "start True\nstopped\n"

    module.items.clear()
    module.run(0.3, run="again")
    check_in_order(module.items)


@both
def test_a_command_is_heard_while_the_source_runs(host: Callable[..., Host], ticker: Path) -> None:
    module = host(ticker)
    assert module.prepare()
    module.give("control-in", (5, 0, "light on"))
    module.wait(lambda: module.taken == 1)
    module.start()
    module.give("control-in", (2, 0, ""))
    module.give("control-in", (0, 0, ""))
    time.sleep(0.3)
    module.stop()
    module.give("control-in", (2, 0, "after the end"))
    assert module.report()["notes"] == ["heard custom light on", "heard pause"]
    assert module.report()["inputs"] == [{"port": "control-in", "items": 2, "dropped": 0}]
    assert "heard pause" in module.log()
    assert module.save() and not module.errors


@both
@pytest.mark.parametrize(
    ("fails", "words"),
    [("prepare", "the cable is not in"), ("run", "the cable came out"),
     ("stop", "the lens is stuck"), ("assertion", "AssertionError: this cannot be")],
)  # fmt: skip
def test_a_failure_is_one_line_and_the_next_run_goes(
    host: Callable[..., Host], ticker: Path, fails: str, words: str
) -> None:
    module = host(ticker, {"fails": fails})
    prepared = module.prepare()
    assert prepared == (fails != "prepare")
    if prepared:
        module.start()
        if fails != "stop":
            module.wait(lambda: bool(module.errors))
    module.stop()
    assert module.errors == [words]
    if prepared:
        report = module.report()
        assert report["counters"] == {"stops": 1}
        assert (report["status"], report["error"]) == ("failed", words)
    module.items.clear()
    module.errors.clear()
    assert module.load(b'{"format": 1, "node": "%s", "settings": {}}' % ticker.name.encode())
    module.run(0.2, run="again")
    check_in_order(module.items)
    assert not module.errors


@both
def test_a_source_may_come_to_its_end_before_the_run(
    host: Callable[..., Host], ticker: Path
) -> None:
    module = host(ticker, {"ticks": 5})
    assert module.prepare()
    module.start()
    module.wait(lambda: module.statuses == ["has come to its end"])
    module.stop()
    assert check_in_order(module.items) == 5
    assert not module.errors


@both
def test_a_run_that_keeps_nothing_runs(host: Callable[..., Host], ticker: Path) -> None:
    module = host(ticker)
    module.run(0.3, run="")
    check_in_order(module.items)
    assert not module.errors
    assert [path.name for path in module.folder.iterdir()] == ["log.txt"]


def test_stopping_before_the_start_stops_the_node(host: Callable[..., Host]) -> None:
    module = host(NODES / "ticker")
    assert module.prepare()
    module.stop()
    assert module.report()["counters"] == {"stops": 1}
    assert not module.items


@both
def test_a_slow_receiver_delays_items_and_loses_none(
    host: Callable[..., Host], ticker: Path
) -> None:
    module = host(ticker, {"height": 600, "rate_hz": 100.0})
    module.hold = lambda port: time.sleep(0.004)
    assert module.prepare()
    module.start()
    time.sleep(1.0)
    module.stop()
    module.hold = lambda port: None
    assert not module.errors
    check_in_order(module.items, height=600, period_us=10_000)


def test_an_older_syntalos_without_status_messages_will_do(host: Callable[..., Host]) -> None:
    module = host(NODES / "ticker", version="3.1.1")
    assert module.load(b"not settings")
    assert not module.errors and not module.statuses


@both
def test_nothing_outlives_a_syntalos_that_was_killed(tmp_path: Path, ticker: Path) -> None:
    """The wire stays open here, so only the death of the parent can tell."""
    command = [sys.executable, "-P", "-m", "syntalos_miniscope.syntalos", str(ticker)]
    between = f"""
import os, subprocess, time
fds = [int(os.environ[name]) for name in ("STAND_IN_WIRE", "STAND_IN_ACKS")]
child = subprocess.Popen({command!r}, pass_fds=fds)
with open({str(tmp_path / "pid")!r}, "w") as file:
    file.write(str(child.pid))
time.sleep(60)
"""
    module = Host(
        ticker,
        tmp_path / "module",
        command=[sys.executable, "-c", between],
        environment={"SYNTALOS_MINISCOPE_LINK": str(LINK)},
    )
    try:
        module.wait_ready()
        assert module.prepare()
        module.start()
        module.wait(lambda: len(module.items["rows-out"]) > 5)
        pid = int((tmp_path / "pid").read_text())
        family = [pid, *children(pid)]
        assert len(family) == (2 if ticker.name == "ticker_process" else 1)
        os.kill(module.process.pid, signal.SIGKILL)
        module.process.wait()
        log = tmp_path / "module" / "run" / f"{ticker.name}_0-log" / "log.txt"
        wait_for(lambda: "stopped" in log.read_text())
        wait_for(lambda: not any(alive(one) for one in family[1:]))
    finally:
        module.close()
    wait_for(lambda: not alive(pid))


def test_a_killed_capture_process_fails_the_run_in_words(host: Callable[..., Host]) -> None:
    module = host(NODES / "ticker_process")
    assert module.prepare()
    module.start()
    module.wait(lambda: len(module.items["rows-out"]) > 3)
    (child,) = children(module.process.pid)
    os.kill(child, signal.SIGKILL)
    module.wait(lambda: bool(module.errors))
    module.stop()
    assert module.errors == ["the process that runs the source ended unexpectedly"]
    check_in_order(module.items)
    module.items.clear()
    module.errors.clear()
    module.run(0.3, run="again")
    check_in_order(module.items)
    assert not module.errors


@both
@pytest.mark.slow
def test_a_prepare_that_takes_too_long_is_refused_before_syntalos_gives_up(
    host: Callable[..., Host], ticker: Path
) -> None:
    module = host(ticker, {"prepare_s": 30.0})
    assert not module.prepare(timeout_s=15)
    assert len(module.errors) == 1 and module.errors[0].startswith("not ready after 13 s")


@pytest.mark.slow
def test_a_source_that_will_not_stop_is_named_and_left(host: Callable[..., Host]) -> None:
    module = host(NODES / "ticker", {"fails": "deaf"})
    module.run(0.2)
    assert module.report()["notes"] == ["The source did not end in time and was left behind."]
    assert not module.sent_outside_a_run


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(true: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_frame_that_fits_no_slot_is_refused_in_words() -> None:
    from syntalos_miniscope.streams import Frame
    from syntalos_miniscope.syntalos.channel import PipeChannel
    from syntalos_miniscope.syntalos.messages import Sent

    channel, fds = PipeChannel.open()
    with pytest.raises(ValueError, match="larger than 32 MB"):
        channel.send(Sent("out", Frame(0, 0, np.zeros((8192, 8192), np.uint8)), 0))
    channel.close()
    for fd in fds:
        os.close(fd)


def test_a_source_that_cannot_be_made_refuses_the_run_in_a_line() -> None:
    from syntalos_miniscope.node import Node, Settings
    from syntalos_miniscope.syntalos.channel import QueueChannel
    from syntalos_miniscope.syntalos.messages import Ended, Prepare
    from syntalos_miniscope.syntalos.source import Source

    class Unmade(Node):
        def __init__(self, settings: Settings) -> None:
            raise ValueError("there is no such lamp")

    ours, theirs = QueueChannel.pair()
    ours.send(Prepare(Settings(), {}))
    Source(Unmade, theirs).live()
    assert ours.receive(60) == Ended("there is no such lamp")


def test_edlio_reads_what_a_module_leaves(host: Callable[..., Host]) -> None:
    edlio = pytest.importorskip("edlio", reason="edlio needs Python 3.12")
    module = host(NODES / "ticker")
    module.run(0.2)
    datasets = {one.name: one for one in edlio.load(module.folder / "run").datasets}
    assert sorted(datasets) == ["ticker_0-log", "ticker_0-report"]
    (path,) = datasets["ticker_0-report"].data.part_paths()
    assert json.loads(Path(path).read_text())["type"] == "ticker"
    (path,) = datasets["ticker_0-log"].aux_data[0].part_paths()
    assert Path(path).read_text() == "closed\n"
