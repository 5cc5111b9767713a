"""Lists in the studio: layers of vessels, populations of cells, given positions and motion."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QDoubleSpinBox, QFileDialog

from syntalos_miniscope.simulation.cost import TooLargeError
from syntalos_miniscope.simulation.presets import STUDIO_PRESETS
from syntalos_miniscope.simulation.spec import load_spec
from syntalos_miniscope.simulation.steps import (
    BrainMotion,
    NeuronPopulation,
    Vasculature,
    VesselLayer,
)
from syntalos_miniscope_ui.studio.model import EXTRAS, OPTIONAL, STEPS, Studio
from syntalos_miniscope_ui.studio.parts_form import PartsForm
from syntalos_miniscope_ui.studio.preview import preview
from syntalos_miniscope_ui.studio.side_view import SideView

TABLE = "x_um,y_um,z_um\n10,-20,150\n0,0.5,120\n"
CENTERS_UM = [(150.0, -20.0, 10.0), (120.0, 0.5, 0.0)]


# The studio, without a window


@pytest.fixture
def studio() -> Studio:
    tuned = Studio()
    tuned.use_preset(STUDIO_PRESETS[0])
    return tuned


def test_one_population_is_the_steps_own_and_more_are_a_list(studio) -> None:
    one, two = NeuronPopulation(soma_radius_um=5), NeuronPopulation(morphology="cytosolic")
    studio.place([one, two])
    assert studio.populations() == [one, two]
    assert studio.parts()["place_neurons"].populations == [one, two]
    studio.place([two])
    assert studio.populations() == [two]
    assert studio.parts()["place_neurons"].populations is None


@pytest.mark.parametrize("part", sorted(OPTIONAL))
def test_every_optional_part_is_turned_on_and_off_with_its_values_kept(studio, part) -> None:
    for on in (True, False, True):
        studio.turn(part, on)
        assert studio.has(part) is on
    field, value = (
        next(
            (name, value * 0.75 + 0.1)
            for name, value in studio.parts()[part].model_dump().items()
            if isinstance(value, float)
        )
        if part != "vasculature"
        else ("layers", [VesselLayer(depth_um=7)])
    )
    studio.change(part, studio.parts()[part].model_copy(update={field: value}))
    studio.turn(part, False)
    studio.turn(part, True)
    assert getattr(studio.parts()[part], field) == value


def test_without_extras_the_spec_is_one_that_minisim_reads(studio) -> None:
    before = studio.spec
    for part in EXTRAS:
        studio.turn(part, True)
    assert studio.spec.extras is not None
    for part in EXTRAS:
        studio.turn(part, False)
    assert studio.spec == before
    assert studio.spec.extras is None


def test_vessels_that_are_turned_on_are_there_to_be_seen(studio) -> None:
    studio.change("vasculature", Vasculature())
    studio.turn("vasculature", True)
    assert studio.spec.step(Vasculature) == Vasculature(enabled=True, layers=[VesselLayer()])


def test_given_positions_are_where_the_preview_has_its_cells(studio) -> None:
    studio.place([NeuronPopulation(positions_um=[*CENTERS_UM, (100.0, 0.0, 5000.0)])])
    made = preview(studio.spec)
    assert made.centers_um.tolist() == [list(position) for position in CENTERS_UM]
    assert len(made.given_um) == 3
    assert "1 of 3 given cells are outside it" in made.words()
    (row, column), *_ = made.to_pixels(made.given_um)
    height, width = made.picture.shape
    assert row == pytest.approx((height - 1) / 2 - 20 / made.pixel_um)
    assert column == pytest.approx((width - 1) / 2 + 10 / made.pixel_um)


def test_a_given_motion_is_the_one_that_is_previewed(studio) -> None:
    pixel_um = studio.spec.acquisition.pixel_size_um
    studio.change("brain_motion", BrainMotion(trajectory_um=[(2 * pixel_um, -pixel_um)]))
    one_way = preview(studio.spec, "brain_motion").picture
    studio.change("brain_motion", BrainMotion(trajectory_um=[(-2 * pixel_um, pixel_um)]))
    other_way = preview(studio.spec, "brain_motion").picture
    assert np.ptp(one_way) > 0
    assert one_way[4:, :-2] == pytest.approx(other_way[:-4, 2:], rel=1e-4)


def test_a_motion_that_no_memory_can_hold_is_refused_and_not_previewed(studio) -> None:
    studio.change("brain_motion", BrainMotion(trajectory_um=[(1e5, 0.0)]))
    with pytest.raises(TooLargeError, match="of memory"):
        preview(studio.spec)


# With a window


@pytest.fixture
def form(qtbot, studio) -> PartsForm:
    widget = PartsForm(studio, lambda name: name != "cell_activity")
    studio.listeners.append(widget.refresh)
    qtbot.addWidget(widget)
    widget.show()
    return widget


def click(button: QAbstractButton) -> None:
    assert button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def layers(studio: Studio) -> list[VesselLayer]:
    return studio.parts()["vasculature"].layers  # pyright: ignore[reportAttributeAccessIssue]


def test_layers_are_added_turned_moved_and_removed_by_mouse(form, studio) -> None:
    vessels = form.lists["vasculature"]
    studio.change("vasculature", Vasculature(enabled=True))
    assert not vessels.remove.isEnabled()
    assert vessels.form.isHidden()
    click(vessels.add)
    click(vessels.add)
    vessels.form.knob("depth_um").findChild(QDoubleSpinBox).setValue(90.0)
    assert [layer.depth_um for layer in layers(studio)] == [30.0, 90.0]
    click(vessels.up)
    assert [layer.depth_um for layer in layers(studio)] == [90.0, 30.0]
    assert vessels.names.currentRow() == 0
    assert vessels.names.currentItem().text() == "1  90 µm deep, 4 roots of 22 µm"
    click(vessels.down)
    click(vessels.remove)
    assert [layer.depth_um for layer in layers(studio)] == [30.0]


def test_a_population_is_added_beside_the_first_and_one_always_stays(form, studio) -> None:
    cells = form.lists["place_neurons"]
    (first,) = studio.populations()
    assert not cells.remove.isEnabled()
    click(cells.add)
    cells.form.knob("density_per_mm3").findChild(QDoubleSpinBox).setValue(900.0)
    assert studio.populations() == [first, NeuronPopulation(density_per_mm3=900)]
    QTest.keyClick(cells.names, Qt.Key.Key_Up)
    assert cells.form.knob("density_per_mm3").value() == first.density_per_mm3
    click(cells.remove)
    assert studio.populations() == [NeuronPopulation(density_per_mm3=900)]


def test_positions_are_loaded_pasted_and_cleared(form, studio, tmp_path, monkeypatch) -> None:
    (tmp_path / "cells.csv").write_text(TABLE)
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "cells.csv"), "")
    )
    cells = form.lists["place_neurons"].form
    knob = cells.knob("positions_um")
    click(knob.load)
    assert studio.populations()[0].positions_um == CENTERS_UM
    assert knob.word.text() == "2 given"
    assert not cells.knob("density_per_mm3").isEnabled()
    click(knob.clear)
    assert studio.populations()[0].positions_um is None
    assert cells.knob("density_per_mm3").isEnabled()
    QGuiApplication.clipboard().setText("1\t2\t3\n")
    click(knob.paste)
    assert studio.populations()[0].positions_um == [(3.0, 2.0, 1.0)]


def test_a_motion_is_loaded_pasted_and_cleared(form, studio, tmp_path, monkeypatch) -> None:
    (tmp_path / "motion.csv").write_text("dx_um,dy_um\n0,0\n1,-2\n")
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "motion.csv"), "")
    )
    motion = form.forms["brain_motion"]
    knob = motion.knob("trajectory_um")
    assert knob.word.text() == "by the model"
    click(knob.load)
    assert studio.spec.step(BrainMotion).trajectory_um == [(0.0, 0.0), (-2.0, 1.0)]
    assert knob.word.text() == "2 given"
    assert not motion.knob("max_shift_um").isEnabled()
    click(knob.clear)
    assert studio.spec.step(BrainMotion).trajectory_um is None
    assert knob.word.text() == "by the model"
    assert motion.knob("max_shift_um").isEnabled()
    QGuiApplication.clipboard().setText("3\t4\n")
    click(knob.paste)
    given = studio.spec
    assert given.step(BrainMotion).trajectory_um == [(4.0, 3.0)]
    QGuiApplication.clipboard().setText("1\t2\n3\tup\n")
    click(knob.paste)
    assert motion.trouble("trajectory_um") == "row 2: dy_um is 'up'; it must be µm"
    assert studio.spec == given


def test_what_is_pasted_and_no_table_is_said_in_red_and_changes_nothing(form, studio) -> None:
    before = studio.spec
    QGuiApplication.clipboard().setText("the cells of yesterday")
    cells = form.lists["place_neurons"].form
    click(cells.knob("positions_um").paste)
    assert "there is no column x_um" in cells.trouble("positions_um")
    assert studio.spec == before


def test_a_part_is_turned_off_by_its_box(form, studio) -> None:
    group = form.groups["neuropil"]
    assert group.isChecked()
    group.setChecked(False)
    assert not studio.has("neuropil")
    assert not form.forms["neuropil"].isEnabled()
    group.setChecked(True)
    assert studio.has("neuropil")


def test_every_field_of_every_part_has_a_knob(form, studio) -> None:
    without = {
        ("acquisition", "optics"), ("acquisition", "image_sensor"), ("acquisition", "tissue"),
        ("acquisition", "fps"), ("acquisition", "duration_s"),
        ("vasculature", "enabled"), ("vasculature", "layers"), ("place_neurons", "populations"),
        *(("extras", name) for name in EXTRAS),
    }  # fmt: skip
    for name, part in studio.parts().items():
        if name == "cell_activity":
            continue
        for field in set(type(part).model_fields) - {"kind"}:
            shown = form.forms.get(name) or (form.lists.get(name) and form.lists[name].form)
            assert (shown is not None and shown.has(field)) is ((name, field) not in without)
    assert set(STEPS) <= set(form.groups)


def test_a_spec_with_lists_is_saved_and_shown_again(form, studio, qtbot, tmp_path) -> None:
    studio.place([NeuronPopulation(), NeuronPopulation(positions_um=CENTERS_UM)])
    studio.change("vasculature", Vasculature(enabled=True, layers=[VesselLayer(depth_um=3)] * 2))
    studio.save(tmp_path / "spec.json")
    again = Studio(load_spec(tmp_path / "spec.json"))
    assert again.spec == studio.spec
    other = PartsForm(again, lambda _name: True)
    qtbot.addWidget(other)
    assert other.lists["place_neurons"].parts == studio.populations()
    assert other.lists["vasculature"].parts == layers(studio)


def test_the_side_view_draws_populations_layers_and_given_cells(qtbot, studio) -> None:
    view = SideView()
    qtbot.addWidget(view)
    view.resize(400, 200)
    studio.place([NeuronPopulation(), NeuronPopulation(positions_um=CENTERS_UM)])
    studio.change("vasculature", Vasculature(enabled=True, layers=[VesselLayer()] * 2))
    view.show_preview(preview(studio.spec))
    with_them = view.grab().toImage()
    studio.place([NeuronPopulation()])
    view.show_preview(preview(studio.spec))
    assert view.grab().toImage() != with_them
