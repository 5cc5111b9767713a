"""Whatever a Spec says: it is refused in a line, found too large in a line, or rendered."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from syntalos_miniscope.simulation import BrainMotion, PlaceNeurons, Spec, simulate
from syntalos_miniscope.simulation.canvas import Canvas
from syntalos_miniscope.simulation.cost import TooLargeError, cost, ensure_affordable
from syntalos_miniscope.simulation.deformation import Deformation
from syntalos_miniscope.simulation.extras import Warp
from syntalos_miniscope.simulation.presets import STUDIO_PRESETS, studio_spec
from syntalos_miniscope.simulation.spec import QUIET, first_fault

SCHEMA: dict[str, Any] = Spec.model_json_schema()
ODD = [0, -1, 1, 2, 0.5, 1e-300, 1e-9, 1e-3, 0.999, 65, 1e3, 1e6, 1e12, 1e300, 10**30, -0.0]
WRONG = [None, "auto", "", [], {}, True, [1, 2], [[1, 2, 3]], "7"]
# What takes time by itself is kept small most of the time, so that many are rendered.
SMALL: dict[str, Any] = {
    "n_px_height": st.integers(1, 40),
    "n_px_width": st.integers(1, 40),
    "pixel_pitch_um": st.floats(4, 40),
    "duration_s": st.floats(0.01, 0.3),
    "bit_depth": st.integers(1, 16),
    "n_components": st.integers(1, 4),
    "density_per_mm3": st.floats(1, 5e4),
    "soma_radius_um": st.floats(0.1, 4),
    "max_shift_um": st.floats(2, 20),
    "motion_amplitude_um": st.floats(0.1, 2),
    "tau_decay_s": st.floats(0.1, 2),
    "tau_rise_s": st.floats(0.001, 0.1),
    "fps": st.floats(5, 60),
}


def value_of(name: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Give values of a field: mostly of its type and size, rarely odd or wrong ones."""
    usual = usual_of(name, schema)
    odd = st.sampled_from(ODD) | st.sampled_from(WRONG)
    return st.integers(0, 39).flatmap(lambda die: odd if die == 39 else usual)


def usual_of(name: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if name in SMALL:
        return SMALL[name]
    default = schema.get("default")
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if isinstance(default, bool):
        return st.booleans()
    if schema.get("type") == "integer":
        return st.integers(1, 5)
    if schema.get("type") == "number":
        least = schema.get("minimum", schema.get("exclusiveMinimum", 0)) + 1e-6
        most = schema.get("maximum", schema.get("exclusiveMaximum", 3 * (default or 1)))
        return st.floats(least, max(most - 1e-6, least))
    if name == "positions_um":
        place = st.floats(-100, 300)
        return st.none() | st.lists(st.tuples(place, place, place), max_size=4)
    if name == "trajectory_um":
        return st.none() | st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), max_size=9)
    if schema.get("type") == "array" or isinstance(default, list):
        return st.tuples(st.floats(0, 300), st.floats(0, 300)).map(sorted)
    return st.just(default) | st.floats(1, 300)


def part(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Give parts of a Spec, with some of their fields set."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field, schema in SCHEMA["$defs"][name]["properties"].items():
        if field == "populations":
            fields[field] = st.none() | st.lists(part("NeuronPopulation"), max_size=2)
        elif field == "layers":
            fields[field] = st.lists(part("VesselLayer"), max_size=2)
        elif "$ref" in schema:
            fields[field] = part(schema["$ref"].rsplit("/", 1)[1])
        elif "$ref" in schema.get("anyOf", [{}])[0]:
            fields[field] = part(schema["anyOf"][0]["$ref"].rsplit("/", 1)[1])
        elif field != "kind":
            fields[field] = value_of(field, schema)
    must = {
        field: fields.pop(field)
        for field in ("n_px_height", "n_px_width", "duration_s")
        if field in fields
    }
    must |= {field: fields.pop(field) for field in ("optics", "image_sensor") if field in fields}
    # At most a few at a time: with all of them there would hardly be a valid Spec.
    chosen = (
        st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True)
        if fields
        else st.just([])
    )
    optional = chosen.flatmap(lambda names: st.fixed_dictionaries({n: fields[n] for n in names}))
    kind = SCHEMA["$defs"][name]["properties"].get("kind")
    fixed = st.fixed_dictionaries(must | ({"kind": st.just(kind["const"])} if kind else {}))
    return st.tuples(fixed, optional).map(lambda pair: pair[0] | pair[1])


STEPS = [ref["$ref"].rsplit("/", 1)[1] for ref in SCHEMA["properties"]["steps"]["items"]["oneOf"]]
SPECS = st.fixed_dictionaries(
    {
        "acquisition": part("Acquisition"),
        "seed": st.integers(-5, 2**40),
        "steps": st.lists(st.sampled_from(STEPS), unique=True).flatmap(
            lambda names: st.tuples(*map(part, names)).map(list)
        ),
        "output": part("Output"),
        "extras": st.none() | part("Extras"),
    }
)


def outcome(fuzzed: dict[str, Any]) -> str:
    """Do with a Spec what the program does, and say how it ended."""
    try:
        spec = Spec.model_validate_json(json.dumps(fuzzed), context=QUIET)
    except ValidationError as error:
        line = first_fault(error)
        assert line
        assert "\n" not in line
        return "invalid"
    try:
        takes = ensure_affordable(spec)
    except ValueError as error:
        assert "\n" not in str(error)
        return "too large" if isinstance(error, TooLargeError) else "refused"
    if takes.setup_s + takes.render_s > 0.2 or takes.frames > 50 or takes.memory_bytes > 4e8:
        return "long"
    try:
        recording = simulate(spec)
    except ValueError as error:
        # What only rendering shows: a rise slower than the decay, a brain too stiff for its steps.
        assert "\n" not in str(error)
        return "refused"
    assert np.isfinite(recording.observed).all()
    return "rendered"


SLOW_AND_LARGE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
RELAXED = settings(deadline=None, suppress_health_check=SLOW_AND_LARGE)


@given(SPECS)
@settings(RELAXED, max_examples=300)
def test_any_spec_is_refused_or_rendered(fuzzed: dict[str, Any]) -> None:
    outcome(fuzzed)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_specs_are_refused_or_rendered() -> None:
    counts: dict[str, int] = {}

    @given(SPECS)
    @settings(RELAXED, max_examples=10_000, derandomize=True)
    def count(fuzzed: dict[str, Any]) -> None:
        ended = outcome(fuzzed)
        counts[ended] = counts.get(ended, 0) + 1

    count()
    print(counts)
    # The fuzz is worth something only if it comes to every end.
    assert min(counts.get(end, 0) for end in ("invalid", "too large", "rendered")) > 20


@pytest.mark.parametrize("preset", STUDIO_PRESETS)
def test_the_presets_are_affordable_for_an_hour(preset: str) -> None:
    takes = ensure_affordable(studio_spec(preset, duration_s=3600))
    assert takes.frames == 72_000
    assert takes.memory_bytes < 500e6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duration_s": 1e9}, "the limit is 7 days"),
        ({"image_sensor": {"n_px_height": 10**6, "n_px_width": 10**6}}, "of memory"),
        ({"image_sensor": {"bit_depth": 24}}, "bit_depth is 24; counts have at most 16 bits"),
    ],
)
def test_too_much_is_refused_with_what_it_would_take(change: dict[str, Any], said: str) -> None:
    spec = Spec.model_validate({"acquisition": change, "steps": [{"kind": "sensor"}]})
    with pytest.raises(TooLargeError, match=said):
        ensure_affordable(spec)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"optics": {"na": 1e-300}}, "acquisition.optics.na is 1e-300; numbers beyond 1e-12 to"),
        ({"optics": {"magnification": 1e13}}, "acquisition.optics.magnification is 1e.13"),
    ],
)
def test_a_number_beyond_all_measure_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        simulate(Spec.model_validate({"acquisition": change, "steps": []}))


def test_a_place_may_be_next_to_nothing() -> None:
    cells = PlaceNeurons(positions_um=[(100.0, 1e-17, 0.0)])
    ensure_affordable(Spec(steps=[cells, BrainMotion(trajectory_um=[(1e-300, 0.0)])]))


def test_what_is_blurred_by_many_fields_takes_no_longer() -> None:
    deformation = Deformation(None, Warp(scale_um=1e11), Canvas((8, 8), 0, 2.0), 20, np.uint64(1))
    assert np.isfinite(deformation.fields_um).all()


def test_the_cost_grows_with_frames_and_knows_the_cells() -> None:
    def of(duration_s: float) -> float:
        return cost(studio_spec("Miniscope V4 - CA1", duration_s=duration_s)).render_s

    assert of(20) == pytest.approx(2 * of(10))
    assert cost(studio_spec("Miniscope V4 - CA1")).cells == pytest.approx(960, abs=10)


def test_a_packed_video_is_known_to_take_longer() -> None:
    spec = studio_spec("Miniscope V4 - CA1")
    assert cost(spec, "mkv").render_s > 3 * cost(spec, "avi").render_s
