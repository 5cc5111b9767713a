"""What a scope is, of glass or of numbers: its knobs, its exposures and its four ports."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.node import Context, Out, Settings, live
from syntalos_miniscope.streams import FloatSignalBlock, Frame, TableRow

Gain = Literal["low", "medium", "high"]
Quaternion = tuple[float, float, float, float]
"""Head orientation as (w, x, y, z)."""

EWL_STEP_UM = 200 / 127
"""Focus shift of one step of the electrowetting lens, nominal: ±127 steps span ±200 µm."""


class ScopeSettings(Settings):
    """The knobs of a scope; a node's own settings class inherits them, flat."""

    led_percent: float = live(50.0, ge=0, le=100, title="LED", description="Excitation light, %")
    ewl: int = live(
        0, ge=-127, le=127, title="Focus", description="Steps of the electrowetting lens"
    )
    gain: Gain = live("low", title="Gain", description="Gain of the image sensor")
    frame_rate_hz: float = live(
        20.0, gt=0, title="Frame rate", description="A rate that the scope has, Hz"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """One picture as a scope gives it; `quaternion` is None while the sensor is not valid."""

    frame: Frame
    quaternion: Quaternion | None


class Scope(Protocol):
    """A microscope that streams.

    Made open and dark; `start` begins the stream; `close` may be called at any time, twice too,
    and leaves the LED dark.
    """

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame, pixels."""
        ...

    @property
    def frame_rate_hz(self) -> float:
        """The rate at which frames really come with the present settings."""
        ...

    @property
    def counters(self) -> Mapping[str, int]:
        """What has been counted so far, such as `dropped`."""
        ...

    def start(self, clock: RunClock) -> None:
        """Begin to stream; exposures carry the time of this clock."""
        ...

    def apply(self, settings: ScopeSettings) -> None:
        """Turn the knobs."""
        ...

    def read(self, timeout_s: float) -> Exposure | None:
        """Wait for the next exposure; None if none came in time.

        Raises RuntimeError, with a sentence for a person, if the scope is lost for good.
        """
        ...

    def close(self) -> None:
        """End the stream and leave the LED dark."""
        ...


ABANDONED_S = 5.0
"""How long a ring may stay full, with nobody taking anything, before the scope is left unread."""

Taken = TypeVar("Taken")


class Ring(Generic[Taken]):
    """What was captured and not yet taken, between a thread of the hardware and one of the graph.

    `put` never waits: what finds the ring full is discarded and counted in `overflowed`.
    """

    def __init__(self, size: int = 64) -> None:
        self.overflowed = 0
        self._size = size
        self._waiting: deque[Taken] = deque()
        self._arrived = Condition()
        self._error: Exception | None = None
        self._taken_s = time.monotonic()

    def put(self, item: Taken) -> None:
        """Add the newest item, or count that there was no room for it."""
        with self._arrived:
            if len(self._waiting) < self._size:
                self._waiting.append(item)
                self._arrived.notify()
            else:
                self.overflowed += 1

    def fail(self, error: Exception) -> None:
        """Say that nothing will come any more; `take` raises it once the ring is empty."""
        with self._arrived:
            self._error = error
            self._arrived.notify()

    def take(self, timeout_s: float) -> Taken | None:
        """Give the oldest item, waiting for one; None if none came in time."""
        with self._arrived:
            if not self._waiting and self._error is None:
                self._arrived.wait(timeout_s)
            self._taken_s = time.monotonic()
            if self._waiting:
                return self._waiting.popleft()
            if self._error is not None:
                raise self._error
            return None

    @property
    def abandoned(self) -> bool:
        """Whether the ring is full and nobody has taken anything for long."""
        full = len(self._waiting) >= self._size
        return full and time.monotonic() - self._taken_s >= ABANDONED_S


class Capture:
    """Reads a scope on a thread of its own into a ring, so that the graph never slows the scope.

    What the ring has no room for stays visible as a gap in the index of the frames. When nobody
    takes exposures any more the scope is not read either.
    """

    def __init__(self, scope: Scope, ring: int = 64) -> None:
        self.scope = scope
        self._ring: Ring[Exposure] = Ring(ring)
        self._closing = False
        self._thread = Thread(target=self._run, name="capture", daemon=True)

    @property
    def overflowed(self) -> int:
        """Exposures for which the ring had no room."""
        return self._ring.overflowed

    def start(self, clock: RunClock) -> None:
        """Begin to stream."""
        self.scope.start(clock)
        self._thread.start()

    def read(self, timeout_s: float) -> Exposure | None:
        """Give the oldest exposure of the ring, waiting for one; raises what the scope raised."""
        return self._ring.take(timeout_s)

    def close(self) -> None:
        """End the thread and close the scope."""
        self._closing = True
        if self._thread.is_alive():
            self._thread.join()
        self.scope.close()

    def _run(self) -> None:
        while not self._closing:
            try:
                exposure = self.scope.read(timeout_s=0.1)
            except Exception as error:  # noqa: BLE001 - handed on to the reader
                return self._ring.fail(error)
            if exposure is not None:
                self._ring.put(exposure)
            # An unread scope goes dark.
            while self._ring.abandoned and not self._closing:
                time.sleep(0.1)


SCOPE_OUTPUTS = (
    Out("frames-raw-out", "Raw Frames", Frame),
    Out("frames-disp-out", "Display Frames", Frame),
    Out("bno-raw-out", "Orientation Vector", FloatSignalBlock),
    Out("bno-tab-out", "Orientation Rows", TableRow),
)
"""The ports of a scope, with the ids and titles of Syntalos's own Miniscope module."""

QUATERNION_NAMES = ("qw", "qx", "qy", "qz")
QUATERNION_TOLERANCE = 0.05
"""A quaternion whose length is as far off 1 is not valid, as in all programs for this scope."""
ORIENTATION_HEADER = ("Time [ms]", *QUATERNION_NAMES)


def orientation_row(time_us: int, quaternion: Quaternion) -> TableRow:
    """Give a row under `ORIENTATION_HEADER`: milliseconds with three decimals, six for the rest."""
    return TableRow((f"{time_us / 1000:.3f}", *(f"{part:.6f}" for part in quaternion)))


def describe_scope(
    ctx: Context, *, frame_rate_hz: float, size: tuple[int, int], display_has_color: bool
) -> None:
    """Set the metadata of the four ports; `size` is (height, width), as an array has it."""
    height, width = size
    for port, has_color in (("frames-raw-out", False), ("frames-disp-out", display_has_color)):
        ctx.describe(
            port, framerate=float(frame_rate_hz), size=(width, height), has_color=has_color
        )
    # Syntalos documents milliseconds for its module's vector, so the times are whole ones.
    ctx.describe(
        "bno-raw-out",
        time_unit="milliseconds",
        data_unit="au",
        signal_names=list(QUATERNION_NAMES),
    )
    ctx.describe("bno-tab-out", table_header=list(ORIENTATION_HEADER))


def emit_orientation(ctx: Context, time_us: int, quaternion: Quaternion | None) -> None:
    """Emit one sample on the two orientation ports, or count that the sensor was not valid."""
    if quaternion is None:
        ctx.count("orientation_invalid")
        return
    time_ms = np.array([time_us // 1000], np.int64)
    values: NDArray[np.float32] = np.array([quaternion], np.float32)
    ctx.emit("bno-raw-out", FloatSignalBlock(time_ms, values))
    ctx.emit("bno-tab-out", orientation_row(time_us, quaternion))
