"""What is looked at before a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope_ui.checks import check_before_run
from syntalos_miniscope_ui.document import Document


def texts(document, catalog, level: str, **options) -> list[str]:
    chosen: dict[str, Any] = {"export_dir": Path(), "subject": "m01", **options}
    found = check_before_run(document.graph, catalog, RunOptions(**chosen))
    return [finding.text for finding in found if finding.level == level]


@dataclass
class Plugged:
    """A scope as it is found on USB."""

    port: str = "2-1"
    alias: str = "left"
    product: str = "Miniscope"
    speed: str = "super (USB 3)"
    problem: str = ""


def scope_findings(device: str, *plugged: Plugged, **knobs: Any) -> list[tuple[str, str]]:
    catalog = Catalog.shipped()
    document = Document(catalog)
    scope = document.add("miniscope_v4", (0, 0))
    settings = document.settings(scope).model_copy(update={"device": device, **knobs})
    document.set_settings(scope, settings)
    find: Any = lambda: plugged  # noqa: E731
    found = check_before_run(document.graph, catalog, RunOptions(), find_scopes=find)
    return [(f.level, f.text) for f in found if f.text.startswith("Miniscope V4:")]


def test_a_scope_that_is_not_plugged_in_refuses_the_run() -> None:
    assert scope_findings("auto") == [
        ("stop", "Miniscope V4: no Miniscope is plugged in; there: none")
    ]
    assert scope_findings("2-4", Plugged()) == [
        ("stop", "Miniscope V4: no Miniscope '2-4' is plugged in; there: 2-1")
    ]


def test_a_scope_on_a_slow_port_refuses_the_run_in_words() -> None:
    assert scope_findings("left", Plugged(problem="This scope is on a USB 2 port")) == [
        ("stop", "Miniscope V4: This scope is on a USB 2 port")
    ]


@pytest.mark.parametrize("device", ["auto", "2-1", "left"])
def test_a_good_scope_is_named_with_its_speed(device) -> None:
    assert scope_findings(device, Plugged()) == [
        ("good", "Miniscope V4: Miniscope at 2-1, super (USB 3)")
    ]


def test_a_virtual_scope_is_not_looked_for_on_usb() -> None:
    assert scope_findings("virtual") == []


def test_a_dark_led_is_warned_of() -> None:
    assert ("warn", "Miniscope V4: the LED is off") in scope_findings("virtual", led_percent=0.0)


def test_a_good_graph_has_nothing_to_warn_of(document, catalog, tmp_path) -> None:
    assert texts(document, catalog, "stop", export_dir=tmp_path) == []
    assert texts(document, catalog, "warn", export_dir=tmp_path) == []
    assert "Raw frames are recorded: Camera" in texts(document, catalog, "good")


def test_display_frames_into_a_recorder_are_warned_of(document, catalog) -> None:
    document.connect(("camera", "frames-disp-out"), ("recorder", "frames-in"))
    found = texts(document, catalog, "warn")
    assert any("Recorder records Display Frames of Camera" in text for text in found)
    assert any("No recorder is wired to raw frames of Camera" in text for text in found)


def test_processed_frames_into_a_recorder_are_warned_of(document, catalog) -> None:
    blur = document.add("blur", (0, 0))
    document.connect(("camera", "frames-raw-out"), (blur, "frames-in"))
    document.connect((blur, "frames-out"), ("recorder", "frames-in"))
    assert any("made for the eye" in text for text in texts(document, catalog, "warn"))


def test_a_graph_without_a_recorder_is_warned_of(document, catalog) -> None:
    document.remove(["recorder"])
    found = texts(document, catalog, "warn")
    assert any("No recorder" in text for text in found)


def test_a_box_without_input_is_warned_of(document, catalog) -> None:
    document.remove((), ["plot.signal-in"])
    assert "Nothing is wired to Plot" in texts(document, catalog, "warn")


def test_a_run_without_a_source_is_refused(document, catalog) -> None:
    document.remove(["camera"])
    assert any("Nothing sends data" in text for text in texts(document, catalog, "stop"))


def test_no_subject_is_warned_of(document, catalog) -> None:
    assert "No subject is named" in texts(document, catalog, "warn", subject=" ")


def test_a_folder_that_cannot_be_written_refuses_the_run(document, catalog, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    found = texts(document, catalog, "stop", export_dir=tmp_path / "file")
    assert found == [f"The export folder {tmp_path / 'file'} cannot be written"]


def test_a_run_that_keeps_nothing_needs_no_names_and_no_disk(document, catalog) -> None:
    found = texts(document, catalog, "warn", record=False, subject="", export_dir=Path("/proc/x"))
    assert found == ["This run keeps nothing"]
    assert texts(document, catalog, "stop", record=False, export_dir=Path("/proc/x")) == []
