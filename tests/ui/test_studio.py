"""The studio: first without a window, then with one."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDoubleSpinBox, QFileDialog

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.simulation.batch import simulate
from syntalos_miniscope.simulation.presets import ACTIVITY_PRESETS, STUDIO_PRESETS
from syntalos_miniscope.simulation.spec import load_spec
from syntalos_miniscope_ui.panels.scope_panel import ScopePanel
from syntalos_miniscope_ui.studio.model import Studio
from syntalos_miniscope_ui.studio.preview import FRAMES, WINDOW_CELLS, activity, preview
from syntalos_miniscope_ui.studio.window import StudioWindow
from syntalos_miniscope_ui.window import EditorWindow
from syntalos_miniscope_ui.worker import Newest

GENERIC = STUDIO_PRESETS[0]


@pytest.fixture
def studio() -> Studio:
    """The smallest of the presets."""
    tuned = Studio()
    tuned.use_preset(GENERIC)
    acquisition = tuned.parts()["acquisition"]
    tuned.change("acquisition", acquisition.model_copy(update={"duration_s": 1.0}))
    return tuned


def test_every_preset_and_activity_can_be_chosen() -> None:
    studio = Studio()
    for name in STUDIO_PRESETS:
        studio.use_preset(name)
    for name, firing in ACTIVITY_PRESETS.items():
        studio.use_activity(name)
        assert studio.parts()["cell_activity"] == firing


def test_a_change_of_any_part_is_heard_and_kept(studio) -> None:
    heard: list[str] = []
    studio.listeners.append(lambda: heard.append("changed"))
    for part, field, value in (
        ("lens", "na", 0.37),
        ("image_sensor", "read_noise_e", 3.5),
        ("tissue", "scatter_blur_per_um", 0.02),
        ("acquisition", "focal_depth_in_tissue_um", 90.0),
        ("neuropil", "amplitude", 0.9),
    ):
        studio.change(part, studio.parts()[part].model_copy(update={field: value}))
        assert getattr(studio.parts()[part], field) == value
    assert len(heard) == 5


def test_what_does_not_fit_is_refused_in_a_line_and_changes_nothing(studio) -> None:
    before = studio.spec
    odd = studio.parts()["lens"].model_copy(update={"na": -1.0})
    with pytest.raises(ValueError, match="na") as refused:
        studio.change("lens", odd)
    assert "\n" not in str(refused.value)
    assert studio.spec == before


def test_a_spec_that_is_saved_is_read_again(studio, tmp_path) -> None:
    studio.set_seed(7)
    studio.save(tmp_path / "spec.json")
    assert load_spec(tmp_path / "spec.json") == studio.spec


def test_what_is_previewed_is_what_is_generated(studio) -> None:
    recorded = simulate(studio.spec).observed[:FRAMES]
    assert np.array_equal(preview(studio.spec).picture, recorded.max(axis=0))


@pytest.mark.parametrize("name", STUDIO_PRESETS)
def test_the_window_shows_about_so_many_cells(name) -> None:
    studio = Studio()
    studio.use_preset(name)
    made = preview(studio.spec)
    count = int(made.in_window.sum())
    assert count <= WINDOW_CELLS * 1.3
    assert count >= min(len(made.centers_um), WINDOW_CELLS) * 0.7
    assert made.windowed().shape == made.window[2:]
    assert f"{len(made.centers_um):,} cells" in made.words()[1]


def test_every_stage_has_its_picture(studio) -> None:
    pictures = [preview(studio.spec, stage).picture for stage in studio.stages()]
    assert all(np.isfinite(picture).all() for picture in pictures)
    assert not np.array_equal(pictures[0], pictures[-1])


def test_a_stage_before_there_is_a_picture_is_refused_in_words(studio) -> None:
    with pytest.raises(ValueError, match="nothing to see"):
        preview(studio.spec, "place_neurons")


def test_active_cells_fire_more_than_quiet_ones(studio) -> None:
    studio.use_activity("Quiet")
    quiet = activity(studio.spec)
    studio.use_activity("Active")
    active = activity(studio.spec)
    assert active.spikes.sum() > 1.5 * quiet.spikes.sum()
    assert active.traces.shape == active.spikes.shape == (len(active.times_s), 12)


# With a window


def test_of_many_requests_the_newest_is_done(qtbot, until) -> None:
    owner = QObject()
    worker, begun, gate = Newest(owner), threading.Event(), threading.Event()
    done: list[object] = []
    worker.done.connect(done.append)

    def first() -> bool:
        begun.set()
        return gate.wait(60)

    worker.ask(first)
    assert begun.wait(60)
    for number in range(20):
        worker.ask(lambda number=number: number)
    gate.set()
    until(lambda: len(done) == 2)
    assert done == [True, 19]
    worker.close()


@pytest.fixture
def window(until, studio, answers):
    opened = StudioWindow(studio, ask=answers)
    opened.show()
    until(lambda: opened.shown is not None)
    yield opened
    studio.saved = studio.spec
    answers.say = ["Stop it"] if opened.generate.busy else []
    opened.close()
    opened.deleteLater()


def test_a_knob_changes_the_picture_and_the_words(window, studio, until) -> None:
    before = window.shown
    window.anatomy.lists["place_neurons"].form.knob("density_per_mm3").findChild(
        QDoubleSpinBox
    ).setValue(60_000)
    until(lambda: window.shown is not before)
    assert len(window.shown.centers_um) > 1.5 * len(before.centers_um)
    assert f"{len(window.shown.centers_um):,} cells" in window.readout.text()


def test_a_preset_fills_all_panels(window, studio, until) -> None:
    studio.use_preset(STUDIO_PRESETS[1])
    until(lambda: window.shown.picture.shape == (608, 608))
    assert window.anatomy.forms["image_sensor"].knob("n_px_height").value() == 608
    assert list(window.activity.forms) == ["cell_activity"]
    assert not window.grab().isNull()


def test_a_stage_is_shown_alone(window, until) -> None:
    before = window.shown
    window.stage.setCurrentText("composite")
    until(lambda: window.shown is not before)
    assert not np.array_equal(window.shown.picture, before.picture)


def test_what_does_not_fit_is_said_below_its_knob(window, studio) -> None:
    before = studio.spec
    cells = window.anatomy.lists["place_neurons"].form
    cells.knob("depth_range_um").findChildren(QDoubleSpinBox)[0].setValue(900.0)
    assert "must end deeper than it begins" in cells.trouble("depth_range_um")
    assert studio.spec == before


def test_what_does_not_fit_the_whole_is_said_below_its_group(window, studio) -> None:
    before = studio.spec
    cells = window.anatomy.lists["place_neurons"].form
    cells.knob("soma_radius_um").findChild(QDoubleSpinBox).setValue(5000.0)
    trouble = window.anatomy._troubles["place_neurons"]
    assert "larger than the field of view" in trouble.text()
    assert studio.spec == before
    cells.knob("soma_radius_um").findChild(QDoubleSpinBox).setValue(6.0)
    assert trouble.isHidden()
    assert studio.populations()[0].soma_radius_um == 6.0


def test_a_recording_is_generated_with_its_spec(window, until, tmp_path) -> None:
    window.generate.generate(tmp_path / "made.mkv")
    until(lambda: window.generate.word.text().startswith("Written"))
    assert (tmp_path / "made.mkv").stat().st_size > 0
    assert load_spec(tmp_path / "made.spec.json") == window.studio.spec


def test_a_long_recording_can_be_stopped(window, until, tmp_path) -> None:
    window.generate.duration_s.setValue(3600)
    window.generate.generate(tmp_path / "long.mkv")
    until(lambda: window.generate.bar.value() > 0)
    window.generate.stop.click()
    until(lambda: window.generate.word.text().startswith("Stopped"))
    assert window.generate.write.isEnabled()
    assert (tmp_path / "long.mkv").stat().st_size > 0


@pytest.mark.parametrize(("answer", "closed"), [("Cancel", False), ("Do not save", True)])
def test_an_unsaved_spec_is_asked_about(window, studio, answers, answer, closed) -> None:
    studio.saved = studio.spec
    studio.set_seed(77)
    answers.say = [answer]
    assert window.close() is closed
    assert answers.asked == ["Save the Spec? It is lost otherwise."]


def test_an_unsaved_spec_is_saved_on_closing(
    window, studio, answers, tmp_path, monkeypatch
) -> None:
    file = tmp_path / "kept.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    studio.set_seed(77)
    answers.say = ["Save"]
    assert window.close()
    assert load_spec(file).seed == 77


def test_a_recording_that_is_being_written_is_asked_about(
    window, studio, answers, until, tmp_path
) -> None:
    window.generate.duration_s.setValue(3600)
    studio.saved = studio.spec
    window.generate.generate(tmp_path / "long.mkv")
    until(lambda: window.generate.bar.value() > 0)
    answers.say = ["Cancel"]
    assert not window.close()
    answers.say = ["Stop it"]
    assert window.close()
    assert (tmp_path / "long.mkv").stat().st_size > 0


def test_the_length_is_told_with_what_it_takes(window, studio) -> None:
    window.generate.duration_s.setValue(100)
    assert studio.spec.acquisition.duration_s == 100
    assert "000 frames" in window.generate.estimate.text()


def test_a_simulated_scope_is_tuned_in_the_studio(qtbot, settings, answers, tmp_path) -> None:
    editor = EditorWindow(Catalog.shipped(), settings, ask=answers)
    editor.show()
    document = editor.files.document
    scope = document.add("simulated_scope", (0, 0))
    values = document.settings(scope).model_copy(update={"preset": GENERIC, "seed": 5})
    document.set_settings(scope, values)
    editor.scene.select([scope])
    form = editor.inspector.form
    assert isinstance(form, ScopePanel)
    form.studio_asked.emit()
    studio_window = editor.inspector.studio_window
    assert studio_window.studio.spec.seed == 5
    assert studio_window.studio.spec.acquisition.shape == (256, 256)
    studio_window.save(tmp_path / "tuned.json")
    assert document.project.box(scope).settings["spec_file"] == str(tmp_path / "tuned.json")
    document.mark_saved()
    editor.close()
    assert "preview" not in [thread.name for thread in threading.enumerate()]
    editor.deleteLater()
