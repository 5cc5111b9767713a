"""A Spec takes what minisim takes, and says in one line what is wrong with the rest."""

import json
import re
import warnings

import pytest
from pydantic import ValidationError

from syntalos_miniscope.simulation import (
    Acquisition,
    BrainMotion,
    CellActivity,
    ImageSensor,
    NeuronPopulation,
    PlaceNeurons,
    Sensor,
    Spec,
    SpecWarning,
    Vasculature,
    VesselLayer,
)
from syntalos_miniscope.simulation.spec import first_fault, load_spec
from syntalos_miniscope.simulation.steps import PIPELINE_ORDER

STEPS: list[dict] = [{"kind": kind} for kind in PIPELINE_ORDER]
STEPS[PIPELINE_ORDER.index("brain_motion")]["motion_amplitude_um"] = 2


def fault(spec: dict) -> str:
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate_json(json.dumps(spec))
    line = first_fault(caught.value)
    assert "\n" not in line
    return line


def with_field(path: str, value: object) -> dict:
    """Give a Spec in which one field is set, such as `optics.na` or `sensor.photons_per_unit`."""
    part, name = path.split(".")
    if part in ("optics", "image_sensor", "tissue"):
        return {"acquisition": {part: {name: value}}, "steps": []}
    if part in PIPELINE_ORDER:
        return {"steps": [{"kind": part, name: value}]}
    if part == "vessel_layer":
        return {"steps": [{"kind": "vasculature", "layers": [{name: value}]}]}
    if part == "population":
        return {"steps": [{"kind": "place_neurons", "populations": [{name: value}]}]}
    if part == "acquisition":
        return {"acquisition": {name: value}, "steps": []}
    return {part: {name: value}, "steps": []}


TOO_SMALL = {
    "greater than 0": [
        *("optics.na", "optics.magnification", "optics.emission_nm", "optics.depth_of_field_um"),
        *("optics.field_curvature_radius_um", "image_sensor.n_px_height"),
        *("image_sensor.n_px_width", "image_sensor.pixel_pitch_um"),
        *("image_sensor.quantum_efficiency", "image_sensor.gain_adu_per_e"),
        *("image_sensor.bit_depth", "tissue.scatter_mfp_excitation_um"),
        *("tissue.scatter_mfp_emission_um", "acquisition.fps", "acquisition.duration_s"),
        "acquisition.front_working_distance_um",
        *("place_neurons.density_per_mm3", "place_neurons.soma_radius_um"),
        *("place_neurons.dendrite_length_um", "place_neurons.dendrite_width_um"),
        *("population.density_per_mm3", "population.soma_radius_um"),
        *("cell_activity.spike_sim_hz", "cell_activity.p_quiescent_to_active"),
        *("cell_activity.p_active_to_quiescent", "cell_activity.active_rate_hz"),
        *("cell_activity.tau_rise_s", "cell_activity.tau_decay_s"),
        *("bleaching.turnover_tau_s", "neuropil.spatial_sigma_um", "neuropil.temporal_tau_s"),
        *("neuropil.population_tau_s", "neuropil.amplitude"),
        *("vessel_layer.root_radius_um", "vessel_layer.min_radius_um", "vessel_layer.opacity"),
        *("vessel_layer.absorption_per_um", "vessel_layer.step_per_radius"),
        *("brain_motion.max_shift_um", "brain_motion.locomotion_freq_hz"),
        *("brain_motion.motion_amplitude_um", "brain_motion.resonance_freq_hz"),
        *("brain_motion.damping_ratio", "illumination_profile.exponent", "vignette.exponent"),
        "sensor.photons_per_unit",
    ],
    "greater than or equal to 1": ["neuropil.n_components", "vessel_layer.n_roots"],
    "greater than 0.5": ["vessel_layer.branch_area_main"],
}
NEGATIVE = [
    *("image_sensor.read_noise_e", "tissue.scatter_blur_per_um", "place_neurons.irregularity"),
    *("place_neurons.min_distance_um", "cell_activity.quiescent_rate_hz"),
    *("cell_activity.brightness_cv", "cell_activity.f0", "cell_activity.trace_noise"),
    *("bleaching.bleach_susceptibility", "bleaching.excitation_intensity"),
    *("neuropil.population_coupling", "vessel_layer.depth_um", "vessel_layer.branch_prob"),
    *("vessel_layer.tortuosity_deg", "vessel_layer.branch_angle_deg"),
    *("brain_motion.locomotion_fraction", "brain_motion.walk_step_um"),
    *("illumination_profile.falloff", "vignette.falloff", "leakage.level"),
]
TOO_LARGE = {
    "less than or equal to 1": [
        *("image_sensor.quantum_efficiency", "place_neurons.irregularity"),
        *("neuropil.population_coupling", "vessel_layer.opacity"),
        *("brain_motion.locomotion_fraction", "illumination_profile.falloff", "vignette.falloff"),
    ],
    "less than 1": ["vessel_layer.branch_prob", "vessel_layer.branch_area_main"],
}


@pytest.mark.parametrize(
    ("rule", "path"), [(r, p) for r, paths in TOO_SMALL.items() for p in paths]
)
def test_zero_is_refused_where_something_must_be_there(rule: str, path: str) -> None:
    line = fault(with_field(path, 0))
    assert path.split(".")[1] in line
    assert rule in line
    assert re.search(r"it is 0\b", line)


@pytest.mark.parametrize("path", NEGATIVE)
def test_less_than_nothing_is_refused(path: str) -> None:
    line = fault(with_field(path, -0.5))
    assert path.split(".")[1] in line
    assert "greater than or equal to 0; it is -0.5" in line


@pytest.mark.parametrize(
    ("rule", "path"), [(r, p) for r, paths in TOO_LARGE.items() for p in paths]
)
def test_more_than_all_is_refused(rule: str, path: str) -> None:
    assert f"{rule}; it is 1.5" in fault(with_field(path, 1.5))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("optics.depth_of_field_um", -3, "greater than 0 µm, or 'auto'; it is -3"),
        ("optics.depth_of_field_um", "deep", "depth_of_field_um"),
        ("optics.field_curvature_radius_um", -1, "or null for a flat field; it is -1"),
        ("acquisition.focal_depth_in_tissue_um", -1, "0 µm or more, or 'auto'; it is -1"),
        ("acquisition.front_working_distance_um", -1, "greater than 0 µm, or null; it is -1"),
        ("place_neurons.depth_range_um", [-1, 5], "begin at 0 µm or deeper; it begins at -1"),
        ("place_neurons.depth_range_um", [9, 5], "deeper than it begins; it goes from 9"),
        ("place_neurons.depth_range_um", [9], "depth_range_um"),
        ("place_neurons.morphology", "round", "'soma' or 'cytosolic'; it is \"round\""),
        ("place_neurons.populations", [], "at least one population, or be null"),
        ("place_neurons.positions_um", [[1, 2]], "positions_um.0"),
        ("brain_motion.motion_amplitude_um", 16, "must not exceed max_shift_um (15)"),
        ("brain_motion.locomotion_axis", "z", "'y' or 'x'; it is \"z\""),
        ("brain_motion.model", "jump", "'physical' or 'walk'"),
        ("vessel_layer.min_radius_um", 22, "min_radius_um (22) must be less than root_radius_um"),
        ("leakage.profile", "ring", "'uniform' or 'gaussian'"),
        ("output.store_dtype", "int8", "'float32' or 'float64'"),
        ("image_sensor.n_px_width", 2.5, "valid integer"),
    ],
)
def test_each_rule_says_what_would_be_right(path: str, value: object, said: str) -> None:
    assert said in fault(with_field(path, value))


@pytest.mark.parametrize("kind", PIPELINE_ORDER)
def test_an_unknown_key_of_a_step_is_named(kind: str) -> None:
    line = fault({"steps": [{"kind": kind, "colour": 1}]})
    assert line == f"steps.0.{kind}.colour: there is no such field"


@pytest.mark.parametrize("part", ["acquisition", "optics", "image_sensor", "tissue", "output"])
def test_an_unknown_key_of_a_part_is_named(part: str) -> None:
    assert f"{part}.colour: there is no such field" in fault(with_field(f"{part}.colour", 1))


def test_an_unknown_key_at_the_top_is_named() -> None:
    assert fault({"steps": [], "colour": 1}) == "colour: there is no such field"


def test_an_unknown_kind_of_step_lists_the_kinds() -> None:
    line = fault({"steps": [{"kind": "laser"}]})
    assert "laser" in line
    assert "vasculature" in line


def test_a_spec_without_steps_is_refused() -> None:
    assert fault({}).startswith("steps: ")


def test_a_step_may_be_there_once() -> None:
    line = fault({"steps": [{"kind": "sensor"}, {"kind": "sensor"}]})
    assert line == "steps hold sensor more than once"


def test_a_soma_must_fit_the_field() -> None:
    line = fault({"steps": [{"kind": "place_neurons", "soma_radius_um": 50}]})
    assert "100 µm" in line
    assert "field of view (96 µm)" in line
    assert "larger" in fault(with_field("population.soma_radius_um", 50))


def test_a_decay_must_last_a_frame() -> None:
    line = fault(with_field("cell_activity.tau_decay_s", 0.04))
    assert "0.8 of a frame at 20 fps" in line


def test_populations_and_own_fields_exclude_each_other() -> None:
    step = {"kind": "place_neurons", "populations": [{}], "soma_radius_um": 5}
    assert "populations and also soma_radius_um of its own" in fault({"steps": [step]})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"steps": [{"kind": "optics"}'])
def test_text_that_is_no_spec_is_refused_in_one_line(text: str, tmp_path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"spec\.json: ") as caught:
        load_spec(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["Infinity", "NaN", "-Infinity"])
def test_a_number_must_be_a_number(number: str) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Spec.model_validate_json(f'{{"acquisition": {{"fps": {number}}}, "steps": []}}')


def test_the_order_of_the_list_does_not_matter() -> None:
    forward = Spec.model_validate({"steps": STEPS})
    backward = Spec.model_validate({"steps": STEPS[::-1]})
    assert [step.kind for step in backward.steps] == list(PIPELINE_ORDER)
    assert forward.cache_key() == backward.cache_key()


def test_json_comes_back_as_it_was() -> None:
    spec = Spec(
        seed=7,
        steps=[
            PlaceNeurons(populations=[NeuronPopulation(positions_um=[(10.0, 0.0, -3.0)])]),
            BrainMotion(trajectory_um=[(0.0, 0.0), (1.0, -2.0)]),
            Vasculature(enabled=True, layers=[VesselLayer()]),
            Sensor(),
        ],
    )
    again = Spec.model_validate_json(spec.minisim_json())
    assert again == spec
    assert again.cache_key() == spec.cache_key()
    assert "extras" not in spec.minisim_json()


def test_a_focus_outside_the_cells_warns() -> None:
    far = Acquisition(focal_depth_in_tissue_um=201)
    with pytest.warns(SpecWarning, match=r"focal_depth_in_tissue_um \(201\) is outside") as told:
        Spec(acquisition=far, steps=[PlaceNeurons()])
        Spec.model_validate({"acquisition": far, "steps": [PlaceNeurons()]})
    # It names the line that made the Spec, not one of pydantic.
    assert [warning.filename for warning in told] == [__file__] * 2


@pytest.mark.parametrize(
    ("motion", "said"),
    [
        (BrainMotion(motion_amplitude_um=4.9), "4.9"),
        (BrainMotion(model="walk", motion_amplitude_um=1, max_shift_um=6), "6"),
        (BrainMotion(trajectory_um=[(0, 0), (1, -5)]), "5"),
    ],
)
def test_motion_beyond_a_twentieth_of_the_field_warns(motion: BrainMotion, said: str) -> None:
    with pytest.warns(SpecWarning, match=f"motion of {said} µm is more than 5 %"):
        Spec(steps=[motion])


def test_motion_of_a_twentieth_of_the_field_is_fine() -> None:
    wide = Acquisition(image_sensor=ImageSensor(n_px_height=200, n_px_width=200, pixel_pitch_um=8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Spec(acquisition=wide, steps=[BrainMotion()])


def test_an_activity_that_rises_slower_than_it_decays_still_loads_as_in_minisim() -> None:
    assert Spec(steps=[CellActivity(tau_rise_s=0.6)]).steps
