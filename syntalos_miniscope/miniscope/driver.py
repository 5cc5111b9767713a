"""The Miniscope as a `Scope`: honest indices and times, knobs, and an LED that ends dark."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Event as Signal
from threading import Lock, RLock, Thread

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.miniscope.connection import transport_over
from syntalos_miniscope.miniscope.counter import FrameCounter
from syntalos_miniscope.miniscope.device_types import DeviceType, device_type
from syntalos_miniscope.miniscope.events import Event, Note
from syntalos_miniscope.miniscope.exposures import Exposures
from syntalos_miniscope.miniscope.knobs import Knobs, Turn
from syntalos_miniscope.miniscope.light import Light
from syntalos_miniscope.miniscope.link import BURST, Commands, Link, State
from syntalos_miniscope.miniscope.readback import ChromaMetadata, read_back
from syntalos_miniscope.miniscope.transport import Connect, HostClock, Register, SystemClock
from syntalos_miniscope.scope import Exposure, ScopeSettings

RETRY_S = (1.0, 2.0, 3.0, 4.0, 5.0)
"""Waits between attempts to reconnect; the last one again and again."""
REPEAT_S = 1.0
"""Settings are sent again this long after the start: a scope has been seen to forget them."""
UNATTENDED_S = 5.0
"""How long a lit scope may go unread before its LED is turned off."""


class Miniscope:
    """A Miniscope V4, or one of its relatives, on its DAQ.

    `connect` opens the device and is called again after a loss. Made open, set up and dark, which
    takes some two seconds; OSError with a sentence if there is no scope. `read` and `close` are
    called by one thread at a time and `apply` by any. What happens besides frames is told by
    `take_events`. `on_light` is told when the LED goes on or off. Without `attend` it is up to
    the caller to look whether anybody reads (`check_unattended`).
    """

    def __init__(
        self,
        connect: Connect,
        kind: DeviceType | None = None,
        *,
        clock: HostClock | None = None,
        on_light: Callable[[bool], None] = lambda lit: None,
        attend: bool = True,
    ) -> None:
        self.kind = kind or device_type("Miniscope_V4_BNO")
        self.wait_for_trigger = False
        """Whether frames count only while the external trigger input is high."""
        self.record_flag = False
        """Whether the DAQ's FRAME_OUT pin toggles with each frame; sent with the next one."""
        self._connect, self._clock = connect, clock or SystemClock()
        self._knobs = Knobs(self.kind)
        self._light = Light(self._clock.now_ns, on_light)
        self._lock = RLock()
        # What the knobs say and what waits to be sent change together.
        self._knobs_lock = Lock()
        self._commands = Commands()
        self._events: deque[Event] = deque()
        self._count = FrameCounter()
        self._counters = dict.fromkeys(("torn", "reconnects", "orientation_restarts"), 0)
        self._run: RunClock | None = None
        self._exposures: Exposures | None = None
        self._link: Link | None = None
        self._closed = Signal()
        self._attend = attend
        self._read_ns = self._lost_ns = self._retry_ns = 0
        self._attempt = 0
        self._begin_stream()
        self._open()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame, pixels."""
        return self.kind.height, self.kind.width

    @property
    def frame_rate_hz(self) -> float:
        """The rate at which frames really come with the present settings."""
        return self._knobs.frame_rate_hz

    @property
    def counters(self) -> Mapping[str, int]:
        """Frames `dropped`, `gaps` in time that the DAQ's counter does not explain, and more."""
        count = self._count
        told = {"dropped": count.lost, "gaps": count.holes, "counter_jumps": count.jumps}
        return told | self._counters

    @property
    def light_dose_percent_s(self) -> float:
        """LED power times the time it was on, % s."""
        return self._light.dose_percent_s

    @property
    def state(self) -> State:
        """Where the connection stands."""
        if self._closed.is_set():
            return State.CLOSED
        return self._link.state if self._link else State.LOST

    def start(self, clock: RunClock) -> None:
        """Begin to stream; exposures carry the time of this clock."""
        with self._lock:
            self._run = clock
            self._read_ns = self._clock.now_ns()
            self._begin_stream()
            if self._attend:
                Thread(target=self._attend_light, name="light", daemon=True).start()
            try:
                if self._link:
                    self._link.transport.start()
            except ConnectionError as error:
                self._lose(error)

    def apply(self, settings: ScopeSettings, led_step: int | None = None) -> None:
        """Turn the knobs; ValueError for a frame rate that the scope does not have.

        `led_step`, 0 (off) to 255, sets the LED in the steps of its driver instead of percent.
        """
        self._turn(lambda time_us: self._knobs.turn(settings, time_us, led_step))

    def apply_second_led(self, percent: float) -> None:
        """Set the second LED of a two-colour scope; ValueError if there is none."""
        self._turn(lambda time_us: self._knobs.turn_second_led(percent, time_us))

    def _turn(self, knobs: Callable[[int], Turn]) -> None:
        with self._knobs_lock:
            turn = knobs(self._run.now_us() if self._run else 0)
            self._events.extend(turn.changes)
            self._commands.put(turn.commands)

    def _send_all_again(self) -> None:
        with self._knobs_lock:
            self._commands.put(self._knobs.commands())

    def read(self, timeout_s: float) -> Exposure | None:
        """Wait for the next exposure; None if none came in time, and while the scope is gone."""
        with self._lock:
            idle_s = (self._clock.now_ns() - self._read_ns) / 1e9
            self._read_ns = self._clock.now_ns()
            try:
                if self._link is None:
                    self._reconnect(timeout_s)
                    return None
                if self._run and idle_s >= UNATTENDED_S:
                    self._link.transport.start()
                    self._note(f"Nothing read the frames for {self._resume()}.")
                return self._read(self._link, timeout_s)
            except ConnectionError as error:
                self._lose(error)
                return None

    def take_events(self) -> list[Event]:
        """Take what happened since the last call, in order."""
        return [self._events.popleft() for _ in range(len(self._events))]

    def check_unattended(self) -> None:
        """Turn the LED off if nothing has read frames for `UNATTENDED_S`."""
        with self._lock:
            idle_s = (self._clock.now_ns() - self._read_ns) / 1e9
            if self._link is None or not self._light.lit or idle_s < UNATTENDED_S:
                return
            self._note("Nothing reads the frames: the LED is off until something does.")
            try:
                if self._link.make_dark():
                    self._light.set(0.0)
            except ConnectionError as error:
                self._lose(error)

    def close(self) -> None:
        """End the stream and leave the LED dark; a note says so if that cannot be known."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            dark = self._link.close() if self._link else not self._light.lit
            self._link = None
            if dark:
                self._light.set(0.0)
            else:
                self._note("LED state unknown: the scope could not be told to turn it off.")

    # The connection

    def _open(self) -> None:
        wire = self._connect()
        link = Link(transport_over(wire, self.kind, self._clock), self.kind, self._clock)
        try:
            link.bring_up()
        except ConnectionError as error:
            link.close()
            raise OSError(f"the scope does not come up: {error}") from error
        self._link = link

    def _lose(self, error: ConnectionError) -> None:
        lit = " LED state unknown until it is back." if self._light.lit else ""
        self._note(f"The scope is gone: {error}.{lit}")
        if self._link:
            self._link.abandon()
        self._link = None
        self._attempt = 0
        self._lost_ns = self._clock.now_ns()
        self._retry_ns = self._lost_ns + round(RETRY_S[0] * 1e9)

    def _reconnect(self, timeout_s: float) -> None:
        now_ns = self._clock.now_ns()
        if now_ns < self._retry_ns:
            self._clock.sleep(min(timeout_s, (self._retry_ns - now_ns) / 1e9))
            return
        try:
            self._open()
        except OSError as error:
            if self._attempt == 0:
                self._note(f"Trying to reconnect: {error}")
            self._attempt = min(self._attempt + 1, len(RETRY_S) - 1)
            self._retry_ns = self._clock.now_ns() + round(RETRY_S[self._attempt] * 1e9)
            return
        self._light.set(0.0)
        self._counters["reconnects"] += 1
        self._note(f"The scope is back after {self._resume()}.")

    def _resume(self) -> str:
        """Go on after a hole in the stream, which counts as lost frames; gives how long it was."""
        last_ns = self._exposures.last_first_ns if self._exposures else None
        away_s = (self._clock.now_ns() - (last_ns or self._lost_ns)) / 1e9
        missing = round(away_s * self.frame_rate_hz) if last_ns else 0
        self._count.rebase(missing)
        self._begin_stream()
        return f"{away_s:.1f} s; about {missing} frames are missing"

    def _begin_stream(self) -> None:
        """Forget what was known about the stream, and send every knob to a scope that forgot."""
        now_ns = self._clock.now_ns()
        self._frame_ns, self._restarted = now_ns, False
        self._repeat_ns: int | None = now_ns + round(REPEAT_S * 1e9)
        self._record_sent = False
        self._chroma = ChromaMetadata()
        self._send_all_again()
        if self._run is not None:
            self._exposures = Exposures(
                self._run, self._count, self.kind.orientation, self._events.append
            )

    # One frame

    def _read(self, link: Link, timeout_s: float) -> Exposure | None:
        raw = link.read_frame(timeout_s)
        if raw is None:
            self._watch_stream(link)
            return None
        self._frame_ns, self._restarted = self._clock.now_ns(), False
        self._counters["torn"] += raw.torn
        exposures = self._exposures
        if exposures is None:
            return None
        back = self._chroma.read(raw.yuyv) or read_back(link.transport, self.wait_for_trigger)
        exposure = exposures.make(
            raw, back, self.frame_rate_hz, wait_for_trigger=self.wait_for_trigger
        )
        self._send_waiting(link)
        if link.keep_orientation(exposures.orientation_forgot):
            self._counters["orientation_restarts"] += 1
            self._note("The orientation sensor gave only zeros and was set up again.")
        return exposure

    def _watch_stream(self, link: Link) -> None:
        """Begin the stream anew if frames stay away, then give the connection up."""
        silent_s = (self._clock.now_ns() - self._frame_ns) / 1e9
        patience_s = 1 + 3 / self.frame_rate_hz
        if silent_s > 2 * patience_s:
            raise ConnectionError(f"no frames for {silent_s:.1f} s")
        if silent_s > patience_s and not self._restarted:
            self._restarted = True
            link.transport.start()

    def _send_waiting(self, link: Link) -> None:
        if self._repeat_ns is not None and self._clock.now_ns() >= self._repeat_ns:
            self._repeat_ns = None
            self._send_all_again()
        with self._knobs_lock:
            packets, led_percent = self._commands.take(BURST), self._knobs.led_percent
        if packets:
            # What watches over the light is told before it can be on, and after it is off.
            self._light.set(max(led_percent, self._light.percent))
            link.send(packets)
            if not len(self._commands):
                self._light.set(led_percent)
        if self.record_flag != self._record_sent:
            link.write(Register.SATURATION, int(self.record_flag))
            self._record_sent = self.record_flag

    def _attend_light(self) -> None:
        while not self._closed.wait(1.0):
            self.check_unattended()

    def _note(self, text: str) -> None:
        self._events.append(Note(text))
