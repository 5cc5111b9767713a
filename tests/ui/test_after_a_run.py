"""What a person does with a run that was recorded: finds it, plays it, hands it on."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.recording.daq_folder import DaqDevice
from syntalos_miniscope.streams import Frame
from syntalos_miniscope_ui.export_dialog import FORMS, ExportDialog
from syntalos_miniscope_ui.window import EditorWindow
from syntalos_miniscope_ui.worker import Generation

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def recording(tmp_path) -> Path:
    """Thirty frames in the layout of the DAQ software, with orientation."""
    device = DaqDevice(tmp_path / "session" / "Miniscope", frame_rate_hz=20)
    for index in range(30):
        device.add(Frame(index, 50_000 * index, np.full((24, 32), index, np.uint8)))
        device.add_orientation(50_000 * index, (1.0, 0.0, 0.0, 0.0))
    device.close()
    return tmp_path / "session"


@pytest.fixture
def dialog(qtbot, recording) -> ExportDialog:
    made = ExportDialog(None, recording)
    qtbot.addWidget(made)
    made.show()
    return made


def rows(file: Path) -> list[list[str]]:
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def test_quaternions_are_exported_with_their_frames_by_two_clicks(dialog, until, tmp_path) -> None:
    dialog.columns["join_frames"].click()
    QTest.mouseClick(dialog.write, LEFT)
    until(lambda: not dialog.busy)
    header, *body = rows(tmp_path / "session-tables" / "orientation.csv")
    assert header == ["Time [ms]", "qw", "qx", "qy", "qz", "Frame"]
    assert [row[0] for row in body] == [f"{50 * n:.3f}" for n in range(30)]
    assert [row[-1] for row in body] == [str(n) for n in range(30)]
    assert str(tmp_path / "session-tables") in dialog.word.text()


@pytest.mark.parametrize("target", ["daq", "edl", "zarr"])
def test_each_form_is_written_beside_the_recording(dialog, until, recording, target) -> None:
    dialog.form.setCurrentIndex(list(FORMS).index(target))
    assert not any(box.isEnabled() for box in dialog.columns.values())
    QTest.mouseClick(dialog.write, LEFT)
    until(lambda: not dialog.busy)
    assert recording.with_name(f"session{FORMS[target].ending}").is_dir(), dialog.word.text()


def test_what_cannot_be_exported_is_said_and_can_be_tried_again(dialog, until, tmp_path) -> None:
    (tmp_path / "session-tables").mkdir()
    dialog.begin()
    until(lambda: not dialog.busy)
    assert "nothing is overwritten" in dialog.word.text()
    dialog.out.setText(str(tmp_path / "other"))
    dialog.begin()
    until(lambda: not dialog.busy)
    assert (tmp_path / "other" / "orientation.csv").is_file()


def test_an_export_that_ends_at_once_is_heard_of(dialog, until, monkeypatch) -> None:
    start = Generation.start

    def start_and_end(generation: Generation) -> None:
        start(generation)
        generation.join()

    monkeypatch.setattr(Generation, "start", start_and_end)
    dialog.begin()
    until(lambda: not dialog.busy)


def test_without_a_recording_nothing_is_begun(qtbot) -> None:
    dialog = ExportDialog(None, None)
    qtbot.addWidget(dialog)
    dialog.begin()
    assert not dialog.busy
    assert "first" in dialog.word.text()


def test_closing_the_dialog_ends_what_it_writes(dialog) -> None:
    dialog.begin()
    dialog.close()
    assert dialog.generation is not None
    dialog.generation.join()


def test_the_last_run_is_found_played_and_exported(
    qtbot, settings, answers, recording, monkeypatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    window = EditorWindow(Catalog.shipped(), settings, ask=answers)
    window.show()
    folder, play, export = (
        window.actions_by_name[name]
        for name in ("Show the folder of the last run", "Play the last run", "Export")
    )
    folder.trigger()
    assert "No run has been kept yet" in window.statusBar().currentMessage()
    settings.setValue("run/last", str(recording))
    folder.trigger()
    assert opened == [str(recording)]
    play.trigger()
    assert window.files.document.project.box("player").settings["path"] == str(recording)
    export.trigger()
    dialog = window.recordings.dialog
    assert dialog is not None
    assert dialog.recording.value() == str(recording)
    dialog.close()
    window.files.document.mark_saved()
    window.close()
    window.deleteLater()


def test_a_run_that_was_kept_is_the_last_one_and_one_that_was_not_is_none(
    window, run_until
) -> None:
    for record in (True, False):
        window.ask_run(record=record)
        run_until(window, "running")
        window.running.stop()
        run_until(window, "idle")
        last = window.recordings.last
        assert last is not None
        assert last.name == "Small"
    assert len(list(last.parent.iterdir())) == 1
