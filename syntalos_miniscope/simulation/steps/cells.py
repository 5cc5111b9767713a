"""Steps about single cells: where they are, what they do, how they fade, how the lens sees them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from syntalos_miniscope.simulation.part import Part

Morphology = Literal["soma", "cytosolic"]
"""Where the indicator is: in the soma only, or in soma and proximal dendrites."""


class NeuronPopulation(Part):
    """One homogeneous group of neurons."""

    density_per_mm3: float = Field(default=25000.0, gt=0, description="Cells per mm³")
    soma_radius_um: float = Field(default=7.0, gt=0, description="µm")
    irregularity: float = Field(
        default=0.3, ge=0, le=1, description="0: a smooth disk; more: lumpier"
    )
    morphology: Morphology = Field(default="soma", description="soma, or cytosolic with dendrites")
    dendrite_length_um: float = Field(
        default=24.0, gt=0, description="Nominal reach, µm (cytosolic)"
    )
    dendrite_width_um: float = Field(
        default=3.0, gt=0, description="Diameter at the base, µm (cytosolic)"
    )
    depth_range_um: tuple[float, float] = Field(
        default=(0.0, 200.0), description="Shallowest, deepest, µm"
    )
    min_distance_um: float = Field(
        default=0.0, ge=0, description="Between centres, in three dimensions, µm"
    )
    positions_um: list[tuple[float, float, float]] | None = Field(
        default=None, description="Centres (z, y, x), µm; overrides density, depth and distance"
    )

    @field_validator("depth_range_um")
    @classmethod
    def _depth_range_is_ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        shallow, deep = value
        if shallow < 0:
            raise ValueError(f"must begin at 0 µm or deeper; it begins at {shallow}")
        if deep < shallow:
            raise ValueError(f"must end deeper than it begins; it goes from {shallow} to {deep}")
        return value


class PlaceNeurons(NeuronPopulation):
    """Neurons in a volume: one population described by the step's own fields, or `populations`."""

    kind: Literal["place_neurons"] = "place_neurons"
    populations: list[NeuronPopulation] | None = Field(
        default=None,
        description="Populations to place together; the step's own fields are then not used",
    )

    @model_validator(mode="after")
    def _described_once(self) -> PlaceNeurons:
        if self.populations is None:
            return self
        if not self.populations:
            raise ValueError("populations must list at least one population, or be null")
        own = [
            name
            for name, field in NeuronPopulation.model_fields.items()
            if getattr(self, name) != field.default
        ]
        if own:
            raise ValueError(
                f"place_neurons has populations and also {', '.join(own)} of its own; "
                "say these for each population instead"
            )
        return self

    @property
    def resolved_populations(self) -> list[NeuronPopulation]:
        """The populations that are placed, at least one."""
        if self.populations is not None:
            return self.populations
        return [NeuronPopulation(**{n: getattr(self, n) for n in NeuronPopulation.model_fields})]


class CellActivity(Part):
    """Calcium: a two-state gate, spikes, and a kernel that rises and decays (minisim, 2.4).

    The two probabilities are per *frame*: the same numbers at another frame rate give bursts of
    another length.
    """

    kind: Literal["cell_activity"] = "cell_activity"
    spike_sim_hz: float = Field(
        default=300.0, gt=0, description="Rate at which spikes are drawn, Hz"
    )
    p_quiescent_to_active: float = Field(default=0.005, gt=0, description="Per frame")
    p_active_to_quiescent: float = Field(default=0.3, gt=0, description="Per frame")
    active_rate_hz: float = Field(default=150.0, gt=0, description="Firing in a burst, Hz")
    quiescent_rate_hz: float = Field(default=0.6, ge=0, description="Firing between bursts, Hz")
    tau_rise_s: float = Field(default=0.05, gt=0, description="s")
    tau_decay_s: float = Field(default=0.5, gt=0, description="s")
    brightness_cv: float = Field(default=0.3, ge=0, description="Spread of brightness over cells")
    f0: float = Field(default=1.0, ge=0, description="Baseline fluorescence")
    trace_noise: float = Field(default=0.0, ge=0, description="Added to traces; not physical")


class Bleaching(Part):
    """Photobleaching of each cell by its own light, against turnover of the protein."""

    kind: Literal["bleaching"] = "bleaching"
    bleach_susceptibility: float = Field(
        default=6.3e-6, ge=0, description="Per second at unit excitation"
    )
    turnover_tau_s: float = Field(default=20000.0, gt=0, description="Time constant of recovery, s")
    excitation_intensity: float = Field(
        default=1.0, ge=0, description="1: a usual continuous level"
    )


class CellOptics(Part):
    """Blur and loss of each cell by its depth; all numbers are those of the acquisition."""

    kind: Literal["optics"] = "optics"
