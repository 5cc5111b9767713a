"""What minisim has not: all off unless asked for, and all recorded as truth."""

from __future__ import annotations

from pydantic import Field

from syntalos_miniscope.simulation.part import Part


class Behaviour(Part):
    """One animal on a circular track: it rests and runs, and its head turns with it.

    Scopes of one seed are on the same animal, so they share it.
    """

    rest_s: float = Field(default=6.0, gt=0, description="Mean length of a rest, s")
    run_s: float = Field(default=6.0, gt=0, description="Mean length of a run, s")
    speed_cm_s: float = Field(default=12.0, gt=0, description="Mean speed of a run, cm/s")
    track_cm: float = Field(default=120.0, gt=0, description="Once around, cm")
    drives_motion: bool = Field(
        default=False, description="Whether the brain moves more while the animal runs"
    )
    place_cell_share: float = Field(
        default=0.0, ge=0, le=1, description="Share of cells that burst at a place of their own"
    )
    place_field_cm: float = Field(default=10.0, gt=0, description="SD of a place field, cm")


class Rotation(Part):
    """The brain turns about the optical axis."""

    sd_deg: float = Field(default=0.3, ge=0, le=5, description="SD of the angle, degrees")
    tau_s: float = Field(default=20.0, gt=0, description="Correlation time, s")


class ZDrift(Part):
    """The brain rises and sinks under the lens, so that cells go in and out of focus."""

    sd_um: float = Field(default=3.0, ge=0, description="SD of the depth, µm")
    tau_s: float = Field(default=120.0, gt=0, description="Correlation time, s")


class Warp(Part):
    """The tissue is not rigid: neighbouring places move by different amounts."""

    sd_um: float = Field(default=1.5, ge=0, description="SD of a place's own shift, µm")
    scale_um: float = Field(default=150.0, gt=0, description="Over which it changes, µm")
    tau_s: float = Field(default=5.0, gt=0, description="Correlation time, s")


class PixelDefects(Part):
    """What a real image sensor adds."""

    black_level_adu: float = Field(default=0.0, ge=0, description="Counts in the dark")
    full_well_e: float | None = Field(
        default=None, gt=0, description="Electrons that a pixel can hold; none: no limit"
    )
    prnu: float = Field(default=0.0, ge=0, le=0.5, description="SD of sensitivity over pixels")
    dsnu_e: float = Field(default=0.0, ge=0, description="SD of the dark signal over pixels, e⁻")
    hot_share: float = Field(default=0.0, ge=0, le=0.1, description="Share of hot pixels")
    hot_e_s: float = Field(default=500.0, ge=0, description="Dark signal of a hot pixel, e⁻/s")
    row_noise_e: float = Field(default=0.0, ge=0, description="SD of the offset of rows, e⁻")


class Faults(Part):
    """What goes wrong between the sensor and the computer."""

    drop_share: float = Field(default=0.0, ge=0, lt=1, description="Share of frames that are lost")
    repeat_share: float = Field(
        default=0.0, ge=0, lt=1, description="Share of frames that show the one before again"
    )
    jitter_us: float = Field(default=0.0, ge=0, description="SD of the time stamps, µs")
    disconnect_at_s: float | None = Field(
        default=None, ge=0, description="When the cable comes out, s; none: never"
    )


class Extras(Part):
    """Optional effects beyond minisim's; a part that is null has no effect."""

    behaviour: Behaviour | None = None
    saturation_dff: float | None = Field(
        default=None,
        gt=0,
        description="ΔF/F0 at half of what the indicator can give; none: linear",
    )
    motion_blur: bool = Field(
        default=False, description="Whether the brain moves within an exposure, too"
    )
    rotation: Rotation | None = None
    z_drift: ZDrift | None = None
    warp: Warp | None = None
    pixel_defects: PixelDefects | None = None
    faults: Faults | None = None
