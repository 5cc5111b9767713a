"""Work away from the window: the newest request wins, and a long one can be cancelled."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLabel, QProgressBar

from syntalos_miniscope.recording import RecordingError


class Newest(QObject):
    """Runs one job at a time; of those that wait, only the newest is done."""

    done = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._changed = Condition()
        self._job: Callable[[], Any] | None = None
        self._closing = False
        self._thread = Thread(target=self._run, name="preview", daemon=True)
        self._thread.start()

    def ask(self, job: Callable[[], Any]) -> None:
        """Ask for a job, in place of one that waits."""
        with self._changed:
            self._job = job
            self._changed.notify()

    def close(self) -> None:
        """Finish what is in hand and end."""
        with self._changed:
            self._closing, self._job = True, None
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._job is None and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                job, self._job = self._job, None
            assert job is not None
            try:
                self.done.emit(job())
            except (ValueError, MemoryError) as error:
                self.failed.emit(str(error))


class Generation(QObject):
    """Writes one recording, and shows on a bar and in words how far it is.

    `if_stopped` says what is left of one that is cancelled.
    """

    _progressed = Signal(int, int)
    ended = Signal(str)
    """What there is to say at the end."""

    def __init__(
        self,
        parent: QObject,
        write: Callable[[Callable[[int, int], None]], Any],
        bar: QProgressBar,
        word: QLabel,
        if_stopped: str = "what was rendered is kept",
    ) -> None:
        super().__init__(parent)
        self._write = write
        self._bar, self._word = bar, word
        self._progressed.connect(self._show)
        self._if_stopped = if_stopped
        self._cancelled = False
        self._thread = Thread(target=self._run, name="generate")

    def start(self) -> None:
        """Begin, once whoever wants to hear of it listens."""
        self._thread.start()

    def cancel(self) -> None:
        """End after the frame in hand; what was rendered is kept."""
        self._cancelled = True
        self._word.setText("Stopping …")

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _show(self, done: int, of: int) -> None:
        self._bar.setRange(0, of)
        self._bar.setValue(done)
        self._word.setText(f"{done:,} of {of:,} frames")

    def _on_frame(self, done: int, of: int) -> None:
        if done % 10 == 0 or done == of:
            self._progressed.emit(done, of)
        if self._cancelled and done < of:
            raise KeyboardInterrupt

    def _run(self) -> None:
        try:
            self.ended.emit(f"Written: {self._write(self._on_frame)}")
        except KeyboardInterrupt:
            self.ended.emit(f"Stopped; {self._if_stopped}")
        except (ValueError, OSError, RecordingError) as error:
            self.ended.emit(str(error))
