"""How the brain moves under the lens: strides and sloshing of a damped mass (minisim, 2.11).

minisim scales a whole recording to its own 99th percentile. Here the scale is known beforehand:
the same generator is run for 1000 s with a stream of its own when it is set up.
"""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

from math import floor, hypot, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.noise import normal
from syntalos_miniscope.simulation.steps import BrainMotion

Floats = NDArray[np.float64]

_FINE_HZ = 300.0
_CALIBRATION_S = 1000.0
_FREQUENCY_SD, _FREQUENCY_TAU_S, _SLOSH_TAU_S = 0.15, 0.3, 0.12
# State: frequency, phase, then for stride, y and x: drive, position, position before.
_STATE = 11


class Motion:
    """`path` (bins, 2) is the shift (dy, dx) in µm within the frame advanced to last.

    Positive moves tissue down and right. Frame 0 has a mean of (0, 0); no shift is longer than
    `max_shift_um`. A trajectory that is over stays where it ended.
    """

    def __init__(self, step: BrainMotion, fps: float, key: noise.Key) -> None:
        self.step = step
        self.bins = max(round(_FINE_HZ / fps), 1)
        self._key = key
        self._fps = fps
        self._trajectory = (
            None if step.trajectory_um is None else np.array(step.trajectory_um or [(0.0, 0.0)])
        )
        physical = step.model == "physical" and self._trajectory is None
        self._numbers = _numbers(step, fps) if physical else ()
        self._scales = motion_scales(step, fps) if physical else (0.0, 0.0)
        self.reset()

    def reset(self) -> None:
        """Go back to before frame 0."""
        self._state = np.zeros(_STATE)
        self._walk = np.zeros(2)
        self._origin = np.zeros(2)
        self.path = np.zeros((self.bins, 2))

    def advance(self, frame: int, vigour: float = 1.0) -> None:
        """Live through a frame; `vigour` multiplies strides and sloshing."""
        if self._trajectory is not None:
            self.path = np.repeat(
                self._trajectory[[min(frame, len(self._trajectory) - 1)]], self.bins, 0
            )
        elif self.step.model == "walk":
            self.path = np.repeat([self._walked(frame)], self.bins, 0)
        else:
            self.path = self._driven(frame, vigour)

    def _walked(self, frame: int) -> Floats:
        if frame > 0:
            step_um, limit_um = self.step.walk_step_um, self.step.max_shift_um
            kick = np.array([normal(self._key, 2 * frame + axis) for axis in range(2)])
            self._walk = self._walk + step_um * kick
            away_um = hypot(*self._walk)
            if away_um > limit_um:
                self._walk *= limit_um / away_um
        return self._walk

    def _driven(self, frame: int, vigour: float) -> Floats:
        stride, slosh = np.empty(self.bins), np.empty((self.bins, 2))
        _drive(self._key, frame * self.bins, self._state, self._numbers, stride, slosh)
        stride_um, slosh_um = self._scales
        path = slosh_um * slosh
        path[:, "yx".index(self.step.locomotion_axis)] += stride_um * stride
        if frame == 0:
            self._origin = path.mean(0)
        path = vigour * (path - self._origin)
        _clamp(path, self.step.max_shift_um)
        return path


def _numbers(step: BrainMotion, fps: float) -> tuple[float, ...]:
    dt = 1 / (max(round(_FINE_HZ / fps), 1) * fps)
    spring = 2 * pi * step.resonance_freq_hz
    friction = 2 * step.damping_ratio * spring
    # Where Euler's method, semi-implicit, does not run away.
    if not (friction * dt < 2 and spring * spring * dt * dt < 4 - 2 * friction * dt):
        raise ValueError(
            f"resonance_freq_hz ({step.resonance_freq_hz:g}) with damping_ratio "
            f"({step.damping_ratio:g}) is too stiff for steps of {1000 * dt:.3g} ms; lower one"
        )
    return dt, step.locomotion_freq_hz, 1 - friction * dt, spring * spring * dt


def motion_scales(step: BrainMotion, fps: float) -> tuple[float, float]:
    """Give the µm per unit of stride and of slosh that make the amplitude a 99th percentile.

    Each of the two is brought to a radius of RMS 1 before they are mixed.
    """
    bins = max(round(_FINE_HZ / fps), 1)
    frames = int(_CALIBRATION_S * fps)
    stride, slosh = np.zeros(frames * bins), np.zeros((frames * bins, 2))
    _drive(noise.stream(0, "motion scale"), 0, np.zeros(_STATE), _numbers(step, fps), stride, slosh)
    stride = stride.reshape(frames, bins).mean(1)
    slosh = slosh.reshape(frames, bins, 2).mean(1)
    # Shifts count from frame 0, into which strides always push the same way.
    stride -= stride[0]
    stride_rms = sqrt(float(np.mean(stride**2)))
    slosh_rms = sqrt(float(np.mean(np.sum(slosh**2, 1))))
    share = step.locomotion_fraction
    # A stride of no frequency to speak of pushes nothing.
    per_stride = share / stride_rms if stride_rms > 0 else 0.0
    per_slosh = (1 - share) / slosh_rms
    path = per_slosh * slosh
    path[:, 0] += per_stride * stride
    extent = float(np.percentile(np.hypot(*path.T), 99))
    scale_um = step.motion_amplitude_um / extent if extent > 0 else 0.0
    return scale_um * per_stride, scale_um * per_slosh


@kernel
def _drive(key, first, state, numbers, stride, slosh):
    dt, frequency_hz, keep, spring = numbers
    wander = dt / (_FREQUENCY_TAU_S + dt)
    soft = dt / (_SLOSH_TAU_S + dt)
    wander_sd = sqrt(wander / (2 - wander))
    soft_sd = sqrt(soft / (2 - soft))
    for b in range(len(stride)):
        draw = 3 * (first + b)
        state[0] += wander * (normal(key, draw) - state[0])
        state[1] += frequency_hz * (1 + _FREQUENCY_SD * state[0] / wander_sd) * dt
        state[1] -= int(state[1])
        state[2] = sin(2 * pi * state[1])
        for axis in range(2):
            i = 5 + 3 * axis
            state[i] += soft * (normal(key, draw + 1 + axis) - state[i])
        for part in range(3):
            i = 2 + 3 * part
            push = state[i] if part == 0 else state[i] / soft_sd
            x, before = state[i + 1], state[i + 2]
            speed = (x - before) / dt
            # Semi-implicit Euler, from rest.
            speed = keep * speed + dt * push - spring * x
            state[i + 2] = x
            state[i + 1] = x + dt * speed
        stride[b] = state[3]
        slosh[b, 0] = state[6]
        slosh[b, 1] = state[9]


@kernel
def _clamp(path, limit):
    for b in range(len(path)):
        away = hypot(path[b, 0], path[b, 1])
        if away > limit:
            # One by one: to assign an array to a row takes seconds to compile.
            path[b, 0] *= limit / away
            path[b, 1] *= limit / away


@kernel
def move(canvas, margin, path, out):
    """Write the field of view, its content shifted along a path (steps, 2) of pixels, to `out`.

    Bilinear, and the mean over the steps; what lies beyond the canvas is dark.
    """
    height, width = out.shape
    canvas_height, canvas_width = canvas.shape
    spare = np.empty((2, width + 1), np.float32)
    one, share = np.float32(1), np.float32(1 / len(path))
    for step in range(len(path)):
        from_y, from_x = margin - path[step, 0], margin - path[step, 1]
        top, left = floor(from_y), floor(from_x)
        y, x = np.float32(from_y - top), np.float32(from_x - left)
        a, b = share * (one - y) * (one - x), share * (one - y) * x
        c, d = share * y * (one - x), share * y * x
        within = top >= 0 and left >= 0
        within = within and top + height < canvas_height and left + width < canvas_width
        for r in range(height):
            if within:
                above = canvas[top + r, left : left + width + 1]
                below = canvas[top + r + 1, left : left + width + 1]
            else:
                above = _taken(canvas, top + r, left, spare[0])
                below = _taken(canvas, top + r + 1, left, spare[1])
            to = out[r]
            if step == 0:
                for j in range(width):
                    to[j] = 0
            for j in range(width):
                to[j] += a * above[j] + b * above[j + 1] + c * below[j] + d * below[j + 1]


@kernel
def _taken(canvas, row, left, line):
    """Copy part of a row, dark where there is no canvas."""
    height, width = canvas.shape
    for j in range(len(line)):
        inside = 0 <= row < height and 0 <= left + j < width
        line[j] = canvas[row, left + j] if inside else np.float32(0)
    return line
