"""A Spec of every step, small and short."""

from syntalos_miniscope.simulation import (
    Acquisition,
    Bleaching,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    ImageSensor,
    Leakage,
    Neuropil,
    PlaceNeurons,
    Sensor,
    Spec,
    Vasculature,
    VesselLayer,
    Vignette,
)

SHAPE = (48, 64)
ACQUISITION = Acquisition(
    fps=20,
    duration_s=2,
    image_sensor=ImageSensor(n_px_height=SHAPE[0], n_px_width=SHAPE[1], pixel_pitch_um=16),
)


EVERYTHING = Spec(
    acquisition=ACQUISITION,
    seed=3,
    steps=[
        *(PlaceNeurons(), CellActivity(), Bleaching(), CellOptics(), Composite(), Neuropil()),
        Vasculature(enabled=True, layers=[VesselLayer(root_radius_um=6)]),
        BrainMotion(motion_amplitude_um=3, max_shift_um=4),
        *(IlluminationProfile(), Vignette(), Leakage(), Sensor()),
    ],
)


SENSORLESS = EVERYTHING.model_copy(update={"steps": EVERYTHING.steps[:-1]})
