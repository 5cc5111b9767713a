"""What a renderer knows, as the ground truth that is stored with a recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording.truth import FrameTruth, GroundTruth
from syntalos_miniscope.simulation.detection import Swing
from syntalos_miniscope.simulation.renderer import Rendered, Renderer

Floats = NDArray[np.float64]


def extras_of(rendered: Rendered) -> dict[str, Floats]:
    """Give what is true of an exposure beyond what minisim knows."""
    extras = {name: np.asarray(value, np.float64) for name, value in rendered.extras.items()}
    if rendered.quaternion is not None:
        extras["orientation"] = np.array(rendered.quaternion)
    return extras


class TruthKeeper:
    """Turns what was rendered into truth; `until` is the stage at which the renderer ends.

    Only stages that are rendered have a truth. `start` is what is known before the first frame.
    """

    def __init__(self, renderer: Renderer, until: str | None = None) -> None:
        self._renderer = renderer
        self._stages = renderer.spec.kinds_until(until)
        n_units = len(renderer.scene.units)
        self._low, self._high = np.full(n_units, np.inf), np.full(n_units, -np.inf)
        self.start = self._start()

    def frame(self, rendered: Rendered) -> FrameTruth:
        """Give the truth of a frame; to be called for every frame, in order."""
        np.minimum(self._low, rendered.traces, out=self._low)
        np.maximum(self._high, rendered.traces, out=self._high)
        start = self.start
        alive = "cell_activity" in self._stages
        return FrameTruth(
            C=rendered.traces if alive else np.zeros_like(rendered.traces),
            S=rendered.spikes if alive else np.zeros_like(rendered.spikes),
            bleaching=None if start.bleaching is None else rendered.intact,
            shift=None if start.shifts is None else np.array(rendered.shift_px),
            neuropil_temporal=(
                None if start.neuropil_temporal is None else rendered.neuropil_temporal
            ),
            neuropil_population=(
                None if start.neuropil_population is None else rendered.neuropil_population
            ),
            extras=extras_of(rendered),
        )

    def detectable(self) -> NDArray[np.bool_]:
        """Give the units that a sensor can tell from noise by what they did (minisim, 2.15)."""
        if not np.all(np.isfinite(self._low)) or "cell_activity" not in self._stages:
            return self.start.detectable
        return self._renderer.scene.detectable(Swing(self._low, self._high))

    def _start(self) -> GroundTruth:
        renderer, scene, done = self._renderer, self._renderer.scene, self._stages
        n_units = len(scene.units)
        canvas = scene.canvas
        optics, alive = "optics" in done, "cell_activity" in done
        view = scene.view
        haze = renderer.life.haze if "neuropil" in done else None
        vessels = scene.vasculature_mask if "vasculature" in done else None
        return GroundTruth(
            planted=scene.planted,
            fov_offset=(canvas.margin_px, canvas.margin_px),
            fov_shape=canvas.fov_shape,
            centers_um=scene.centers_um,
            amplitude_per_cell=renderer.amplitudes if alive else np.full(n_units, np.nan),
            in_focus=view.in_focus if optics else np.ones(n_units, np.bool_),
            detectable=scene.detectable() if alive else np.zeros(n_units, np.bool_),
            C=np.zeros((n_units, 0)),
            S=np.zeros((n_units, 0)),
            observed_sigma_px=view.sigma_px if optics else None,
            observed_gain=view.gain if optics else None,
            shifts=np.zeros((0, 2)) if "brain_motion" in done else None,
            illumination=scene.illumination if "illumination_profile" in done else None,
            vignette=scene.vignette if "vignette" in done else None,
            leakage=scene.leakage if "leakage" in done else None,
            bleaching=np.zeros((n_units, 0)) if "bleaching" in done and alive else None,
            neuropil_temporal=None if haze is None else np.zeros((len(haze.temporal), 0)),
            neuropil_spatial=None if haze is None else haze.spatial(),
            neuropil_population=None if haze is None or not alive else np.zeros(0),
            vasculature_mask=None if vessels is None else vessels.astype(np.float64),
            vessel_overlap_fraction=None if vessels is None else scene.vessel_overlap(),
            focal_depth_um=view.focal_um if optics else None,
            maps=renderer.maps(),
        )
