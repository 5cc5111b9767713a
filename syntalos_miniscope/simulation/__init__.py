"""The simulated scope: cells, light, tissue, motion and sensor, frame by frame."""

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from syntalos_miniscope.simulation.batch import (
        Recording,
        RecordingFormatWarning,
        simulate,
        simulate_video,
        simulate_zarr,
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
    "Recording",
    "RecordingFormatWarning",
    "Sensor",
    "Spec",
    "SpecWarning",
    "Tissue",
    "Vasculature",
    "VesselLayer",
    "Vignette",
    "simulate",
    "simulate_video",
    "simulate_zarr",
]


_RENDERING = ("Recording", "RecordingFormatWarning", "simulate", "simulate_video", "simulate_zarr")


def __getattr__(name: str) -> Any:
    """Load what renders when it is first asked for: reading a Spec needs no compiler."""
    if name in _RENDERING:
        from syntalos_miniscope.simulation import batch

        return getattr(batch, name)
    raise AttributeError(f"{__name__} has no {name}")
