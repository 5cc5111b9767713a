"""The simulated scope: cells, light, tissue, motion and sensor, frame by frame."""

from syntalos_miniscope.simulation.acquisition import Acquisition, ImageSensor, Optics, Tissue
from syntalos_miniscope.simulation.extras import Extras
from syntalos_miniscope.simulation.spec import Output, Spec, SpecWarning
from syntalos_miniscope.simulation.steps import (
    Bleaching,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    Leakage,
    NeuronPopulation,
    Neuropil,
    PlaceNeurons,
    Sensor,
    Vasculature,
    VesselLayer,
    Vignette,
)

__all__ = [
    "Acquisition",
    "Bleaching",
    "BrainMotion",
    "CellActivity",
    "CellOptics",
    "Composite",
    "Extras",
    "IlluminationProfile",
    "ImageSensor",
    "Leakage",
    "NeuronPopulation",
    "Neuropil",
    "Optics",
    "Output",
    "PlaceNeurons",
    "Sensor",
    "Spec",
    "SpecWarning",
    "Tissue",
    "Vasculature",
    "VesselLayer",
    "Vignette",
]
