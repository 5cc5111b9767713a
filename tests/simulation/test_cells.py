"""Where cells are and what they look like, against the statistics of minisim 1.0.3."""

import numpy as np
import pytest

from syntalos_miniscope.simulation import NeuronPopulation, PlaceNeurons
from syntalos_miniscope.simulation.canvas import Canvas, make_canvas
from syntalos_miniscope.simulation.cells import make_cells
from syntalos_miniscope.simulation.placement import cell_count, place
from syntalos_miniscope.simulation.presets import (
    CA1,
    CORTEX_L23,
    MINISCOPE_V4,
    build_spec,
    studio_spec,
)

V4_PX = 4.8 / 2.9


def test_positions_are_where_they_are_told():
    step = PlaceNeurons(positions_um=[(10.0, -5.0, 7.0), (20.0, 0.0, 0.0)])
    cells = make_cells(step, Canvas((100, 100), 0, 1.0), 0)
    assert cells.centers_um.tolist() == [[10, -5, 7], [20, 0, 0]]
    for (_, y, x), (row, column, patch) in zip(cells.centers_um, cells.planted, strict=True):
        middle = row + (patch.shape[0] - 1) / 2, column + (patch.shape[1] - 1) / 2
        assert middle == pytest.approx((49.5 + y, 49.5 + x), abs=2.5)


@pytest.mark.parametrize(
    ("region", "bare", "studio"), [(CA1, 911, 960), (CORTEX_L23, 810, 853)], ids=["ca1", "cortex"]
)
def test_a_region_has_as_many_cells_as_its_density_says(region, bare, studio):
    spec = build_spec(MINISCOPE_V4, region)
    assert len(make_cells(spec.step(PlaceNeurons), make_canvas(spec), 0)) == bare
    name = "Miniscope V4 - CA1" if region is CA1 else "Miniscope V4 - cortex L2/3"
    spec = studio_spec(name)
    assert len(make_cells(spec.step(PlaceNeurons), make_canvas(spec), 0)) == studio


def test_a_slab_thinner_than_a_soma_has_the_cells_of_one_as_thick():
    flat = NeuronPopulation(depth_range_um=(100.0, 100.0), soma_radius_um=7.0)
    assert cell_count(flat, (1000.0, 1000.0)) == round(25_000 * 0.014)


def test_populations_that_are_alike_are_not_the_same_cells():
    twice = PlaceNeurons(populations=[NeuronPopulation(), NeuronPopulation()])
    cells = make_cells(twice, Canvas((100, 100), 0, 1.0), 0)
    half = len(cells) // 2
    assert not np.isin(cells.centers_um[:half], cells.centers_um[half:]).any()


def test_cells_fill_their_slab_evenly():
    population = NeuronPopulation(density_per_mm3=500_000, depth_range_um=(50, 150))
    centers = place(population, (200.0, 400.0), np.uint64(5))
    assert len(centers) == 4000
    for axis, (low, high) in enumerate([(50, 150), (-100, 100), (-200, 200)]):
        counts, _ = np.histogram(centers[:, axis], 10, (low, high))
        assert counts.sum() == 4000 and abs(counts - 400).max() < 100


def test_no_two_cells_are_nearer_than_the_minimal_distance():
    population = NeuronPopulation(min_distance_um=30.0)
    centers = place(population, (200.0, 200.0), np.uint64(1))
    away = np.linalg.norm(centers[:, None] - centers[None], axis=2)
    assert len(centers) == 200
    assert away[~np.eye(200, dtype=bool)].min() >= 30


def test_a_slab_too_crowded_takes_fewer_cells():
    centers = place(NeuronPopulation(min_distance_um=40.0), (200.0, 200.0), np.uint64(1))
    assert 100 < len(centers) < 130


# Support, integral of the weights and extent of a footprint: mean and SD, µm² and µm.
FOOTPRINTS = [
    (PlaceNeurons(), 1.0, (157.7, 17.6), (157.7, 17.6), (13.8, 1.1)),
    (PlaceNeurons(**CA1.population.model_dump()), V4_PX, (270.6, 81), (151.2, 31), (45.7, 6.1)),
    (
        PlaceNeurons(**CORTEX_L23.population.model_dump()),
        V4_PX,
        (315.4, 82),
        (189.3, 32),
        (47.3, 6.1),
    ),
    (PlaceNeurons(soma_radius_um=5.0), V4_PX, (79.5, 9.0), (79.5, 9.0), (8.9, 0.9)),
]


@pytest.mark.parametrize(
    ("step", "px", "support", "integral", "extent"),
    FOOTPRINTS,
    ids=["ladder", "ca1", "l23", "soma"],
)
def test_footprints_have_the_sizes_of_minisims(step, px, support, integral, extent):
    n = 400
    offsets = np.linspace(-px, px, n)
    told = step.model_copy(update={"positions_um": [(0.0, float(a), 0.3) for a in offsets]})
    cells = make_cells(told, Canvas((200, 200), 0, px), 7)
    found = np.array(
        [
            (
                (patch > 0).sum() * px**2,
                patch.sum() * px**2,
                (max(patch.shape) - 1) * px,
            )
            for _, _, patch in cells.planted
        ]
    )
    for values, (mean, sd) in zip(found.T, (support, integral, extent), strict=True):
        # The published figures are of 200 cells, so theirs is the larger standard error.
        assert values.mean() == pytest.approx(mean, abs=3 * sd / np.sqrt(200) + 3 * sd / np.sqrt(n))
        assert values.std() == pytest.approx(sd, rel=0.3)


def test_footprints_have_a_peak_of_one_and_lie_on_the_canvas():
    canvas = Canvas((80, 90), 6, 1.0)
    cells = make_cells(PlaceNeurons(density_per_mm3=2e5, morphology="cytosolic"), canvas, 0)
    for row, column, patch in cells.planted:
        assert patch.max() == 1 and patch.min() >= 0
        assert row >= 0 and column >= 0
        assert row + patch.shape[0] <= 92 and column + patch.shape[1] <= 102


def test_a_soma_smaller_than_a_pixel_keeps_one():
    step = PlaceNeurons(positions_um=[(0.0, 0.0, 0.0)], soma_radius_um=0.1, irregularity=0.0)
    (patch,) = (patch for _, _, patch in make_cells(step, Canvas((9, 9), 0, 5.0), 0).planted)
    assert patch.tolist() == [[1.0]]


def test_more_cells_of_one_population_leave_another_as_it_is():
    few = [NeuronPopulation(density_per_mm3=d) for d in (10_000, 10_000)]
    many = [few[0].model_copy(update={"density_per_mm3": 40_000}), few[1]]
    canvas = Canvas((200, 200), 0, 1.0)
    first = make_cells(PlaceNeurons(populations=few), canvas, 0)
    second = make_cells(PlaceNeurons(populations=many), canvas, 0)
    assert (first.centers_um[-80:] == second.centers_um[-80:]).all()


def test_cells_in_the_margin_are_not_in_view():
    step = PlaceNeurons(positions_um=[(0.0, 0.0, 0.0), (0.0, 60.0, 0.0), (0.0, 52.0, 0.0)])
    canvas = Canvas((100, 100), 20, 1.0)
    assert make_cells(step, canvas, 0).in_view(canvas).tolist() == [0, 2]
