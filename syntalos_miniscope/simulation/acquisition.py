"""The physical acquisition: lens, image sensor, tissue and sampling, and what follows from them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from syntalos_miniscope.simulation.part import Part

REFRACTIVE_INDEX = 1.33
"""Of brain tissue; about that of water."""

Floats = float | NDArray[np.float64]


class Optics(Part):
    """The lens of a one-photon scope, with closed forms of blur and loss (minisim, 2.6)."""

    na: float = Field(default=0.45, gt=0, description="Numerical aperture")
    magnification: float = Field(default=8.0, gt=0, description="Sensor side over object side")
    emission_nm: float = Field(
        default=525.0, gt=0, description="Wavelength of the fluorescence, nm"
    )
    depth_of_field_um: float | Literal["auto"] = Field(
        default="auto", description="Half depth that counts as in focus, µm; auto: 1.33 λ / NA²"
    )
    field_curvature_radius_um: float | None = Field(
        default=None, description="Radius of the focal surface, µm; none: flat"
    )

    @field_validator("depth_of_field_um")
    @classmethod
    def _depth_of_field_is_positive(cls, value: float | str) -> float | str:
        if not isinstance(value, str) and value <= 0:
            raise ValueError(f"must be greater than 0 µm, or 'auto'; it is {value}")
        return value

    @field_validator("field_curvature_radius_um")
    @classmethod
    def _curvature_is_positive(cls, value: float | None) -> float | None:
        if value is not None and value <= 0:
            raise ValueError(f"must be greater than 0 µm, or null for a flat field; it is {value}")
        return value

    @property
    def resolved_depth_of_field_um(self) -> float:
        """Half depth that counts as in focus, µm."""
        if isinstance(self.depth_of_field_um, str):
            return REFRACTIVE_INDEX * self.emission_nm / 1000 / self.na**2
        return self.depth_of_field_um

    @property
    def diffraction_sigma_um(self) -> float:
        """Gaussian width of the point spread in focus, µm: 0.21 λ / NA."""
        return 0.21 * self.emission_nm / 1000 / self.na

    @property
    def collection_efficiency(self) -> float:
        """Share of the light that the lens takes in: NA², absolute."""
        return self.na**2

    def focal_curvature_shift_um(self, r_um: Floats) -> Floats:
        """Give by how much shallower the focal surface lies at a distance from the axis, µm."""
        radius = self.field_curvature_radius_um
        if radius is None:
            return np.zeros_like(r_um) if isinstance(r_um, np.ndarray) else 0.0
        return radius - np.sqrt(radius**2 - np.minimum(r_um, radius) ** 2)

    def defocus_sigma_um(self, z_um: Floats, focal_um: Floats) -> Floats:
        """Give the blur of a point that lies off the focal plane, µm."""
        return self.na * abs(z_um - focal_um)


class ImageSensor(Part):
    """The bare detector. Not a *camera*: that would have a lens."""

    n_px_height: int = Field(default=256, gt=0, description="Rows")
    n_px_width: int = Field(default=256, gt=0, description="Columns")
    pixel_pitch_um: float = Field(
        default=3.0, gt=0, description="Distance of pixels on the chip, µm"
    )
    quantum_efficiency: float = Field(default=0.7, gt=0, le=1, description="Electrons per photon")
    read_noise_e: float = Field(default=2.0, ge=0, description="RMS, electrons")
    gain_adu_per_e: float = Field(default=1.0, gt=0, description="Counts per electron")
    bit_depth: int = Field(default=8, gt=0, description="Counts are clipped to 0 … 2^bits - 1")

    @property
    def max_count(self) -> int:
        """The count at which the sensor saturates."""
        return 2**self.bit_depth - 1


class Tissue(Part):
    """What the tissue does to light on its way, by depth."""

    scatter_mfp_excitation_um: float = Field(
        default=600.0, gt=0, description="Mean free path in, µm"
    )
    scatter_mfp_emission_um: float = Field(
        default=100.0, gt=0, description="Mean free path out, µm"
    )
    scatter_blur_per_um: float = Field(default=0.05, ge=0, description="µm of blur per µm of depth")

    @property
    def scatter_mfp_um(self) -> float:
        """Mean free path of the way in and the way out together, µm."""
        return 1 / (1 / self.scatter_mfp_excitation_um + 1 / self.scatter_mfp_emission_um)

    def attenuation(self, z_um: Floats) -> Floats:
        """Give the share of light that is left from a depth."""
        return np.exp(-z_um / self.scatter_mfp_um)

    def scatter_sigma_um(self, z_um: Floats) -> Floats:
        """Give the blur by scattering from a depth, µm."""
        return self.scatter_blur_per_um * z_um


class Acquisition(Part):
    """Lens, sensor, tissue and sampling; owns every conversion between µm, pixels and seconds.

    The frame of reference has its origin on the optical axis, y down, x right, and z below the
    surface of the tissue.
    """

    optics: Optics = Field(default_factory=Optics)
    image_sensor: ImageSensor = Field(default_factory=ImageSensor)
    tissue: Tissue = Field(default_factory=Tissue)
    fps: float = Field(default=20.0, gt=0, description="Frames per second")
    duration_s: float = Field(default=150.0, gt=0, description="Length of a batch recording, s")
    focal_depth_in_tissue_um: float | Literal["auto"] = Field(
        default="auto",
        description="Depth of the focal plane, µm; auto: where most cells are detected",
    )
    front_working_distance_um: float | None = Field(
        default=None, description="Lens front to focal point, µm; for information only"
    )

    @field_validator("focal_depth_in_tissue_um")
    @classmethod
    def _focus_is_in_the_tissue(cls, value: float | str) -> float | str:
        if not isinstance(value, str) and value < 0:
            raise ValueError(f"must be 0 µm or more, or 'auto'; it is {value}")
        return value

    @field_validator("front_working_distance_um")
    @classmethod
    def _working_distance_is_positive(cls, value: float | None) -> float | None:
        if value is not None and value <= 0:
            raise ValueError(f"must be greater than 0 µm, or null; it is {value}")
        return value

    @property
    def pixel_size_um(self) -> float:
        """Side of a pixel in the tissue, µm."""
        return self.image_sensor.pixel_pitch_um / self.optics.magnification

    @property
    def n_frames(self) -> int:
        """Frames of a batch recording."""
        return round(self.duration_s * self.fps)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a frame, pixels."""
        return self.image_sensor.n_px_height, self.image_sensor.n_px_width

    @property
    def fov_um(self) -> tuple[float, float]:
        """Height and width of the field of view, µm."""
        height, width = self.shape
        return height * self.pixel_size_um, width * self.pixel_size_um

    def um_to_px(self, um: float) -> float:
        """Give a length in the tissue in pixels."""
        return um / self.pixel_size_um

    def um_to_index(
        self, y_um: Floats, x_um: Floats, shape: tuple[int, int]
    ) -> tuple[Floats, Floats]:
        """Give the (row, column), fractional, of a place in an image centred on the axis."""
        height, width = shape
        row = (height - 1) / 2 + y_um / self.pixel_size_um
        return row, (width - 1) / 2 + x_um / self.pixel_size_um

    def s_to_frame(self, s: float) -> float:
        """Give a time in frames."""
        return s * self.fps
