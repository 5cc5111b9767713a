"""The steps of a Spec, in the order light goes."""

from typing import Annotated

from pydantic import Field

from syntalos_miniscope.simulation.steps.cells import (
    Bleaching,
    CellActivity,
    CellOptics,
    Morphology,
    NeuronPopulation,
    PlaceNeurons,
)
from syntalos_miniscope.simulation.steps.scope import (
    IlluminationProfile,
    Leakage,
    Sensor,
    Vignette,
)
from syntalos_miniscope.simulation.steps.tissue import (
    BrainMotion,
    Composite,
    Neuropil,
    Vasculature,
    VesselLayer,
)

AnyStep = Annotated[
    PlaceNeurons
    | CellActivity
    | CellOptics
    | Composite
    | Neuropil
    | Vasculature
    | Bleaching
    | BrainMotion
    | IlluminationProfile
    | Vignette
    | Leakage
    | Sensor,
    Field(discriminator="kind"),
]

PIPELINE_ORDER = (
    "place_neurons",
    "cell_activity",
    "bleaching",
    "optics",
    "composite",
    "neuropil",
    "vasculature",
    "brain_motion",
    "illumination_profile",
    "vignette",
    "leakage",
    "sensor",
)
"""The order in which light goes; a Spec sorts its steps into it (minisim, 1.3)."""

CELL_KINDS = frozenset({"place_neurons", "cell_activity", "bleaching", "optics"})
"""Steps that make no picture: they only say what each cell is and does."""

__all__ = [
    "CELL_KINDS",
    "PIPELINE_ORDER",
    "AnyStep",
    "Bleaching",
    "BrainMotion",
    "CellActivity",
    "CellOptics",
    "Composite",
    "IlluminationProfile",
    "Leakage",
    "Morphology",
    "NeuronPopulation",
    "Neuropil",
    "PlaceNeurons",
    "Sensor",
    "Vasculature",
    "VesselLayer",
    "Vignette",
]
