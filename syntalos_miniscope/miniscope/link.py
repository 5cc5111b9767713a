"""One connection to a DAQ: from the open device to a scope that obeys, and the way commands go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from threading import Lock

from syntalos_miniscope.miniscope.device_types import Command, DeviceType
from syntalos_miniscope.miniscope.packets import (
    BNO_CONFIG,
    BNO_FUSION,
    DAQ_READ_BNO,
    pack,
    serdes_mode,
)
from syntalos_miniscope.miniscope.transport import HostClock, RawFrame, Register, Transport

SETTLE_S = 200e-6
"""After each control write: the firmware handles it later, from variables the next overwrites."""
BURST, BURST_PAUSE_S = 4, 0.010
"""Packets in a row, and the rest after them."""
RING_LIMIT = 32
"""Packets within one frame: the firmware keeps 64 until the end of a frame and does not check."""
LINK_WAIT_S = 0.5
"""For the coaxial link to come up, and again for the scope after its set-up."""
FIRST_FRAME_S = 5.0
ORIENTATION_RETRY_S = 5.0
SLOW_FRAMES_S = 6.0
"""For a few frames at the slowest rate, 2 Hz."""
DARK_FRAMES = 2
"""Frames after which a command has surely reached the scope: it leaves the DAQ at a frame's end."""


class State(StrEnum):
    """Where a connection stands."""

    CLOSED = "closed"
    OPEN = "open"
    STREAMING = "streaming"
    SERDES = "setting up the cable link"
    INIT = "setting up the scope"
    READY = "ready"
    LOST = "lost"


class Commands:
    """Commands that wait to be sent: of those about the same thing only the latest.

    The place in the queue is that of the first. Safe to fill from another thread.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, bytes] = {}
        self._lock = Lock()

    def put(self, commands: Iterable[Command]) -> None:
        """Let commands wait."""
        with self._lock:
            for command in commands:
                self._waiting[command.key] = command.packet

    def take(self, at_most: int) -> list[bytes]:
        """Take the packets that are next."""
        with self._lock:
            keys = list(self._waiting)[:at_most]
            return [self._waiting.pop(key) for key in keys]

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting)


class Link:
    """Brings a scope up over one transport and sends it packets.

    All calls are made by one thread at a time. ConnectionError from any of them means that the
    transport is of no use any more.
    """

    def __init__(self, transport: Transport, kind: DeviceType, clock: HostClock) -> None:
        self.transport = transport
        self.state = State.OPEN
        self._kind = kind
        self._clock = clock
        self._sent_in_frame = 0
        self._orientation_ns = self._axes_in_frames = 0

    def bring_up(self) -> None:
        """Start the stream, set up link and scope, and leave every light off."""
        self.transport.start()
        self.state = State.STREAMING
        if not self.pass_frames(1, FIRST_FRAME_S):
            raise ConnectionError("it is there but sends no frames: is a scope at its cable?")
        self.state = State.SERDES
        # Frames must run: the DAQ hands packets on at the end of a frame only.
        for packet in serdes_mode(self._kind.pixel_clock_mhz):
            self.send([packet])
        self._pass_time(LINK_WAIT_S)
        self.state = State.INIT
        self.darken()
        self._set_up_scope()
        # The bus to the scope opens by the very packets above: the lights are told again.
        self.darken()
        self._pass_time(LINK_WAIT_S)
        self.state = State.READY

    def _set_up_scope(self) -> None:
        init = self._kind.init
        axes = next((at for at, packet in enumerate(init) if packet[:2] == b"\x50\x41"), None)
        if axes is None:
            self.send(init)
            return
        self.send(init[:axes])
        # A DAQ that stayed powered has its orientation sensor in fusion mode, where it ignores
        # the remapping of its axes; the change of mode takes 19 ms.
        self.send([BNO_CONFIG])
        self.pass_frames(DARK_FRAMES, SLOW_FRAMES_S)
        self.send(init[axes:])

    def keep_orientation(self, forgot: bool) -> bool:
        """Set a sensor that forgot itself up again; called with each frame, none of which it costs.

        True when it begins to.
        """
        if self._axes_in_frames:
            self._axes_in_frames -= 1
            if not self._axes_in_frames:
                axes = [packet for packet in self._kind.init if packet[:2] == b"\x50\x41"]
                self.send([*axes, BNO_FUSION, DAQ_READ_BNO])
        elif forgot and self._clock.now_ns() >= self._orientation_ns:
            self._orientation_ns = self._clock.now_ns() + round(ORIENTATION_RETRY_S * 1e9)
            self._axes_in_frames = DARK_FRAMES + 1
            self.send([BNO_CONFIG])
            return True
        return False

    def darken(self) -> None:
        """Send every light of the scope off; it is so `DARK_FRAMES` frames later."""
        self.send([command.packet for command in self._kind.dark_commands()])

    def send(self, packets: Iterable[bytes]) -> None:
        """Send packets, paced as the DAQ needs it."""
        for number, packet in enumerate(packets):
            if self._sent_in_frame >= RING_LIMIT:
                self.pass_frames(1, SLOW_FRAMES_S)
            if number and number % BURST == 0:
                self._clock.sleep(BURST_PAUSE_S)
            words = pack(packet)
            for register, word in zip(
                (Register.CONTRAST, Register.GAMMA, Register.SHARPNESS), words, strict=True
            ):
                self.write(register, word)
            self._sent_in_frame += 1

    def write(self, register: Register, word: int) -> None:
        """Write one control and give the firmware time to take it."""
        self.transport.put(register, word)
        self._clock.sleep(SETTLE_S)

    def read_frame(self, timeout_s: float) -> RawFrame | None:
        """Wait for the next frame."""
        frame = self.transport.read_frame(timeout_s)
        if frame is not None:
            self._sent_in_frame = 0
        return frame

    def pass_frames(self, count: int, timeout_s: float) -> bool:
        """Let frames that begin from now on go by unseen; whether they came in time.

        Frames that wait in the kernel's buffers do not count: they carry no command.
        """
        return self._pass(lambda seen: seen >= count, timeout_s)

    def _pass_time(self, seconds: float) -> None:
        self._pass(lambda seen: False, seconds)

    def _pass(self, enough: Callable[[int], bool], seconds: float) -> bool:
        begun_ns = self._clock.now_ns()
        deadline_ns = begun_ns + round(seconds * 1e9)
        seen = 0
        while not enough(seen):
            left_s = (deadline_ns - self._clock.now_ns()) / 1e9
            if left_s <= 0:
                return False
            frame = self.read_frame(left_s)
            seen += frame is not None and frame.first_ns >= begun_ns
        return True

    def make_dark(self) -> bool:
        """Turn every light off; whether frames carried the commands to the scope."""
        for attempt in range(2):
            if attempt:
                # No frames, no commands: a stream begun anew may carry them.
                self.transport.start()
            self._sent_in_frame = 0
            self.darken()
            if self.pass_frames(DARK_FRAMES + self.transport.stale_frames, SLOW_FRAMES_S):
                return True
        return False

    def close(self) -> bool:
        """Turn every light off and let go; whether the commands reached the scope."""
        dark = False
        try:
            dark = self.make_dark()
            self.write(Register.SATURATION, 0)
        except ConnectionError:
            pass
        self.abandon()
        return dark

    def abandon(self) -> None:
        """Let go of a device that is lost."""
        self.state = State.CLOSED
        self.transport.close()
