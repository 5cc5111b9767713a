"""The plane of tissue that is rendered: the field of view and a margin that motion may bring in."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, hypot, radians, sin

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.simulation.steps import BrainMotion

SD_LIMIT = 3.0
"""Rotation and warp are cut at this many SD, so that a margin can be wide enough."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """Pixels of `pixel_um` with the optical axis in the middle, as is the field of view."""

    fov_shape: tuple[int, int]
    margin_px: int
    pixel_um: float

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, margin included."""
        height, width = self.fov_shape
        return height + 2 * self.margin_px, width + 2 * self.margin_px

    @property
    def size_um(self) -> tuple[float, float]:
        """Height and width, margin included, µm."""
        height, width = self.shape
        return height * self.pixel_um, width * self.pixel_um

    @property
    def fov(self) -> tuple[slice, slice]:
        """The field of view as an index."""
        (height, width), top = self.fov_shape, self.margin_px
        return slice(top, top + height), slice(top, top + width)

    def to_index(self, um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give places (…, 2) as fractional (row, column), from (y, x) in µm off the axis."""
        middle = (np.array(self.shape, np.float64) - 1) / 2
        return middle + um / self.pixel_um

    def nearest_pixel(self, um: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Give the pixels (row, column) at places (n, 2), within the canvas."""
        rows, columns = np.rint(self.to_index(um)).astype(np.intp).T
        height, width = self.shape
        return rows.clip(0, height - 1), columns.clip(0, width - 1)


def make_canvas(spec: Spec) -> Canvas:
    """Give the canvas of a Spec: a margin as far as the brain can move, if it does (minisim, 1.4).

    Rotation and warp reach farther, so they widen it.
    """
    acquisition, motion, extras = spec.acquisition, spec.step(BrainMotion), spec.extras
    reaches_um = [] if motion is None else [motion.reach_um]
    if extras is not None and extras.rotation is not None:
        largest = radians(SD_LIMIT * extras.rotation.sd_deg)
        reaches_um.append(hypot(*acquisition.fov_um) / 2 * sin(largest))
    if extras is not None and extras.warp is not None:
        reaches_um.append(SD_LIMIT * extras.warp.sd_um)
    reach_um = sum(reaches_um)
    margin = ceil(acquisition.um_to_px(reach_um)) + 1 if reach_um > 0 else 0
    return Canvas(acquisition.shape, margin, acquisition.pixel_size_um)
