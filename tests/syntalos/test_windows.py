"""The windows of a module: the editor's own panels and viewers, while the data goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from host import NODES, Host
from PySide6.QtTest import QTest
from test_sources import check_in_order
from unlinked import Unlinked

from syntalos_miniscope.node import Settings
from syntalos_miniscope.streams import Frame, TableRow
from syntalos_miniscope.syntalos.module import Module
from syntalos_miniscope.syntalos.nodes import load_node
from syntalos_miniscope.syntalos.windows import Windows
from syntalos_miniscope_ui.panels.sweep_dialog import SweepDialog

SHOWN = {"QT_QPA_PLATFORM": "offscreen"}


@pytest.mark.parametrize("ticker", ["ticker", "ticker_process"])
def test_opening_windows_during_a_run_loses_nothing(host: Callable[..., Host], ticker: str) -> None:
    module = host(NODES / ticker, environment=SHOWN)
    assert module.prepare()
    module.start()
    time.sleep(0.2)
    module.show("show_settings")
    module.show("show_display")
    time.sleep(0.8)
    module.show("show_settings")
    module.stop()
    check_in_order(module.items)
    assert not module.errors


def test_without_a_display_a_window_is_refused_in_words(host: Callable[..., Host]) -> None:
    module = host(NODES / "slow")
    module.show("show_settings")
    assert module.prepare()
    module.stop()
    assert "there is no display to open a window on" in module.log()
    assert not module.errors


def test_a_view_that_breaks_does_not_end_the_run(
    qapp: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    link = Unlinked(tmp_path)
    module = Module(link, load_node(str(NODES / "slow")), "slow", str(NODES / "slow"))
    monkeypatch.setattr(Windows, "turn", lambda windows: 1 / 0)
    assert module.prepare()
    module.start()
    module.turn()
    module.stop()
    assert link.failed == []
    assert any("its windows are closed: ZeroDivisionError" in line for line in link.said)


def test_a_live_knob_reaches_the_run_and_a_fixed_one_waits_for_the_next(
    qapp: Any, tmp_path: Path
) -> None:
    link = Unlinked(tmp_path)
    node = load_node(str(NODES / "ticker"))
    module = Module(link, node, "ticker", str(NODES / "ticker"))
    link.stop = module.stop
    assert module.prepare(), link.failed
    module.start()
    module.edited(node.Settings.model_validate({"rate_hz": 100.0, "height": 96}))
    link.hears = 30
    module.turn()
    assert link.hears == 0, "a source keeps to the loop until it is stopped"
    assert link.statuses == ["100 Hz"] and not link.failed
    shapes = {item.mat.shape for port, item in link.sent if port == "frames-out"}
    assert shapes == {(64, 64)}
    assert json.loads(module.save_settings())["settings"]["height"] == 96


@pytest.fixture
def edits() -> list[Settings]:
    return []


@pytest.fixture
def windows(qapp: Any, edits: list[Settings], monkeypatch: pytest.MonkeyPatch) -> Iterator[Windows]:
    made = Windows("slow_0: slow", edits.append)
    yield made
    made.close()


def test_a_knob_that_is_turned_gives_whole_settings(
    windows: Windows, edits: list[Settings]
) -> None:
    node = load_node(str(NODES / "ticker"))
    windows.show_settings(node.Settings(), running=False)
    form: Any = windows.form
    form.knob("height").show_value(96)
    form.knob("height").changed.emit()
    assert edits == [node.Settings.model_validate({"height": 96})]


def test_what_may_not_change_is_fixed_during_a_run(windows: Windows) -> None:
    node = load_node(str(NODES / "ticker"))
    windows.show_settings(node.Settings(), running=True)
    form: Any = windows.form
    assert form.knob("rate_hz").isEnabled() and not form.knob("height").isEnabled()
    windows.lock(running=False)
    assert form.knob("height").isEnabled()


def test_a_display_shows_what_is_sent(windows: Windows) -> None:
    node = load_node(str(NODES / "ticker"))
    windows.show_display(node.outputs, {"rows-out": {"table_header": ["Index", "Time [us]"]}})
    windows.turn()
    mat = np.full((48, 64), 7, np.uint8)
    windows.feed("frames-out", Frame(0, 0, mat))
    windows.feed("rows-out", TableRow(("0", "0")))
    windows.feed("of-another", TableRow(("0", "0")))
    windows.turn()
    windows.begin({"frames-out": {"framerate": 20.0}})
    windows.feed("frames-out", Frame(0, 0, mat[:10]))
    windows.turn()
    assert sorted(windows.shown) == ["frames-out", "rows-out", "signal-out"]


def test_the_focus_is_swept_over_what_the_scope_sends(
    windows: Windows, edits: list[Settings]
) -> None:
    node = load_node("simulated_scope")
    windows.show_settings(node.Settings(), running=True)
    form: Any = windows.form
    form.sweep.click()
    dialog: Any = form.window().findChild(SweepDialog)
    dialog.first.setValue(0)
    dialog.last.setValue(16)
    dialog.step.setValue(16)
    dialog.start()
    mat = np.zeros((48, 64), np.uint8)
    for index in range(200):
        windows.feed("frames-raw-out", Frame(index, index * 50_000, mat))
        if index % 8 == 0:
            QTest.qWait(35)
        if len(edits) > 1:
            break
    turned: list[Any] = edits
    assert [settings.ewl for settings in turned[:2]] == [0, 16]
    dialog.close()


def test_windows_are_made_lazily(tmp_path: Path) -> None:
    """A module process without windows has no Qt in it."""
    with Host(NODES / "slow", tmp_path) as module:
        module.wait_ready()
        maps = Path(f"/proc/{module.process.pid}/maps").read_text()
    assert "libQt6" not in maps
