"""Everything that goes on in the animal and its brain, without a single pixel."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.scope import Quaternion
from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.activity import Activity, add_bins
from syntalos_miniscope.simulation.behaviour import Animal, place_centers_cm
from syntalos_miniscope.simulation.bleaching import Photobleaching
from syntalos_miniscope.simulation.canvas import Canvas
from syntalos_miniscope.simulation.deformation import Deformation
from syntalos_miniscope.simulation.detection import Swing
from syntalos_miniscope.simulation.drift import Drift
from syntalos_miniscope.simulation.extras import Extras
from syntalos_miniscope.simulation.motion import Motion
from syntalos_miniscope.simulation.neuropil import Haze
from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.simulation.steps import Bleaching, BrainMotion, CellActivity, Neuropil

Floats = NDArray[np.float64]

_RISE_STEP_UM = 0.5
"""The tissue rises in steps, since each makes all cells be blurred anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What an exposure gathers, of all cells on the canvas (n,).

    `traces` is their mean fluorescence, `spikes` how many they fired, `intact` what bleaching
    left of them; `path_um` (steps, 2) is how the brain was shifted meanwhile, `shift_um` (2,) its
    mean.
    """

    traces: Floats
    spikes: Floats
    intact: Floats
    path_um: Floats
    shift_um: Floats


class Life:
    """Lives from exposure to exposure, of any length, in frames of the Spec's own rate.

    `illumination` (n,) is the excitation where each cell rests. `rise_um` is how far the tissue
    has risen towards the lens by now. At `highest_rate_hz` an exposure is one bin long.
    """

    def __init__(
        self, spec: Spec, canvas: Canvas, n_cells: int, illumination: Floats, scope: int
    ) -> None:
        extras, fps = spec.extras or Extras(), spec.acquisition.fps
        activity, bleaching = spec.step(CellActivity), spec.step(Bleaching)
        haze, motion = spec.step(Neuropil), spec.step(BrainMotion)

        def key(stage: str) -> noise.Key:
            return noise.stream(spec.seed, scope, stage)

        self._n, self._fps = n_cells, fps
        # One animal carries all scopes of a seed.
        self.animal = extras.behaviour and Animal(
            extras.behaviour, fps, noise.stream(spec.seed, "behaviour")
        )
        self.place_centers_cm = (
            place_centers_cm(extras.behaviour, n_cells, key("places"))
            if extras.behaviour is not None and extras.behaviour.place_cell_share > 0
            else None
        )
        self.activity = activity and Activity(
            activity, n_cells, fps, key("activity"), extras.saturation_dff
        )
        self.bleaching = bleaching and Photobleaching(bleaching, fps, illumination)
        mean = None if self.activity is None else float(self.activity.expected_trace().sum())
        self.haze = haze and Haze(haze, canvas, fps, key("neuropil"), mean)
        self.motion = motion and Motion(motion, fps, key("motion"))
        self.deformation = (
            Deformation(extras.rotation, extras.warp, canvas, fps, key("deformation"))
            if extras.rotation is not None or extras.warp is not None
            else None
        )
        self._z_drift = extras.z_drift
        self._rise = extras.z_drift and Drift(1, extras.z_drift.tau_s, fps, key("z"))
        bins = [stage.bins for stage in (self.activity, self.motion) if stage is not None]
        self.highest_rate_hz = fps * min(bins, default=1)
        self._no_emission = np.zeros(n_cells)
        self.reset()

    def reset(self) -> None:
        """Go back to before frame 0."""
        for stage in (
            self.animal,
            self.activity,
            self.bleaching,
            self.haze,
            self.motion,
            self.deformation,
            self._rise,
        ):
            if stage is not None:
                stage.reset()
        self.rise_um = self._coming_rise_um = 0.0
        self._foresee_rise(0)
        self._frame = -1
        self._end: float = 0

    def swing(self, length_s: float) -> Swing | None:
        """Live for a while to see how much each cell does, and forget it again."""
        if self.activity is None:
            return None
        low, high = np.full(self._n, np.inf), np.full(self._n, -np.inf)
        for frame in range(max(round(length_s * self._fps), 1)):
            self._act(frame)
            np.minimum(low, self.activity.emission, out=low)
            np.maximum(high, self.activity.emission, out=high)
        self.reset()
        return Swing(low, high)

    def expose(self, rate_hz: float, light: float) -> Moment:
        """Live from the end of the last exposure to the end of the next, gathering its light.

        `light` is the LED's power over that of the Spec; cells bleach by it.
        """
        start = self._end
        end = start + self._fps / rate_hz
        # Sums of thirds of a frame shall end on whole frames.
        self._end = round(end) if abs(end - round(end)) < 1e-6 else end
        traces, spikes, bins = np.zeros(self._n), np.zeros(self._n), 0
        path: list[Floats] = []
        for frame in range(floor(start), max(ceil(self._end), floor(start) + 1)):
            if frame > self._frame:
                self._live(frame, light)
            window = max(start - frame, 0.0), min(self._end - frame, 1.0)
            if self.activity is not None:
                first, end = _bins(window, self.activity.bins)
                add_bins(self.activity.trace, self.activity.spikes, first, end, traces, spikes)
                bins += end - first
            if self.motion is not None:
                first, end = _bins(window, self.motion.bins)
                path.append(self.motion.path[first:end])
        intact = np.ones(self._n) if self.bleaching is None else self.bleaching.intact
        whole_path = np.concatenate(path) if path else np.zeros((1, 2))
        shift_um = whole_path.sum(0) / len(whole_path)
        return Moment(traces / max(bins, 1), spikes, intact, whole_path, shift_um)

    @property
    def will_rise(self) -> bool:
        """Whether the tissue rises or sinks in the frame to come, so that all cells blur anew."""
        return self._coming_rise_um != self.rise_um

    @property
    def quaternion(self) -> Quaternion | None:
        """Orientation of the head; None if there is no behaviour."""
        return None if self.animal is None else self.animal.quaternion

    def _live(self, frame: int, light: float) -> None:
        if self.bleaching is not None and frame > 0:
            emission = self._no_emission if self.activity is None else self.activity.emission
            self.bleaching.advance(emission, light)
        total = self._act(frame)
        if self.haze is not None:
            intact = 1.0 if self.bleaching is None else self.bleaching.mean_intact
            self.haze.advance(frame, total, intact)
        if self.motion is not None:
            self.motion.advance(frame, 1.0 if self.animal is None else self.animal.vigour)
        if self.deformation is not None:
            self.deformation.advance(frame)
        self.rise_um = self._coming_rise_um
        self._foresee_rise(frame + 1)
        self._frame = frame

    def _foresee_rise(self, frame: int) -> None:
        if self._z_drift is None or self._rise is None:
            return
        self._rise.advance(frame)
        rise_um = self._z_drift.sd_um * float(self._rise.values[0])
        if abs(rise_um - self.rise_um) >= _RISE_STEP_UM:
            self._coming_rise_um = rise_um

    def _act(self, frame: int) -> float:
        """Let the animal and the cells live through a frame; give the sum of all traces."""
        drive = None
        if self.animal is not None:
            self.animal.advance(frame)
            if self.place_centers_cm is not None:
                drive = self.animal.drive(self.place_centers_cm)
        if self.activity is None:
            return 0.0
        self.activity.advance(frame, drive)
        return self.activity.total


def _bins(window: tuple[float, float], bins: int) -> tuple[int, int]:
    first = min(round(window[0] * bins), bins - 1)
    return first, max(round(window[1] * bins), first + 1)
