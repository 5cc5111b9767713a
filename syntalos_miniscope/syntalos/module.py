"""A node as a Syntalos module: its settings, its runs and its windows, on the link's events."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from syntalos_miniscope.engine.run import describe
from syntalos_miniscope.engine.sharing import share_among_boxes
from syntalos_miniscope.node import Node, Settings, is_source, live_fields
from syntalos_miniscope.streams import Item
from syntalos_miniscope.syntalos import box, saved_settings
from syntalos_miniscope.syntalos.capture import CaptureProcess
from syntalos_miniscope.syntalos.inline_run import InlineRun
from syntalos_miniscope.syntalos.source_run import FarEnd, SourceRun, SourceThread
from syntalos_miniscope.syntalos.windows import Windows


class Run(Protocol):
    """One node in one run; every method is called by the thread of the link, and none blocks."""

    def prepare(self) -> None:
        """Prepare the node; raises, with a sentence, what refuses the run."""
        ...

    def start(self, zero_ns: int) -> None:
        """Begin: t = 0 was at this time of the monotonic clock."""
        ...

    def take(self, port: str, item: Item) -> None:
        """Take an item for an input, to be worked on in `step`."""
        ...

    def apply(self, settings: Settings) -> None:
        """Change live settings."""
        ...

    def step(self) -> bool:
        """Do what is due; False if Syntalos may wait for us, lock and all, until data comes."""
        ...

    def stop(self) -> None:
        """Send what was on its way, then stop the node; safe to call twice."""
        ...


class Link(box.Link, Protocol):
    """What a module needs of the connection to Syntalos."""

    def hear(self) -> None:
        """Handle what Syntalos wants, without waiting: a stop, settings, input data."""
        ...

    def zero_ns(self) -> int:
        """Give when t = 0 was, by the monotonic clock."""
        ...

    def fail(self, text: str) -> None:
        """Fail the run with a line for a person."""
        ...


class Module:
    """Answers the events of one link. Whatever a node raises fails the run in one line."""

    def __init__(self, link: Link, node: type[Node], type_id: str, address: str) -> None:
        self._link, self._node = link, node
        self._type_id, self._address = type_id, address
        self.settings: Settings = node.Settings()
        self._refused: tuple[str, bytes] | None = None
        self._box: box.Box | None = None
        self._run: Run | None = None
        self._too_late = 0
        self._undo = ExitStack()
        self._windows = Windows(f"{link.instance}: {type_id}", self.edited)
        self._parent = os.getppid()

    # Settings

    def save_settings(self) -> bytes:
        """Give the settings; those that could not be read are given back as they were."""
        if self._refused is not None:
            return self._refused[1]
        return saved_settings.save(self._type_id, self.settings)

    def load_settings(self, data: bytes) -> None:
        """Take settings; what is wrong with them is said, and refuses runs until it is mended."""
        self._refused = None
        try:
            self.settings = saved_settings.read(data, self._node, self._type_id)
        except ValueError as error:
            text = f"the settings of this box cannot be used: {error}"
            self._refused = text, data
            self._link.say(text)
            self._link.status("settings cannot be used")

    def show_settings(self) -> None:
        """Open the settings window, the editor's own panel."""
        running = self._box is not None and self._box.running
        self._on_screen(lambda: self._windows.show_settings(self.settings, running=running))

    def show_display(self) -> None:
        """Open a window with a live view of each output."""
        described = self._box.described if self._box else {}
        self._on_screen(lambda: self._windows.show_display(self._node.outputs, described))

    def _on_screen(self, act: Callable[[], None]) -> None:
        """Do something with windows; what goes wrong there must not end a run."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - the recording is worth more than its view
            self._link.say(f"its windows are closed: {describe(error)}")
            self._windows.close()

    def edited(self, settings: Settings) -> None:
        """Take settings from the window: live ones at once, the others from the next run on."""
        old, self.settings, self._refused = self.settings, settings, None
        if self._run is not None and self._box is not None and self._box.running:
            live = live_fields(type(settings))
            changed = {name: getattr(settings, name) for name in live}
            self._run.apply(old.model_copy(update=changed))

    # A run

    def prepare(self) -> bool:
        """Prepare a run; False, and the reason told, if there can be none."""
        self.stop()
        self._tell_too_late()
        try:
            if self._refused is not None:
                raise ValueError(self._refused[0])
            self._windows.warm_up()
            self._box = box.Box(self._link, self._node, self._type_id, self._windows.feed)
            self._run = self._new_run(self._box)
            self._run.prepare()
            self._undo.callback(share_among_boxes())
            self._box.announce()
            described = self._box.described
            self._on_screen(lambda: self._windows.begin(described))
            self._windows.lock(running=True)
        except Exception as error:  # noqa: BLE001 - a refusal is one line, whatever it was
            self._fail(error)
            return False
        return True

    def start(self) -> None:
        """Begin the run."""
        if self._run is None or self._box is None:
            return
        zero_ns = self._link.zero_ns()
        self._box.begin(zero_ns)
        run = self._run
        self._guard(lambda: run.start(zero_ns))

    def receive(self, port: str, read: Callable[[], Item | None]) -> None:
        """Take data of an input, read by `read`; what comes after the end is counted.

        It may come before the start: Syntalos starts modules one after the other.
        """
        run = self._run
        if run is None:
            self._too_late += 1
            return

        def take() -> None:
            item = read()
            if item is not None:
                run.take(port, item)

        self._guard(take)

    def turn(self) -> None:
        """Do what there is to do, staying inside while a run needs it: the link's `event_fn`.

        Between two calls of this Syntalos waits up to 25 ms with Python's lock held, so a source
        keeps to this loop and hears through `Link.hear`.
        """
        self._guard(self._turn)

    def stop(self) -> None:
        """End the run: everything sent, files closed, the LED dark; safe to call at any time."""
        run, self._run = self._run, None
        if run is not None:
            self._guard(run.stop)
        self._close_box()

    def close(self) -> None:
        """End everything: Syntalos is going, or gone."""
        self.stop()
        self._tell_too_late()
        self._on_screen(self._windows.close)

    def _new_run(self, box_: box.Box) -> Run:
        if not is_source(self._node):
            return InlineRun(box_, self._node, self.settings)

        def far_end() -> FarEnd:
            if self._node.own_process:
                return CaptureProcess(self._address)
            return SourceThread(self._node)

        return SourceRun(box_, self.settings, self._link.inputs(), far_end)

    def _turn(self) -> None:
        busy = True
        while busy and self._box is not None and self._box.running:
            # First, so that nothing has been heard and waits here while Syntalos waits for more.
            self._link.hear()
            busy = self._run is not None and self._run.step()
            self._on_screen(self._windows.turn)
            if os.getppid() != self._parent:
                # A killed Syntalos cannot say Stop, and a lit LED must not outlive it.
                self.stop()
        self._on_screen(self._windows.turn)

    def _tell_too_late(self) -> None:
        if self._too_late:
            self._link.say(f"{self._too_late} items came after the end of the run")
        self._too_late = 0

    def _guard(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - an error is one line in Syntalos
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        port = "".join(f"{note}: " for note in getattr(error, "__notes__", []))
        text = port + describe(error)
        run, self._run = self._run, None
        if self._box is not None and self._box.state.error is None:
            self._box.state.error = text
        self._link.fail(text)
        if run is not None:
            self._guard(run.stop)
        self._close_box()

    def _close_box(self) -> None:
        self._undo.close()
        if self._box is not None and not self._box.closed:
            self._windows.lock(running=False)
            self._guard(self._box.close)
