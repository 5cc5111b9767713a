"""What the animal does: it rests and runs on a circular track, and its head goes along."""

from __future__ import annotations

from math import exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.scope import Quaternion
from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.drift import Drift
from syntalos_miniscope.simulation.extras import Behaviour
from syntalos_miniscope.simulation.noise import normal, uniform

Floats = NDArray[np.float64]

_SPEED_TAU_S = 0.4
_HEAD_TAU_S = (1.5, 0.8, 0.8)
# SD of yaw off the track's direction, of pitch and of roll, degrees.
_HEAD_SD_DEG = (25.0, 12.0, 8.0)
_REST_VIGOUR = 0.3
# Bursts of a place cell outside and, at most, inside its field, over those of another cell.
_OUTSIDE, _INSIDE = 0.2, 12.0


class Animal:
    """`speed_cm_s`, `place_cm` on the track and `quaternion` of the head, now.

    `vigour` is how much the brain moves, 1 at the mean speed of a run; always 1 unless the
    behaviour drives motion.
    """

    def __init__(self, behaviour: Behaviour, fps: float, key: noise.Key) -> None:
        self.behaviour = behaviour
        self._fps = fps
        self._key = key
        self._drifts = [
            Drift(1, tau_s, fps, noise.branch(key, -2 - axis))
            for axis, tau_s in enumerate(_HEAD_TAU_S)
        ]
        self.reset()

    def reset(self) -> None:
        """Go back to before frame 0: at rest, at the beginning of the track."""
        for drift in self._drifts:
            drift.reset()
        self._running = False
        self.speed_cm_s = 0.0
        self.place_cm = 0.0

    def advance(self, frame: int) -> None:
        """Live through a frame."""
        behaviour = self.behaviour
        stay_s = behaviour.run_s if self._running else behaviour.rest_s
        if uniform(self._key, 2 * frame) < 1 - exp(-1 / (stay_s * self._fps)):
            self._running = not self._running
        goal = behaviour.speed_cm_s if self._running else 0.0
        a = exp(-1 / (_SPEED_TAU_S * self._fps))
        jolt = 0.25 * goal * sqrt(1 - a * a) * float(normal(self._key, 2 * frame + 1))
        self.speed_cm_s = max(a * self.speed_cm_s + (1 - a) * goal + jolt, 0.0)
        self.place_cm = (self.place_cm + self.speed_cm_s / self._fps) % behaviour.track_cm
        for drift in self._drifts:
            drift.advance(frame)

    @property
    def vigour(self) -> float:
        """How much the brain moves."""
        if not self.behaviour.drives_motion:
            return 1.0
        return _REST_VIGOUR + (1 - _REST_VIGOUR) * self.speed_cm_s / self.behaviour.speed_cm_s

    @property
    def quaternion(self) -> Quaternion:
        """Orientation of the head (w, x, y, z): it looks along the track, more or less."""
        along = 2 * pi * self.place_cm / self.behaviour.track_cm
        yaw, pitch, roll = (
            np.radians(sd) * float(drift.values[0])
            for sd, drift in zip(_HEAD_SD_DEG, self._drifts, strict=True)
        )
        return quaternion(along + yaw, pitch, roll)

    def drive(self, centers_cm: Floats) -> Floats:
        """Give how readily place cells burst here (n,), by the middles of their fields; NaN: 1."""
        track = self.behaviour.track_cm
        away = np.abs((self.place_cm - centers_cm + track / 2) % track - track / 2)
        inside = np.exp(-((away / self.behaviour.place_field_cm) ** 2) / 2)
        return np.where(np.isnan(centers_cm), 1.0, _OUTSIDE + (_INSIDE - _OUTSIDE) * inside)


def place_centers_cm(behaviour: Behaviour, n: int, key: noise.Key) -> Floats:
    """Give the middles of the place fields of `n` cells; NaN for a cell that has none."""
    chosen = noise.uniforms(noise.branch(key, 0), n) < behaviour.place_cell_share
    centers = noise.uniforms(noise.branch(key, 1), n) * behaviour.track_cm
    return np.where(chosen, centers, np.nan)


def quaternion(yaw: float, pitch: float, roll: float) -> Quaternion:
    """Give a unit quaternion (w, x, y, z) from angles about z, then y, then x, radians."""
    cy, sy = np.cos(yaw / 2), np.sin(yaw / 2)
    cp, sp = np.cos(pitch / 2), np.sin(pitch / 2)
    cr, sr = np.cos(roll / 2), np.sin(roll / 2)
    return (
        float(cr * cp * cy + sr * sp * sy),
        float(sr * cp * cy - cr * sp * sy),
        float(cr * sp * cy + sr * cp * sy),
        float(cr * cp * sy - sr * sp * cy),
    )
