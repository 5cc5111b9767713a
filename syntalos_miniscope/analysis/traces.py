"""What each region does, frame by frame: its mean, less its surround, or its own share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.alignment import IN_ANY_ORDER
from syntalos_miniscope.analysis.baseline import Baseline
from syntalos_miniscope.analysis.rois import Rois
from syntalos_miniscope.recording.truth import Footprints

Method = Literal["mean", "annulus", "demix"]
Floats = NDArray[np.float32]

RING_PX = (3.0, 10.0)
"""From where to where, off the edge of a region, its surround reaches."""

SMOOTH_PX, BACKGROUND_PX = 0.75, 15
"""The band that is demixed, in pixels of half the resolution: a Gaussian less a box."""

SWEEPS = 5

NOISE_SHARE = 0.01
"""What one frame renews of the noise, by one standard deviation of which a region must rise."""

TraceReader = Callable[[NDArray[Any]], Floats]
"""Takes frames (H, W) of 8 or 16 bits and gives (roi,) float32, in counts."""


def trace_reader(rois: Rois, method: Method) -> TraceReader:
    """Give what reads the traces: for `demix` see `Demixer`.

    `mean` is that of the pixels above half of a footprint's peak; `annulus` is less the mean of
    the pixels around them that belong to no region.
    """
    if method == "demix":
        return Demixer(rois)
    weights = mean_weights(rois) if method == "mean" else annulus_weights(rois)
    return lambda frame: project(frame, *_flat(weights))


def mean_weights(rois: Rois) -> Footprints:
    """Give the weights of each region's mean."""
    patches = [
        (top, left, mask / mask.sum())
        for top, left, patch in rois.footprints
        for mask in [(patch >= 0.5 * patch.max()).astype(np.float32)]
    ]
    return Footprints.stacked(patches, rois.shape)


def annulus_weights(rois: Rois) -> Footprints:
    """Give the weights of each region's mean less the mean of its surround."""
    height, width = rois.shape
    taken = np.zeros(rois.shape, np.bool_)
    masks: list[tuple[int, int, NDArray[np.bool_]]] = []
    for top, left, patch in rois.footprints:
        mask = patch >= 0.5 * patch.max()
        taken[top : top + mask.shape[0], left : left + mask.shape[1]] |= mask
        masks.append((top, left, mask))
    reach = int(RING_PX[1]) + 1
    patches: list[tuple[int, int, Floats]] = []
    for top, left, mask in masks:
        y0, x0 = max(top - reach, 0), max(left - reach, 0)
        y1 = min(top + mask.shape[0] + reach, height)
        x1 = min(left + mask.shape[1] + reach, width)
        core = np.zeros((y1 - y0, x1 - x0), np.bool_)
        core[top - y0 : top - y0 + mask.shape[0], left - x0 : left - x0 + mask.shape[1]] = mask
        away = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        ring = (away > RING_PX[0]) & (away <= RING_PX[1])
        free = ring & ~taken[y0:y1, x0:x1]
        # In a crowd nothing is free: then all of the surround has to do.
        ring = free if free.sum() >= 0.1 * ring.sum() else ring
        patches.append((y0, x0, (core / core.sum() - ring / max(ring.sum(), 1)).astype(np.float32)))
    return Footprints.stacked(patches, rois.shape)


class Demixer:
    """Shares the light of overlapping regions out among them.

    Frames and footprints, at half the resolution, are band-passed alike, which takes the haze
    away; the traces are the non-negative least squares solution, found by a few sweeps of
    hierarchical alternating least squares from that of the frame before (Cichocki and Phan 2009).
    What a region gives in its dimmest moments is its zero.
    """

    def __init__(self, rois: Rois) -> None:
        small = [band_passed_patch(*placed, rois.shape) for placed in rois.footprints]
        half_shape = (rois.shape[0] // 2, rois.shape[1] // 2)
        self._weights = _flat(Footprints.stacked(small, half_shape))
        self._gram = gram(small)
        count = len(rois)
        self._traces = np.zeros(count, np.float32)
        self._baseline = Baseline(count)
        self._last: Floats | None = None
        self._noise = np.zeros(count, np.float32)
        self._frames = 0

    def __call__(self, frame: NDArray[Any]) -> Floats:
        """Give (roi,): the peak of each region's own light, in counts above its baseline."""
        half = cv2.resize(
            frame, (frame.shape[1] // 2, frame.shape[0] // 2), interpolation=cv2.INTER_AREA
        )
        found = project(band_passed(half), *self._weights)
        self._baseline.add(found)
        self._learn_noise(found)
        demix(found - self._baseline.level - self._noise, *self._gram, self._traces, SWEEPS)
        return self._traces.copy()

    def _learn_noise(self, found: Floats) -> None:
        """Follow the standard deviation by the mean step from frame to frame, of a Gaussian."""
        self._frames += 1
        if self._last is not None:
            share = max(NOISE_SHARE, 1 / self._frames)
            step = np.abs(found - self._last) * np.float32(np.sqrt(np.pi) / 2)
            self._noise += np.float32(share) * (step - self._noise)
        self._last = found


def band_passed(half: NDArray[Any]) -> Floats:
    """Give a picture of half the resolution without haze and without pixel noise."""
    picture = half.astype(np.float32)
    smooth = cv2.GaussianBlur(picture, (5, 5), SMOOTH_PX)
    haze = cv2.blur(picture, (BACKGROUND_PX, BACKGROUND_PX))
    return cv2.subtract(smooth, haze).astype(np.float32, copy=False)


def band_passed_patch(
    top: int, left: int, patch: Floats, shape: tuple[int, int]
) -> tuple[int, int, Floats]:
    """Give a footprint as `band_passed` of half the resolution would show it."""
    reach = 2 * (BACKGROUND_PX // 2 + 1)
    half = (shape[0] // 2, shape[1] // 2)
    y0, x0 = max((top - reach) // 2, 0), max((left - reach) // 2, 0)
    y1 = min((top + patch.shape[0] + reach) // 2 + 1, half[0])
    x1 = min((left + patch.shape[1] + reach) // 2 + 1, half[1])
    # With room around it, so that the frame's edge alone is mirrored.
    room = np.zeros((2 * (y1 - y0) + 4 * reach, 2 * (x1 - x0) + 4 * reach), np.float32)
    at = (2 * reach + top - 2 * y0, 2 * reach + left - 2 * x0)
    room[at[0] : at[0] + patch.shape[0], at[1] : at[1] + patch.shape[1]] = patch
    small = cv2.resize(room, (room.shape[1] // 2, room.shape[0] // 2), interpolation=cv2.INTER_AREA)
    seen = band_passed(small)[reach : reach + y1 - y0, reach : reach + x1 - x0]
    return y0, x0, np.ascontiguousarray(seen)


def gram(
    patches: list[tuple[int, int, Floats]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """Give the inner products of all footprints: rows' starts, columns, values, and squares.

    Only pairs that overlap are kept; the product of a footprint with itself stands apart.
    """
    boxes = np.array([(t, le, t + p.shape[0], le + p.shape[1]) for t, le, p in patches], np.int64)
    boxes = boxes.reshape(-1, 4)
    starts, columns, values = [0], list[int](), list[float]()
    for k, (top, left, patch) in enumerate(patches):
        low = np.maximum(boxes[k, :2], boxes[:, :2])
        high = np.minimum(boxes[k, 2:], boxes[:, 2:])
        for other in np.flatnonzero((low < high).all(1)):
            if other == k:
                continue
            (y0, x0), (y1, x1) = low[other], high[other]
            t, le, second = patches[other]
            product = float(
                np.vdot(
                    patch[y0 - top : y1 - top, x0 - left : x1 - left],
                    second[y0 - t : y1 - t, x0 - le : x1 - le],
                )
            )
            columns.append(int(other))
            values.append(product)
        starts.append(len(columns))
    squares = np.array([np.vdot(patch, patch) for _, _, patch in patches], np.float32)
    return (
        np.array(starts, np.int64),
        np.array(columns, np.int64),
        np.array(values, np.float32),
        np.maximum(squares, np.float32(1e-9)),
    )


def _flat(
    footprints: Footprints,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], Floats]:
    sizes = footprints.shapes.astype(np.int64).prod(axis=1)
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)[:-1]])
    return footprints.offsets, footprints.shapes, begins[: len(footprints)], footprints.data


@numba.njit(nogil=True, cache=True, fastmath=IN_ANY_ORDER)
def project(
    image: NDArray[Any],
    offsets: NDArray[np.int32],
    shapes: NDArray[np.int32],
    begins: NDArray[np.int64],
    weights: Floats,
) -> Floats:
    """Give the inner product of a picture (H, W) with each footprint, (roi,) float32."""
    out = np.zeros(len(offsets), np.float32)
    for k in range(len(offsets)):
        top, left = offsets[k]
        height, width = shapes[k]
        at = begins[k]
        total = 0.0
        for y in range(height):
            row = image[top + y, left : left + width]
            line = weights[at + y * width : at + (y + 1) * width]
            part = np.float32(0)
            for x in range(width):
                part += line[x] * np.float32(row[x])
            total += part
        out[k] = total
    return out


@numba.njit(nogil=True, cache=True)
def demix(
    found: Floats,
    starts: NDArray[np.int64],
    columns: NDArray[np.int64],
    products: Floats,
    squares: Floats,
    traces: Floats,
    sweeps: int,
) -> None:
    """Improve `traces` (roi,), at least 0, towards the least squares solution, in place."""
    for _ in range(sweeps):
        for k in range(len(found)):
            rest = found[k]
            for j in range(starts[k], starts[k + 1]):
                rest -= products[j] * traces[columns[j]]
            traces[k] = max(rest / squares[k], np.float32(0))
