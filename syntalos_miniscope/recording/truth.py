"""The truth about a synthetic recording: what every cell was, did and looked like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KERNEL_SIGMAS = 4
"""Where the Gaussian of a blurred footprint is cut (minisim, 2.6)."""


def gaussian_kernel(sigma_px: float) -> Floats:
    """Give the weights of a Gaussian cut at four sigma, which sum to 1."""
    radius = int(KERNEL_SIGMAS * sigma_px + 0.5)
    if radius == 0:
        return np.ones(1)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    return weights / weights.sum()


@dataclass(frozen=True, slots=True, eq=False)
class Footprints:
    """Small pictures of cells, each at its place in a canvas; most of a canvas is empty.

    `offsets` and `shapes` are int32 (unit, 2), as (row, column) and (height, width), and lie inside
    the canvas; `data` is float32, the patches row by row, one after the other.
    """

    offsets: NDArray[np.int32]
    shapes: NDArray[np.int32]
    data: NDArray[np.float32]
    canvas_shape: tuple[int, int]

    def __len__(self) -> int:
        """Give the number of cells."""
        return len(self.offsets)

    def __iter__(self) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        """Give the row, the column and the patch of every cell."""
        begin = 0
        for (top, left), (height, width) in zip(
            self.offsets.tolist(), self.shapes.tolist(), strict=True
        ):
            end = begin + height * width
            yield top, left, self.data[begin:end].reshape(height, width)
            begin = end

    @classmethod
    def stacked(
        cls, patches: Sequence[tuple[int, int, NDArray[np.float32]]], canvas_shape: tuple[int, int]
    ) -> Footprints:
        """Make a stack of (row, column, patch)."""
        data = [patch.astype(np.float32, copy=False).ravel() for _, _, patch in patches]
        return cls(
            offsets=np.array([(t, le) for t, le, _ in patches], np.int32).reshape(-1, 2),
            shapes=np.array([patch.shape for _, _, patch in patches], np.int32).reshape(-1, 2),
            data=np.concatenate(data) if data else np.zeros(0, np.float32),
            canvas_shape=canvas_shape,
        )

    def dense(
        self,
        window: tuple[int, int, int, int],
        sigma_px: Floats | None = None,
        gain: Floats | None = None,
    ) -> Floats:
        """Give (unit, height, width) of a window (row, column, height, width) of the canvas.

        With `sigma_px` and `gain`, (unit,), as the scope sees the cells. Light that falls past the
        edge of the canvas is lost.
        """
        top, left, height, width = window
        out = np.zeros((len(self), height, width))
        for unit, (row, column, picture) in enumerate(self.seen(window, sigma_px, gain)):
            rows, columns = picture.shape
            out[unit, row - top : row - top + rows, column - left : column - left + columns] = (
                picture
            )
        return out

    def seen(
        self, window: tuple[int, int, int, int], sigma_px: Floats | None, gain: Floats | None
    ) -> Iterator[tuple[int, int, Floats]]:
        """Give the row, the column and the picture of every cell, cut at a window of the canvas.

        See `dense`; of a cell beyond the window the picture is empty.
        """
        top, left, height, width = window
        for unit, (row, column, patch) in enumerate(self):
            picture: Floats = patch.astype(np.float64)
            if sigma_px is not None:
                kernel = gaussian_kernel(float(sigma_px[unit]))
                reach = len(kernel) // 2
                picture = cv2.sepFilter2D(
                    np.pad(picture, reach),
                    cv2.CV_64F,
                    kernel,
                    kernel,
                    borderType=cv2.BORDER_CONSTANT,
                ).astype(np.float64, copy=False)
                row, column = row - reach, column - reach
            if gain is not None:
                picture *= gain[unit]
            first = (max(row, top), max(column, left))
            last = (
                min(row + picture.shape[0], top + height),
                min(column + picture.shape[1], left + width),
            )
            if first[0] >= last[0] or first[1] >= last[1]:
                yield top, left, np.zeros((0, 0))
            else:
                cut = picture[first[0] - row : last[0] - row, first[1] - column : last[1] - column]
                yield first[0], first[1], cut

    def subset(self, chosen: NDArray[np.bool_]) -> Footprints:
        """Give the footprints of some cells."""
        kept = [patch for patch, keep in zip(self, chosen.tolist(), strict=True) if keep]
        return Footprints.stacked(kept, self.canvas_shape)


@dataclass(frozen=True, slots=True, eq=False)
class FrameTruth:
    """What is true of one frame; None where the recording has no such effect."""

    C: Floats
    """(unit,) calcium, in units of F0 times the brightness of the cell."""
    S: Floats
    """(unit,) spikes since the frame before."""
    bleaching: Floats | None = None
    """(unit,) the share of the indicator that is intact."""
    shift: Floats | None = None
    """(2,) how far the picture has moved down and right, px."""
    neuropil_temporal: Floats | None = None
    """(component,) the strength of each field of haze."""
    neuropil_population: float | None = None
    """The activity of the population that drives the haze."""
    extras: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    """What minisim has not, by name; the names are the same for all frames."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What is true of a recording, with minisim's names (minisim, 1.6); None: no such effect.

    `planted` are the sharp footprints, peak 1, in a canvas whose part from `fov_offset` (row,
    column) with `fov_shape` (height, width) is the frame. A cell is a unit if any of its sharp
    footprint lies in the frame.
    """

    planted: Footprints
    fov_offset: tuple[int, int]
    fov_shape: tuple[int, int]
    centers_um: Floats
    """(unit, 3) as (z, y, x), µm: depth, and place from the optical axis."""
    amplitude_per_cell: Floats
    """(unit,) brightness of the cell; NaN without activity."""
    in_focus: NDArray[np.bool_]
    """(unit,) within the depth of field."""
    detectable: NDArray[np.bool_]
    """(unit,) the largest transient stands out of the sensor's noise (SNR of at least 3)."""
    C: Floats
    """(unit, frame) calcium, in units of F0 times the brightness of the cell."""
    S: Floats
    """(unit, frame) spikes, counted."""
    observed_sigma_px: Floats | None = None
    """(unit,) blur, px."""
    observed_gain: Floats | None = None
    """(unit,) share of the light that arrives."""
    shifts: Floats | None = None
    """(frame, 2) how far the picture has moved down and right, px; to correct, move back."""
    illumination: Floats | None = None
    """(height, width) factor."""
    vignette: Floats | None = None
    """(height, width) factor."""
    leakage: Floats | None = None
    """(height, width) intensity that is added."""
    bleaching: Floats | None = None
    """(unit, frame) the share of the indicator that is intact."""
    neuropil_temporal: Floats | None = None
    """(component, frame) the strength of each field of haze."""
    neuropil_spatial: Floats | None = None
    """(component, height, width)"""
    neuropil_population: Floats | None = None
    """(frame,) the activity of the population that drives the haze."""
    vasculature_mask: Floats | None = None
    """(height, width) the share of the light that passes the vessels."""
    vessel_overlap_fraction: Floats | None = None
    """(unit,) the share of the cell's light that vessels take."""
    focal_depth_um: float | None = None
    """Depth of the focal plane on the axis, µm."""
    extras: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    """(frame, …) what minisim has not, by name: such as `orientation` as (w, x, y, z)."""
    maps: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    """What minisim has not and no frame changes, by name: such as `pixel_sensitivity`."""

    @property
    def n_units(self) -> int:
        """The number of cells."""
        return len(self.planted)

    @property
    def depth_um(self) -> Floats:
        """(unit,) depth, µm."""
        return self.centers_um[:, 0]

    @property
    def A_planted(self) -> Floats:  # noqa: N802 - the field's letter
        """(unit, height, width) sharp footprints; dense, made anew on each access."""
        return self.planted.dense((*self.fov_offset, *self.fov_shape))

    @property
    def A_observed(self) -> Floats:  # noqa: N802 - the field's letter
        """(unit, height, width) footprints as the scope sees them; sharp ones without optics."""
        window = (*self.fov_offset, *self.fov_shape)
        return self.planted.dense(window, self.observed_sigma_px, self.observed_gain)

    def with_frames(self, frames: Sequence[FrameTruth]) -> GroundTruth:
        """Give the truth with these frames in place of those it has."""
        if not frames:
            return self
        first = frames[0]

        def columns(name: str) -> Floats:
            return np.stack([getattr(frame, name) for frame in frames], axis=-1)

        return replace(
            self,
            C=columns("C"),
            S=columns("S"),
            bleaching=None if first.bleaching is None else columns("bleaching"),
            shifts=None if first.shift is None else columns("shift").T.copy(),
            neuropil_temporal=(
                None if first.neuropil_temporal is None else columns("neuropil_temporal")
            ),
            neuropil_population=(
                None if first.neuropil_population is None else columns("neuropil_population")
            ),
            extras={name: np.stack([f.extras[name] for f in frames]) for name in first.extras},
        )

    def frames(self) -> Iterator[FrameTruth]:
        """Give the truth of every frame, in order."""
        for k in range(self.C.shape[1]):
            population = self.neuropil_population
            yield FrameTruth(
                C=self.C[:, k],
                S=self.S[:, k],
                bleaching=None if self.bleaching is None else self.bleaching[:, k],
                shift=None if self.shifts is None else self.shifts[k],
                neuropil_temporal=(
                    None if self.neuropil_temporal is None else self.neuropil_temporal[:, k]
                ),
                neuropil_population=None if population is None else float(population[k]),
                extras={name: values[k] for name, values in self.extras.items()},
            )

    def detectable_subset(self) -> GroundTruth:
        """Give the truth about the detectable cells only."""
        chosen = self.detectable
        per_unit = {
            name: value[chosen] for name in PER_UNIT if (value := getattr(self, name)) is not None
        }
        return replace(self, planted=self.planted.subset(chosen), **per_unit)


PER_UNIT = (
    *("centers_um", "amplitude_per_cell", "in_focus", "detectable", "C", "S", "bleaching"),
    *("observed_sigma_px", "observed_gain", "vessel_overlap_fraction"),
)
"""Fields of `GroundTruth` whose first axis is the cell."""

ARRAYS = tuple(
    member.name
    for member in fields(GroundTruth)
    if member.name not in ("planted", "fov_offset", "fov_shape", "focal_depth_um", "extras", "maps")
)
"""Fields of `GroundTruth` that are arrays."""
