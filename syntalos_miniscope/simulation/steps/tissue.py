"""Steps about the tissue as a whole: cells into a picture, haze, vessels, and how it all moves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from syntalos_miniscope.simulation.part import Part


class Composite(Part):
    """Cells times their traces, summed into the picture."""

    kind: Literal["composite"] = "composite"


class Neuropil(Part):
    """Diffuse haze of the felt around the cells (minisim, 2.9)."""

    kind: Literal["neuropil"] = "neuropil"
    spatial_sigma_um: float = Field(default=40.0, gt=0, description="Smoothness in space, µm")
    temporal_tau_s: float = Field(
        default=10.0, gt=0, description="Correlation time of the slow drift, s"
    )
    population_tau_s: float = Field(default=1.5, gt=0, description="Lag behind the population, s")
    amplitude: float = Field(default=0.5, gt=0, description="In intensity units")
    n_components: int = Field(default=3, ge=1, description="Independent fields")
    population_coupling: float = Field(
        default=0.7, ge=0, le=1, description="Share that follows the population; the rest drifts"
    )


class VesselLayer(Part):
    """Branching vessels at one depth (minisim, 2.10)."""

    depth_um: float = Field(default=30.0, ge=0, description="Below the surface, µm")
    n_roots: int = Field(default=4, ge=1, description="Trees that enter from the edges")
    root_radius_um: float = Field(default=22.0, gt=0, description="Radius of a trunk, µm")
    min_radius_um: float = Field(default=2.0, gt=0, description="Where a branch ends, µm")
    opacity: float = Field(default=0.85, gt=0, le=1, description="Most that a vessel absorbs")
    absorption_per_um: float = Field(default=0.04, gt=0, description="Per µm of blood")
    branch_prob: float = Field(default=0.2, ge=0, lt=1, description="Per step")
    tortuosity_deg: float = Field(
        default=8.0, ge=0, description="Change of heading per step, SD, degrees"
    )
    branch_angle_deg: float = Field(default=30.0, ge=0, description="At a fork, degrees")
    branch_area_main: float = Field(
        default=0.7, gt=0.5, lt=1, description="Main child's share at a fork"
    )
    step_per_radius: float = Field(
        default=1.5, gt=0, description="Length of a step over the radius"
    )

    @model_validator(mode="after")
    def _trunk_is_thicker_than_capillary(self) -> VesselLayer:
        if self.min_radius_um >= self.root_radius_um:
            raise ValueError(
                f"min_radius_um ({self.min_radius_um:g}) must be less than "
                f"root_radius_um ({self.root_radius_um:g})"
            )
        return self


class Vasculature(Part):
    """Vessels that absorb light; off unless enabled and given layers."""

    kind: Literal["vasculature"] = "vasculature"
    enabled: bool = Field(default=False, description="Whether vessels are there at all")
    layers: list[VesselLayer] = Field(default_factory=list[VesselLayer])


class BrainMotion(Part):
    """Sideways movement of the brain under the lens (minisim, 2.11)."""

    kind: Literal["brain_motion"] = "brain_motion"
    model: Literal["physical", "walk"] = Field(
        default="physical", description="A driven damped oscillator, or a bounded random walk"
    )
    trajectory_um: list[tuple[float, float]] | None = Field(
        default=None, description="(dy, dx) of every frame, µm; overrides the model"
    )
    max_shift_um: float = Field(
        default=15.0, gt=0, description="No shift is longer; sizes the margin, µm"
    )
    locomotion_freq_hz: float = Field(default=7.0, gt=0, description="Stride, Hz")
    motion_amplitude_um: float = Field(
        default=10.0, gt=0, description="99th percentile of the shift, µm"
    )
    locomotion_axis: Literal["y", "x"] = Field(default="y", description="Along which strides push")
    resonance_freq_hz: float = Field(default=6.0, gt=0, description="Of the brain in the skull, Hz")
    damping_ratio: float = Field(default=0.5, gt=0, description="Below 1 it swings")
    locomotion_fraction: float = Field(default=0.25, ge=0, le=1, description="Stride against noise")
    walk_step_um: float = Field(default=0.3, ge=0, description="Per frame, µm (walk)")

    @model_validator(mode="after")
    def _motion_fits_the_clamp(self) -> BrainMotion:
        if self.model == "physical" and self.motion_amplitude_um > self.max_shift_um:
            raise ValueError(
                f"motion_amplitude_um ({self.motion_amplitude_um:g}) must not exceed "
                f"max_shift_um ({self.max_shift_um:g}), at which shifts are cut"
            )
        return self

    @property
    def reach_um(self) -> float:
        """The farthest that the brain can move along an axis, µm."""
        if self.trajectory_um is None:
            return self.max_shift_um
        return max((abs(part) for shift in self.trajectory_um for part in shift), default=0.0)
