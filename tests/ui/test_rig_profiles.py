"""Knobs of a scope that are kept for a rig, and brought back."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QSpinBox

from syntalos_miniscope.display import DisplaySettings
from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope_ui import rig_profiles
from syntalos_miniscope_ui.panels.choice import panel_for


class AnyScope(ScopeSettings, DisplaySettings):
    seed: int = 0


@pytest.fixture
def rigs(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(rig_profiles, "rigs_folder", lambda: tmp_path / "rigs")
    return tmp_path / "rigs"


def test_a_rig_keeps_its_knobs_and_brings_them_back(rigs) -> None:
    rig_profiles.keep("left rig", AnyScope(ewl=-40, led_percent=12.0, view="dF/F"))
    assert rig_profiles.names() == ["left rig"]
    assert rig_profiles.recall("left rig", AnyScope(ewl=5)) == AnyScope(
        ewl=-40, led_percent=12.0, view="dF/F"
    )


def test_a_rig_of_another_scope_gives_the_knobs_they_share(rigs) -> None:
    rig_profiles.keep("left", AnyScope(ewl=7, seed=3))
    assert rig_profiles.recall("left", ScopeSettings()) == ScopeSettings(ewl=7)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("none", None, "no profile 'none'"),
        ("bad", "ewl = 900", "ewl: Input should be less than or equal to 127"),
        ("torn", "ewl = ", "profile 'torn'"),
    ],
)
def test_a_rig_that_does_not_fit_is_refused_in_words(rigs, name, text, why) -> None:
    rigs.mkdir()
    if text:
        (rigs / f"{name}.toml").write_text(text)
    with pytest.raises(ValueError, match=why):
        rig_profiles.recall(name, ScopeSettings())


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden"])
def test_an_odd_name_of_a_rig_writes_nothing(rigs, name) -> None:
    with pytest.raises(ValueError, match="a profile is called"):
        rig_profiles.keep(name, ScopeSettings())
    assert not rigs.exists()


def test_the_panel_keeps_and_recalls_a_rig(qtbot, rigs) -> None:
    panel: Any = panel_for(AnyScope())
    qtbot.addWidget(panel)
    heard: list[AnyScope] = []
    panel.edited.connect(lambda settings, name: heard.append(settings))
    panel.rig.name.setCurrentText("left")
    panel.rig.recall.click()
    assert panel.rig.word.text() == "there is no profile 'left'"
    panel.knob("ewl").findChild(QSpinBox).setValue(50)
    panel.rig.keep.click()
    panel.knob("ewl").findChild(QSpinBox).setValue(0)
    panel.rig.recall.click()
    assert heard[-1] == AnyScope(ewl=50)
    assert panel.knob("ewl").value() == 50
    panel.lock(True)
    assert not panel.rig.recall.isEnabled()
    assert panel.sweep.isEnabled()
