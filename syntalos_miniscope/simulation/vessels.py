"""Blood vessels over the cells: branching trees that absorb light (minisim, 2.10)."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import cos, exp, hypot, pi, radians, sin, sqrt

import numpy as np

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.acquisition import Acquisition
from syntalos_miniscope.simulation.canvas import Canvas
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.noise import normal, uniform
from syntalos_miniscope.simulation.pyramid import Image, blur
from syntalos_miniscope.simulation.steps import Vasculature, VesselLayer

_MOST_SEGMENTS = 2000
# Headings into the canvas from the top, bottom, left and right edge; y points down.
_INWARD = np.array([[0.25, 0.75], [1.25, 1.75], [-0.4, 0.4], [0.6, 1.4]]) * pi


class Vessels:
    """`mask` float32, of the canvas's shape, is the share of light that passes."""

    def __init__(
        self, step: Vasculature, acquisition: Acquisition, canvas: Canvas, key: noise.Key
    ) -> None:
        self._acquisition = acquisition
        self._pixel_um = canvas.pixel_um
        self._layers = [
            (layer, _sharp_mask(layer, canvas, noise.branch(key, number)))
            for number, layer in enumerate(step.layers)
        ]
        self.mask: Image = np.ones(canvas.shape, np.float32)

    def focus(self, focal_um: float) -> None:
        """Look at the vessels with a given focus."""
        optics, tissue = self._acquisition.optics, self._acquisition.tissue
        mask = np.ones_like(self.mask)
        for layer, sharp in self._layers:
            sigma_um = hypot(
                optics.diffraction_sigma_um,
                float(tissue.scatter_sigma_um(layer.depth_um)),
                float(optics.defocus_sigma_um(layer.depth_um, focal_um)),
            )
            mask *= blur(sharp, sigma_um / self._pixel_um)
        # Blur on a coarse level may overshoot by a millionth.
        self.mask = np.minimum(mask, np.float32(1))

    def shade(self, canvas: Image) -> None:
        """Take away the light that vessels absorb."""
        np.multiply(canvas, self.mask, out=canvas)


def _sharp_mask(layer: VesselLayer, canvas: Canvas, key: noise.Key) -> Image:
    path_um = np.zeros(canvas.shape)
    for root in range(layer.n_roots):
        segments = _grow(
            noise.branch(key, root),
            np.array(canvas.size_um),
            layer.root_radius_um,
            layer.min_radius_um,
            layer.step_per_radius,
            radians(layer.tortuosity_deg),
            layer.branch_prob,
            radians(layer.branch_angle_deg),
            layer.branch_area_main,
        )
        _trace(path_um, segments, canvas.pixel_um)
    return _absorb(path_um, layer.opacity, layer.absorption_per_um)


@kernel
def _grow(key, size, radius, least, stride, tortuosity, p_branch, angle, area):
    """Give the segments (n, 5) of a tree: y, x, y, x, radius, in µm from the canvas's corner."""
    segments = np.empty((_MOST_SEGMENTS, 5))
    waiting = np.empty((_MOST_SEGMENTS + 1, 4))
    edge = int(4 * uniform(key, 0))
    along = uniform(key, 1)
    y = along * size[0] if edge >= 2 else (0.0 if edge == 0 else size[0])
    x = along * size[1] if edge < 2 else (0.0 if edge == 2 else size[1])
    low, high = _INWARD[edge]
    _let_wait(waiting, 0, y, x, low + (high - low) * uniform(key, 2), radius)
    left, n, draw = 1, 0, 3
    while left > 0 and n < _MOST_SEGMENTS:
        left -= 1
        y, x = waiting[left, 0], waiting[left, 1]
        heading, radius = waiting[left, 2], waiting[left, 3]
        while radius >= least and n < _MOST_SEGMENTS:
            to_y, to_x = y + stride * radius * sin(heading), x + stride * radius * cos(heading)
            segments[n, 0], segments[n, 1], segments[n, 2] = y, x, to_y
            segments[n, 3], segments[n, 4] = to_x, radius
            n += 1
            y, x = to_y, to_x
            if not (0 <= y <= size[0] and 0 <= x <= size[1]):
                break
            heading += tortuosity * normal(key, draw)
            if uniform(key, draw + 1) < p_branch:
                side = 1.0 if uniform(key, draw + 2) < 0.5 else -1.0
                main, branch = radius * area ** (1 / 3), radius * (1 - area) ** (1 / 3)
                _let_wait(waiting, left, y, x, heading + side * angle * radius / branch, branch)
                left += 1
                heading -= side * angle
                radius = main
            draw += 3
    return segments[:n]


@kernel
def _let_wait(waiting, at, y, x, heading, radius):
    # One by one: to assign a tuple to a row takes seconds to compile.
    waiting[at, 0], waiting[at, 1] = y, x
    waiting[at, 2], waiting[at, 3] = heading, radius


@kernel
def _trace(path_um, segments, pixel_um):
    """Add the length of blood that light crosses at each pixel, segment by segment."""
    height, width = path_um.shape
    for i in range(len(segments)):
        y0, x0, y1, x1, radius = segments[i]
        along_y, along_x = y1 - y0, x1 - x0
        length2 = max(along_y**2 + along_x**2, 1e-12)
        top = max(int((min(y0, y1) - radius) / pixel_um), 0)
        bottom = min(int((max(y0, y1) + radius) / pixel_um) + 1, height)
        left = max(int((min(x0, x1) - radius) / pixel_um), 0)
        right = min(int((max(x0, x1) + radius) / pixel_um) + 1, width)
        for r in range(top, bottom):
            y = (r + 0.5) * pixel_um
            for c in range(left, right):
                x = (c + 0.5) * pixel_um
                share = ((y - y0) * along_y + (x - x0) * along_x) / length2
                share = min(max(share, 0.0), 1.0)
                dy, dx = y - y0 - share * along_y, x - x0 - share * along_x
                inside = radius * radius - dy * dy - dx * dx
                if inside > 0:
                    path_um[r, c] += 2 * sqrt(inside)


@kernel
def _absorb(path_um, opacity, per_um):
    height, width = path_um.shape
    mask = np.empty((height, width), np.float32)
    for r in range(height):
        for c in range(width):
            mask[r, c] = 1 - opacity * (1 - exp(-per_um * path_um[r, c]))
    return mask
