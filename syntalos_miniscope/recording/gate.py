"""When a recorder records: at once, on command, on a schedule, with frames from before."""

from __future__ import annotations

from collections import deque

from syntalos_miniscope.streams import ControlKind, Frame


class RecordGate:
    """Decides which frames are kept.

    Without `waits_for_start` it is open from `first_us` on. Start opens it, pause and stop shut it;
    `duration_us` after opening it shuts by itself, and opens again `every_us` after it opened last.
    While it waits for a start it remembers the frames of the last `before_us`, which are kept when
    it opens. 0 means no limit, no repetition, nothing from before. At most `memory_frames` are
    remembered.
    """

    def __init__(
        self,
        *,
        waits_for_start: bool = False,
        first_us: int = 0,
        duration_us: int = 0,
        every_us: int = 0,
        before_us: int = 0,
        memory_frames: int = 4096,
    ) -> None:
        self.is_open = False
        self.openings = 0
        self._due_us: int | None = None if waits_for_start else first_us
        self._duration_us, self._every_us, self._before_us = duration_us, every_us, before_us
        self._remembers = before_us > 0
        self._memory: deque[Frame] = deque(maxlen=memory_frames)
        self._opened_us = 0
        self._now_us = 0

    def command(self, kind: ControlKind) -> None:
        """Obey a start, a pause or a stop; it counts from the next frame on."""
        if kind is ControlKind.START and not self.is_open:
            self._due_us = self._now_us
        elif kind in (ControlKind.PAUSE, ControlKind.STOP):
            self.is_open = False
            self._due_us = None
            # After a pause the next start goes on; it does not reach back into the pause.
            self._remembers = kind is ControlKind.STOP and self._before_us > 0
            self._memory.clear()

    def take(self, frame: Frame) -> list[Frame]:
        """Give the frames to keep now: none, this one, or those from before and this one."""
        self._now_us = frame.time_us
        if self.is_open and self._duration_us:
            if frame.time_us - self._opened_us >= self._duration_us:
                self.is_open = False
                self._remembers = self._before_us > 0
                self._due_us = self._next_beat_us(frame.time_us) if self._every_us else None
        if not self.is_open and self._due_us is not None and frame.time_us >= self._due_us:
            return [*self._open(frame), frame]
        if self.is_open:
            return [frame]
        if self._remembers:
            self._memory.append(frame)
            while frame.time_us - self._memory[0].time_us > self._before_us:
                self._memory.popleft()
        return []

    def _next_beat_us(self, time_us: int) -> int:
        """Give the next opening of the schedule that does not lie wholly in the past."""
        past_us = time_us - self._opened_us - self._duration_us
        return self._opened_us + (past_us // self._every_us + 1) * self._every_us

    def _open(self, frame: Frame) -> list[Frame]:
        due_us = frame.time_us if self._due_us is None else self._due_us
        # A schedule keeps its own beat; a late frame does not shift what follows.
        self._opened_us = due_us if self._every_us else frame.time_us
        self.is_open = True
        self.openings += 1
        self._due_us = None
        earliest_us = frame.time_us - self._before_us
        kept = [earlier for earlier in self._memory if earlier.time_us >= earliest_us]
        self._memory.clear()
        return kept
