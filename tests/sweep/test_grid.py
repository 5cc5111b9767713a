from pathlib import Path

import pytest
from small_grid import write_grid

from syntalos_miniscope.simulation import Sensor
from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.sweep.grid import GridError, load_grid

PHOTONS = "steps.sensor.photons_per_unit"


def test_a_grid_is_every_value_with_every_other_and_every_seed(tmp_path: Path) -> None:
    grid = load_grid(
        write_grid(
            tmp_path,
            "seeds = [1, 2]\n[axes]\nsteps.sensor.photons_per_unit = [10, 50.0]\n"
            '"acquisition.optics.na" = [0.2, 0.4, 0.5]\n',
        )
    )
    assert [axis for axis, _ in grid.axes] == [PHOTONS, "acquisition.optics.na"]
    assert len(grid.cells) == 12 and len({cell.name for cell in grid.cells}) == 12
    assert grid.cells[1].name == "photons_per_unit=10,na=0.2,seed=2"
    last = Spec.model_validate_json(grid.cells[-1].spec_json)
    sensor = last.step(Sensor)
    assert sensor is not None and sensor.photons_per_unit == 50
    assert (last.acquisition.optics.na, last.seed) == (0.5, 2)


def test_names_stay_short_and_apart_when_they_have_to_be_changed(tmp_path: Path) -> None:
    many = [f"[{', '.join(['[50.0, 1.5, 2.5]'] * count)}]" for count in (30, 31)]
    body = f"[axes]\nsteps.place_neurons.positions_um = [{', '.join(many)}]\n"
    first, second = (cell.name for cell in load_grid(write_grid(tmp_path, body)).cells)
    assert first != second and len(first) < 80 and first.startswith("positions_um=[[50.0, 1.5")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("[axes]\nsteps.sensor.photons = [1]", "steps.sensor has no field 'photons'; it has"),
        ("[axes]\nsteps.senser.gain = [1]", "steps has no part 'senser'; it has place_neurons,"),
        (f"[axes]\n{PHOTONS} = 3", f"{PHOTONS} = 3: an axis is a list of values"),
        (f"[axes]\n{PHOTONS} = []", "an axis is a list of values"),
        (f"[axes]\n{PHOTONS} = [3, 3]", f"{PHOTONS}: a value is there twice"),
        (f"[axes]\n{PHOTONS} = [3, -1]", f"{PHOTONS} = -1: steps.4.sensor.photons_per_unit"),
        ("seeds = [1, 1]", "sweep.seeds: a seed is there twice"),
        (
            f"seeds = {list(range(400))}\n[axes]\n{PHOTONS} = {list(range(1, 400))}",
            "axes: 159600 cells; 100000 are the most",
        ),
        ("seeds = 3", "sweep.seeds: Input should be a valid list"),
        ("second = 3", "sweep.second: there is no such field"),
        ('preset = "x"', "sweep: give either preset"),
        ("[chain]\ndiameter_px = 1", "chain.diameter_px: Input should be greater than"),
        ("seconds = [", "is not sound TOML"),
    ],
)
def test_a_bad_grid_is_one_line_with_file_key_and_what_would_be_right(
    body: str, told: str, tmp_path: Path
) -> None:
    path = write_grid(tmp_path, body + "\n")
    with pytest.raises(GridError) as refused:
        load_grid(path)
    line = str(refused.value)
    assert line.startswith(f"{path}: ") and told in line and "\n" not in line.partition("TOML")[0]


def test_values_that_do_not_go_together_are_a_cell_with_a_fault(tmp_path: Path) -> None:
    grid = load_grid(
        write_grid(
            tmp_path,
            "[axes]\nsteps.cell_activity.tau_decay_s = [0.05, 1.0]\nacquisition.fps = [10, 40]\n",
        )
    )
    faults = [cell.fault for cell in grid.cells]
    assert "is only 0.5 of a frame" in faults[0] and not any(faults[1:])


def test_a_grid_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(GridError, match=r"nowhere\.toml: cannot be read"):
        load_grid(tmp_path / "nowhere.toml")


def test_the_grid_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "sweep.md").read_text("utf-8")
    (tmp_path / "grid.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    grid = load_grid(tmp_path / "grid.toml")
    assert len(grid.cells) == 36 and not any(cell.fault for cell in grid.cells)
