"""The Miniscope driver: CPU from bytes to raw and display frame, and four scopes at once.

Beside it stands what a user would take instead: OpenCV's own conversion of the same bytes to BGR
and then to grey, as programs on `cv2.VideoCapture` do it (which also loses the ends of the range).
All figures are CPU time, measured in this run on this machine; compare the ratios.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import cv2
import numpy as np

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.display import Display, DisplaySettings
from syntalos_miniscope.miniscope.driver import Miniscope
from syntalos_miniscope.miniscope.payloads import FrameAssembler
from syntalos_miniscope.scope import Capture, ScopeSettings
from virtual_miniscope import usb_pair
from virtual_miniscope.daq import Daq
from virtual_miniscope.frames import FrameOut, payload, payload_count, yuyv_frame

FRAMES = 300
SECONDS = 10.0


def cost_ms(work: Callable[[], Any], rounds: int = FRAMES) -> float:
    """Give the CPU time of one call, ms; the best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, (time.process_time() - begun) / rounds)
    return best * 1000


def path_costs() -> dict[str, float]:
    """Give the cost of each part of the way of a frame, ms."""
    picture = np.random.default_rng(0).integers(0, 256, (608, 608)).astype(np.uint8)
    frame = FrameOut(0, 0, 0, yuyv_frame(picture))
    count = payload_count(608 * 608 * 2)
    payloads = [bytearray(payload(frame, number, count)) for number in range(count)]
    yuyv = np.frombuffer(yuyv_frame(picture), np.uint8).reshape(608, 608, 2)
    assembler, display = FrameAssembler(608, 608), Display(DisplaySettings(view="F - F0"))

    def assemble() -> None:
        for data in payloads:
            assembler.take(data, 0)

    raw = cv2.extractChannel(yuyv, 0).astype(np.uint8, copy=False)

    def by_opencv() -> None:
        cv2.cvtColor(cv2.cvtColor(yuyv, cv2.COLOR_YUV2BGR_YUYV), cv2.COLOR_BGR2GRAY)

    return {
        "46 payloads to YUYV (libusb only)": cost_ms(assemble),
        "YUYV to raw": cost_ms(lambda: cv2.extractChannel(yuyv, 0)),
        "raw to display, F - F0": cost_ms(lambda: display(raw)),
        "instead: cv2 YUYV to BGR to grey, no display": cost_ms(by_opencv),
    }


def one_scope(results: Any) -> None:
    """Run one virtual scope with the driver and the display for a while; report what came."""
    scope = Miniscope(lambda: usb_pair(Daq()))
    capture, display = Capture(scope), Display(DisplaySettings(view="F - F0"))
    clock = RunClock()
    scope.apply(ScopeSettings(led_percent=50, frame_rate_hz=30))
    clock.start()
    capture.start(clock)
    received = 0
    while clock.now_us() < SECONDS * 1e6:
        exposure = capture.read(0.1)
        if exposure is not None:
            display(exposure.frame.mat)
            received += 1
    lost = scope.counters["dropped"] + capture.overflowed
    capture.close()
    results.put((received, lost))


def four_scopes(start: Callable[..., Any], results: Any, what: str) -> None:
    """Run four scopes at once and print what came and what was lost."""
    scopes = [start(target=one_scope, args=(results,)) for _ in range(4)]
    for scope in scopes:
        scope.start()
    done = [results.get(timeout=120) for _ in scopes]
    for scope in scopes:
        scope.join()
    received, lost = (sum(numbers) for numbers in zip(*done, strict=True))
    print(f"four virtual scopes at 30 Hz for {SECONDS:g} s, {what}: {received} frames, {lost} lost")


def main() -> None:
    """Print the table."""
    # One thread each, as CPU time is what is compared.
    cv2.setNumThreads(1)
    costs = path_costs()
    for what, cost in costs.items():
        print(f"{what:50} {cost:7.3f} ms")
    total = sum(cost for what, cost in costs.items() if not what.startswith("instead"))
    print(f"{'bytes to raw and display frame':50} {total:7.3f} ms   (promised: 1 ms)")
    print(f"on {len(os.sched_getaffinity(0))} cores:")
    begun = time.process_time()
    four_scopes(Thread, queue.Queue(), "threads of one process")
    load = (time.process_time() - begun) / SECONDS
    print(f"    which took {load:.2f} cores, the virtual scopes' own work included")
    four_scopes(multiprocessing.Process, multiprocessing.Queue(), "a process each")


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
