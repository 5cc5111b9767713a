"""Rotation and warp of the tissue: what a rigid shift cannot describe."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import cos, floor, radians, sin

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.canvas import SD_LIMIT, Canvas
from syntalos_miniscope.simulation.drift import Drift
from syntalos_miniscope.simulation.extras import Rotation, Warp
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.pyramid import Image, blur

_MODES = 4


class Deformation:
    """`angle_deg` about the axis, and `modes` (n,), the amplitudes of smooth fields, now.

    `fields_um` (n, 2, H, W) are displacements (dy, dx) of content by those amplitudes.
    """

    def __init__(
        self,
        rotation: Rotation | None,
        warp: Warp | None,
        canvas: Canvas,
        fps: float,
        key: noise.Key,
    ) -> None:
        self._rotation = rotation
        self._turn = rotation and Drift(1, rotation.tau_s, fps, noise.branch(key, 0))
        self._bend = warp and Drift(_MODES, warp.tau_s, fps, noise.branch(key, 1))
        self._pixel_um = canvas.pixel_um
        height, width = canvas.fov_shape
        self.fields_um = np.zeros((_MODES if warp else 0, 2, height, width), np.float32)
        if warp is not None:
            self._lay_fields(warp, noise.branch(key, 2))

    def _lay_fields(self, warp: Warp, key: noise.Key) -> None:
        shape = self.fields_um.shape[2:]
        for number, (mode, axis) in enumerate(np.ndindex(self.fields_um.shape[:2])):
            white = noise.normals(noise.branch(key, number), shape[0] * shape[1])
            smooth = blur(white.reshape(shape).astype(np.float32), warp.scale_um / self._pixel_um)
            smooth -= smooth.mean()
            # The variance of the sum of all modes is that of one place's shift.
            smooth *= warp.sd_um / (float(smooth.std()) + 1e-12) / _MODES**0.5
            self.fields_um[mode, axis] = smooth

    def reset(self) -> None:
        """Go back to frame 0."""
        for drift in (self._turn, self._bend):
            if drift is not None:
                drift.reset()

    def advance(self, frame: int) -> None:
        """Go on to a frame."""
        for drift in (self._turn, self._bend):
            if drift is not None:
                drift.advance(frame)

    @property
    def angle_deg(self) -> float:
        """Angle by which the content is turned, counter-clockwise on the screen."""
        if self._turn is None or self._rotation is None:
            return 0.0
        return self._rotation.sd_deg * float(np.clip(self._turn.values[0], -SD_LIMIT, SD_LIMIT))

    @property
    def modes(self) -> NDArray[np.float64]:
        """Amplitudes of the fields."""
        if self._bend is None:
            return np.zeros(0)
        return np.clip(self._bend.values, -SD_LIMIT, SD_LIMIT)

    def warp_px(self) -> Image:
        """Give the displacement of every place (2, H, W) now, pixels."""
        bend = np.zeros((2, *self.fields_um.shape[2:]), np.float32)
        _bend(self.fields_um, (self.modes / self._pixel_um).astype(np.float32), bend)
        return bend


@kernel
def _bend(fields, modes, out):
    for m in range(len(modes)):
        for axis in range(2):
            for r in range(out.shape[1]):
                for c in range(out.shape[2]):
                    out[axis, r, c] += modes[m] * fields[m, axis, r, c]


@kernel
def deform(canvas, margin, path, angle_deg, bend, out):
    """Write the field of view, shifted along a path, turned and bent, to `out`, as `move` does."""
    height, width = out.shape
    canvas_height, canvas_width = canvas.shape
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    turn_cos, turn_sin = cos(radians(angle_deg)), sin(radians(angle_deg))
    share = np.float32(1 / len(path))
    for r in range(height):
        for c in range(width):
            out[r, c] = 0
            for step in range(len(path)):
                # Where the content of this pixel comes from: undo shift and bend, then the turn.
                from_y = r - path[step, 0] - bend[0, r, c] - middle_y
                from_x = c - path[step, 1] - bend[1, r, c] - middle_x
                y = turn_cos * from_y + turn_sin * from_x + middle_y + margin
                x = -turn_sin * from_y + turn_cos * from_x + middle_x + margin
                row, column = floor(y), floor(x)
                if 0 <= row < canvas_height - 1 and 0 <= column < canvas_width - 1:
                    v, u = np.float32(y - row), np.float32(x - column)
                    above = canvas[row, column] + u * (
                        canvas[row, column + 1] - canvas[row, column]
                    )
                    below = canvas[row + 1, column] + u * (
                        canvas[row + 1, column + 1] - canvas[row + 1, column]
                    )
                    out[r, c] += share * (above + v * (below - above))
