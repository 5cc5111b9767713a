"""Steps about the scope: uneven light in and out, stray light, and the sensor."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from syntalos_miniscope.simulation.part import Part


class IlluminationProfile(Part):
    """Excitation that is brightest in the middle."""

    kind: Literal["illumination_profile"] = "illumination_profile"
    falloff: float = Field(default=0.7, ge=0, le=1, description="In the farthest corner; 1: even")
    exponent: float = Field(default=2.0, gt=0, description="Of the distance from the centre")
    center_offset_um: tuple[float, float] = Field(default=(0.0, 0.0), description="(dy, dx), µm")


class Vignette(Part):
    """Light from the edges that the lens loses."""

    kind: Literal["vignette"] = "vignette"
    falloff: float = Field(default=0.5, ge=0, le=1, description="In the farthest corner; 1: none")
    exponent: float = Field(default=2.0, gt=0, description="Of the distance from the centre")
    center_offset_um: tuple[float, float] = Field(default=(0.0, 0.0), description="(dy, dx), µm")


class Leakage(Part):
    """Stray light that reaches the sensor and never moves."""

    kind: Literal["leakage"] = "leakage"
    profile: Literal["uniform", "gaussian"] = Field(
        default="gaussian", description="Shape of the glow"
    )
    level: float = Field(default=0.1, ge=0, description="In intensity units")
    sigma_um: float | None = Field(
        default=None,
        description="Of the glow, µm; none: a quarter of the smaller side of the field",
    )


class Sensor(Part):
    """Photons to electrons to counts, with shot noise, read noise, gain, floor and clip."""

    kind: Literal["sensor"] = "sensor"
    photons_per_unit: float = Field(default=100.0, gt=0, description="Photons per intensity unit")
