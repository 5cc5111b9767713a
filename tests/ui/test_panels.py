"""Knobs made from settings classes."""

from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, model_validator
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QSpinBox

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.display import DisplaySettings
from syntalos_miniscope.node import Settings, live
from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope_ui.panels.choice import panel_for
from syntalos_miniscope_ui.panels.fields import ChoiceKnob, PairKnob, SwitchKnob, label_of, unit_of
from syntalos_miniscope_ui.panels.scope_panel import ScopePanel
from syntalos_miniscope_ui.panels.settings_form import SettingsForm
from syntalos_miniscope_ui.panels.text_fields import OptionalKnob, PathKnob, TomlKnob


class Mood(StrEnum):
    CALM = "calm"
    WILD = "wild"


class Knobs(Settings):
    count: int = live(3, ge=0, le=10, description="How many")
    depth_um: float = Field(default=120.5, gt=0)
    on: bool = False
    gain: Literal["low", "high"] = "low"
    mood: Mood = Mood.CALM
    path: Path = Path()
    spec_file: str = ""
    seed: int | None = None
    rates_hz: tuple[float, ...] = (10.0, 20.0)
    range_um: tuple[float, float] = (10.0, 20.0)
    focus_um: float | Literal["auto"] = "auto"
    tiny: float = Field(default=6.3e-6, ge=0)
    low: int = 0
    high: int = 5

    @model_validator(mode="after")
    def _apart(self):
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


@pytest.fixture
def form(qtbot) -> SettingsForm:
    widget = SettingsForm(Knobs())
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.fixture
def edits(form) -> list[tuple[Knobs, str]]:
    heard: list[tuple[Knobs, str]] = []
    form.edited.connect(lambda settings, name: heard.append((settings, name)))
    return heard


def test_units_and_names_are_those_of_a_person() -> None:
    assert unit_of("focus_um") == "µm"
    assert unit_of("gain") == ""
    assert unit_of("um") == ""
    assert label_of("led_percent", {"title": "Led Percent"}) == "LED"
    assert (label_of("hot_e_s", {}), unit_of("hot_e_s")) == ("Hot", "e⁻/s")
    assert (label_of("sd_um", {}), unit_of("speed_cm_s")) == ("SD", "cm/s")
    assert label_of("dff_max_percent", {}) == "dF/F max"
    assert label_of("display_min", {}) == "Display min"
    assert label_of("frame_rate_hz", {"title": "Speed of it"}) == "Speed of it"


def test_every_type_has_its_knob(form) -> None:
    assert form.knob("depth_um").findChild(QDoubleSpinBox).suffix() == " µm"
    assert form.knob("count").findChild(QSpinBox).maximum() == 10
    assert isinstance(form.knob("on"), SwitchKnob)
    assert isinstance(form.knob("gain"), ChoiceKnob)
    assert isinstance(form.knob("mood"), ChoiceKnob)
    assert isinstance(form.knob("path"), PathKnob)
    assert isinstance(form.knob("spec_file"), PathKnob)
    assert isinstance(form.knob("seed"), OptionalKnob)
    assert isinstance(form.knob("rates_hz"), TomlKnob)
    assert isinstance(form.knob("range_um"), PairKnob)
    assert isinstance(form.knob("focus_um"), OptionalKnob)


def test_every_knob_holds_what_it_is_shown(form) -> None:
    other = Knobs(
        count=7, depth_um=3.25, on=True, gain="high", mood=Mood.WILD, path=Path("/tmp/x"),
        spec_file="a.json", seed=5, rates_hz=(1.5,), range_um=(-1.5, 7.25), focus_um=0.3,
        tiny=2.5e-7, low=1, high=2,
    )  # fmt: skip
    form.show_settings(other)
    held = {name: form.knob(name).value() for name in Knobs.model_fields}
    assert Knobs.model_validate(held) == other


def test_an_edit_carries_whole_valid_settings(form, edits) -> None:
    form.knob("count").findChild(QSpinBox).setValue(8)
    form.knob("gain").setCurrentIndex(1)
    assert edits == [(Knobs(count=8), "count"), (Knobs(count=8, gain="high"), "gain")]


def test_a_slider_turns_the_number(form, edits) -> None:
    form.knob("count")._slider.setValue(6)
    assert edits[-1] == (Knobs(count=6), "count")
    assert form.knob("count").value() == 6


def test_what_does_not_fit_is_said_in_red_and_goes_nowhere(form, edits) -> None:
    form.knob("low").findChild(QSpinBox).setValue(9)
    assert "low must be below high" in form.trouble("low")
    assert edits == []
    form.knob("low").findChild(QSpinBox).setValue(1)
    assert form.trouble("low") == ""
    assert edits == [(Knobs(low=1), "low")]


def test_text_that_is_no_value_is_said_in_red(form, edits) -> None:
    line = form.knob("rates_hz")
    line.setText("[1.0, ")
    line.editingFinished.emit()
    assert "not a value" in form.trouble("rates_hz")
    line.setText("[1.0, 5]")
    line.editingFinished.emit()
    assert edits == [(Knobs(rates_hz=(1.0, 5.0)), "rates_hz")]


def test_reset_goes_back_to_the_default_and_hides(form, edits) -> None:
    row = form._rows["count"]
    assert not row.reset.isVisible()
    form.knob("count").findChild(QSpinBox).setValue(8)
    assert row.reset.isVisible()
    QTest.mouseClick(row.reset, Qt.MouseButton.LeftButton)
    assert edits[-1] == (Knobs(), "count")
    assert form.knob("count").value() == 3
    assert not row.reset.isVisible()


def test_left_out_and_set_values(form, edits) -> None:
    knob = form.knob("seed")
    assert knob.value() is None
    knob._on.setChecked(True)
    knob._inner.findChild(QSpinBox).setValue(4)
    assert edits[-1] == (Knobs(seed=4), "seed")


def test_a_number_or_the_word_auto(form, edits) -> None:
    knob = form.knob("focus_um")
    assert knob.value() == "auto"
    assert knob._word.isVisible()
    knob._on.setChecked(True)
    knob._inner.findChild(QDoubleSpinBox).setValue(150.0)
    assert edits[-1] == (Knobs(focus_um=150.0), "focus_um")
    knob._on.setChecked(False)
    assert edits[-1] == (Knobs(), "focus_um")


def test_both_numbers_of_a_pair_are_turned(form, edits) -> None:
    low, high = form.knob("range_um").findChildren(QDoubleSpinBox)
    assert low.suffix() == high.suffix() == " µm"
    high.setValue(80.0)
    assert edits[-1] == (Knobs(range_um=(10.0, 80.0)), "range_um")


@pytest.mark.parametrize(
    ("value", "shown"), [(6.3e-6, "6.3e-06"), (0.3, "0.3"), (25000.0, "25000"), (0.0, "0")]
)
def test_a_number_is_shown_as_it_is(form, value, shown) -> None:
    form.show_settings(Knobs(tiny=value))
    box = form.knob("tiny").findChild(QDoubleSpinBox)
    assert box.text() == shown
    assert box.value() == value


def test_a_number_is_typed_with_an_exponent_and_stepped_by_its_size(form, edits) -> None:
    box = form.knob("tiny").findChild(QDoubleSpinBox)
    box.selectAll()
    QTest.keyClicks(box, "2.5e-7\r")
    assert edits[-1] == (Knobs(tiny=2.5e-7), "tiny")
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert edits[-1] == (Knobs(tiny=2.6e-7), "tiny")
    box.selectAll()
    QTest.keyClicks(box, "0,5\r")
    assert edits[-1] == (Knobs(tiny=0.5), "tiny")
    box.selectAll()
    QTest.keyClicks(box, "much\r")
    assert edits[-1] == (Knobs(tiny=0.5), "tiny")


def test_only_live_knobs_turn_during_a_run(form) -> None:
    form.lock(True)
    assert form.knob("count").isEnabled()
    assert not form.knob("gain").isEnabled()
    assert "Fixed while the run is on" in form.knob("gain").toolTip()
    form.lock(False)
    assert form.knob("gain").isEnabled()


def test_help_stands_in_the_tooltip(form) -> None:
    assert form.knob("count").toolTip() == "How many"


class AnyScope(ScopeSettings, DisplaySettings):
    seed: int = 0


def test_whatever_has_the_knobs_of_a_scope_gets_the_scope_panel(qtbot) -> None:
    panel: Any = panel_for(AnyScope())
    qtbot.addWidget(panel)
    assert isinstance(panel, ScopePanel)
    assert list(panel._forms) == ["Scope", "Display frames", "Source"]
    assert not panel.sweep.isEnabled()
    heard: list[AnyScope] = []
    panel.edited.connect(lambda settings, name: heard.append(settings))
    panel.knob("ewl").findChild(QSpinBox).setValue(50)
    panel.knob("view").setCurrentIndex(1)
    assert heard[-1] == AnyScope(ewl=50, view="F - F0")
    assert "+79 µm" in panel._focus.text()


def test_every_shipped_node_has_a_panel_that_holds_its_defaults(qtbot) -> None:
    catalog = Catalog.shipped()
    for type_id in catalog.folders:
        settings = catalog.node(type_id).Settings()
        panel: Any = panel_for(settings)
        qtbot.addWidget(panel)
        held = {name: panel.knob(name).value() for name in type(settings).model_fields}
        assert type(settings).model_validate(held) == settings, type_id


def test_a_frame_rate_is_picked_or_typed(qtbot) -> None:
    panel: Any = panel_for(AnyScope())
    qtbot.addWidget(panel)
    heard: list[AnyScope] = []
    panel.edited.connect(lambda settings, name: heard.append(settings))
    knob = panel.knob("frame_rate_hz")
    assert [knob.itemText(row) for row in range(knob.count())][-1] == "30 Hz"
    knob.lineEdit().setText("12.5 Hz")
    knob.lineEdit().editingFinished.emit()
    assert heard[-1].frame_rate_hz == 12.5
    knob.lineEdit().setText("fast")
    knob.lineEdit().editingFinished.emit()
    assert "no frame rate" in panel._forms["Scope"].trouble("frame_rate_hz")
    assert heard[-1].frame_rate_hz == 12.5


def test_scrolling_past_a_knob_does_not_turn_it(form, edits, until) -> None:
    box = form.knob("count").findChild(QSpinBox)
    where = QPointF(box.rect().center())

    def scroll() -> None:
        turn = QWheelEvent(
            where, box.mapToGlobal(where), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(box, turn)

    box.clearFocus()  # the first knob has it from the start
    scroll()
    assert edits == []
    box.setFocus()
    until(box.hasFocus)
    scroll()
    assert edits == [(Knobs(count=4), "count")]


def test_what_a_box_adds_stands_above_what_it_has_in_common_with_others(qtbot) -> None:
    player = Catalog.shipped().node("recording_player")
    form = panel_for(player.Settings())
    qtbot.addWidget(form)
    form.resize(form.sizeHint())
    form.show()
    recording, view = (form.knob(name).mapTo(form, QPoint()).y() for name in ("path", "view"))
    assert recording < view


def test_the_file_with_kinds_of_scopes_can_be_picked(qtbot) -> None:
    scope = Catalog.shipped().node("miniscope_v4")
    form = panel_for(scope.Settings())
    qtbot.addWidget(form)
    assert isinstance(form.knob("video_devices"), PathKnob)


def test_a_path_that_is_longer_than_its_line_is_told_whole(qtbot) -> None:
    knob = PathKnob()
    qtbot.addWidget(knob)
    knob.show_value("/data/a/long/way/to/the/recording")
    line = knob.focusProxy()
    assert line is not None
    assert line.toolTip() == "/data/a/long/way/to/the/recording"
