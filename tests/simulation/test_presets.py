"""The presets are minisim's: their keys are hashes of the whole Spec, taken from minisim 1.0.3."""

import pytest

from syntalos_miniscope.simulation.presets import (
    CA1,
    CORTEX_L23,
    GENERIC_1P,
    MINISCOPE_V4,
    STUDIO_PRESETS,
    Region,
    build_spec,
    studio_spec,
)
from syntalos_miniscope.simulation.steps import BrainMotion, CellActivity


@pytest.mark.parametrize(
    ("preset", "key"),
    list(
        zip(
            STUDIO_PRESETS,
            ["e4500c4c0905d6c4", "491bcc0c5499d572", "57cebb7722471dba"],
            strict=True,
        )
    ),
)
def test_a_studio_preset_is_minisims_to_the_last_field(preset: str, key: str) -> None:
    assert studio_spec(preset, seed=1, duration_s=10).cache_key() == key


@pytest.mark.parametrize(
    ("region", "key"), [(CA1, "e082aa31f6baf33d"), (CORTEX_L23, "17043538d18a4982")]
)
def test_a_library_preset_is_minisims_to_the_last_field(region: Region, key: str) -> None:
    assert build_spec(MINISCOPE_V4, region).cache_key() == key


def test_the_activity_of_a_studio_preset_can_be_chosen() -> None:
    quiet = studio_spec("Miniscope V4 - CA1", "Quiet").step(CellActivity)
    assert quiet is not None
    assert (quiet.p_quiescent_to_active, quiet.active_rate_hz) == (0.002, 80)


@pytest.mark.parametrize("name", ["", "Miniscope V3"])
def test_an_unknown_preset_lists_the_known(name: str) -> None:
    with pytest.raises(ValueError, match=f"no preset '{name}'; there are Generic 1p scope, Mini"):
        studio_spec(name)


def test_an_unknown_activity_lists_the_known() -> None:
    with pytest.raises(ValueError, match="no activity 'Wild'; there are Quiet, Moderate, Active"):
        studio_spec("Generic 1p scope", "Wild")


def test_parts_of_a_preset_can_be_left_out_and_added() -> None:
    spec = build_spec(
        GENERIC_1P,
        CA1,
        include_neuropil=False,
        include_vasculature=False,
        extra_steps=[BrainMotion(motion_amplitude_um=2, max_shift_um=4)],
    )
    kinds = [step.kind for step in spec.steps]
    assert kinds == [
        *("place_neurons", "cell_activity", "optics", "composite", "brain_motion", "sensor")
    ]
