"""Real-time priority for the boxes on which a command waits, where the system grants it."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Thread
from typing import Protocol

from syntalos_miniscope.project import Graph
from syntalos_miniscope.streams import Control

SHARE = 0.5
"""The most that all threads ahead of others may take, of one core: who needs more than that would
keep recorders, windows and other programs waiting, and waits with them instead."""
LOOK_S = 1.0


class Runner(Protocol):
    """A box on a thread of its own."""

    @property
    def thread_id(self) -> int | None:
        """The system's number of the thread; None before it has begun."""
        ...

    def note(self, text: str) -> None:
        """Keep a sentence for the report."""
        ...


def awaited(graph: Graph) -> set[str]:
    """Give the boxes that send commands, and all whose output they hear."""
    hears: defaultdict[str, list[str]] = defaultdict(list)
    for wire in graph.wires:
        hears[wire.target[0]].append(wire.source[0])
    found: set[str] = set()
    waiting = [wire.source[0] for wire in graph.wires if wire.into.type is Control]
    while waiting:
        box = waiting.pop()
        if box not in found:
            found.add(box)
            waiting += hears[box]
    return found


def give_precedence(runners: Sequence[Runner]) -> None:
    """Let running boxes go before every ordinary thread, as long as they take little.

    On a busy computer an ordinary thread that wakes waits some milliseconds for its turn, and a
    frame on its way to a decision pays that at every box. Linux only, and only where the user may
    have real-time priority (root, or a limit `rtprio`); the last of the boxes notes what came of
    it.
    """
    threads = [runner.thread_id for runner in runners if runner.thread_id is not None]
    if not threads:
        return
    last = runners[-1]
    if all(_set_policy(thread, real_time=True) for thread in threads):
        last.note("Had real-time priority, with the boxes before it.")
        Thread(target=_watch, args=[threads, last], name="precedence", daemon=True).start()
    else:
        _to_ordinary(threads)
        last.note("No real-time priority here: what else the computer does makes decisions late.")


def _watch(threads: Sequence[int], last: Runner) -> None:
    """Make the threads ordinary ones as soon as they take too much; ends when they have."""
    before_ns = _cpu_ns(threads)
    while before_ns:
        time.sleep(LOOK_S)
        now_ns = _cpu_ns(threads)
        if now_ns - before_ns > SHARE * LOOK_S * 1e9:
            _to_ordinary(threads)
            last.note(f"Lost real-time priority: more than {SHARE:.0%} of a core was taken.")
            return
        before_ns = now_ns


def _to_ordinary(threads: Iterable[int]) -> None:
    for thread in threads:
        _set_policy(thread, real_time=False)


def _set_policy(thread: int, *, real_time: bool) -> bool:
    """Set the policy of a thread; False if the system refuses. One that has ended needs none."""
    if sys.platform != "linux":
        return False
    # A thread that a box starts is an ordinary one.
    policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK if real_time else os.SCHED_OTHER
    try:
        os.sched_setscheduler(thread, policy, os.sched_param(1 if real_time else 0))
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return True


def _cpu_ns(threads: Iterable[int]) -> int:
    """Give the CPU time of those threads that still live."""
    total = 0
    for thread in threads:
        try:
            spent = Path(f"/proc/self/task/{thread}/schedstat").read_text("ascii")
        except OSError:
            continue
        total += int(spent.split()[0])
    return total
