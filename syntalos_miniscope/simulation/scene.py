"""What stands still: the cells, the fields of the scope, the vessels, and where the focus is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording.truth import Footprints
from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.canvas import make_canvas
from syntalos_miniscope.simulation.cells import make_cells
from syntalos_miniscope.simulation.composite import observe
from syntalos_miniscope.simulation.detection import (
    SNR_THRESHOLD,
    Swing,
    electrons_per_unit,
    resolve_focus_um,
    snr,
)
from syntalos_miniscope.simulation.fields import falloff_field, leakage_field
from syntalos_miniscope.simulation.optics import View, view
from syntalos_miniscope.simulation.pyramid import Image, Patches, Pyramid
from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.simulation.steps import (
    CellOptics,
    IlluminationProfile,
    Leakage,
    PlaceNeurons,
    Sensor,
    Vasculature,
    Vignette,
)
from syntalos_miniscope.simulation.vessels import Vessels

Floats = NDArray[np.float64]


class Scene:
    """A Spec's tissue under its scope; only the focus moves.

    `units` are the indices, among all `cells` of the canvas, of those whose planted footprint
    reaches into the field of view. `illumination`, `vignette` and `leakage` are (H, W), or None
    without the step. `focal_depth_um` is the focus of the Spec, None without optics.
    """

    def __init__(self, spec: Spec, scope: int) -> None:
        self.spec = spec
        self.canvas = make_canvas(spec)
        self.cells = make_cells(spec.step(PlaceNeurons), self.canvas, spec.seed, scope)
        self.units = self.cells.in_view(self.canvas)
        acquisition = spec.acquisition
        illumination, vignette = spec.step(IlluminationProfile), spec.step(Vignette)
        leakage, vessels = spec.step(Leakage), spec.step(Vasculature)
        self.illumination = illumination and falloff_field(illumination, acquisition)
        self.vignette = vignette and falloff_field(vignette, acquisition)
        self.leakage = leakage and leakage_field(leakage, acquisition)
        self.vessels = (
            Vessels(vessels, acquisition, self.canvas, noise.stream(spec.seed, scope, "vessels"))
            if vessels is not None and vessels.enabled and vessels.layers
            else None
        )
        self.focal_depth_um: float | None = None
        self._swing: Swing | None = None
        self._focal_um: float | None = None
        # Vessels have a focus without optics, too.
        self._rest_um = 0.0

    def settle(self, swing: Swing | None, pyramid: Pyramid) -> None:
        """Find the focus, from what the cells do; must be called once, before `focus`."""
        spec = self.spec
        self._swing = swing
        wanted = spec.acquisition.focal_depth_in_tissue_um
        if spec.step(CellOptics) is not None:
            self.focal_depth_um = self._rest_um = resolve_focus_um(
                spec.acquisition, spec.step(Sensor), self.cells, swing, self._evenness()
            )
        elif not isinstance(wanted, str):
            self._rest_um = wanted
        elif len(self.cells):
            self._rest_um = float(np.median(self.cells.z_um))
        self.focus(0.0, pyramid)

    def focus(self, offset_um: float, pyramid: Pyramid) -> None:
        """Put the focal plane so much deeper than the Spec's; takes some 15 ms if it is new."""
        focal_um = self._rest_um + offset_um
        if focal_um == self._focal_um:
            return
        self._focal_um = focal_um
        n = len(self.cells)
        self._view = view(self.spec.acquisition, self.cells, focal_um)
        if self.focal_depth_um is None:
            self._view = View(0.0, np.zeros(n), np.ones(n), np.ones(n), np.ones(n, np.bool_))
        self.patches: Patches = observe(
            self.cells.planted, self._view.sigma_px, self._view.gain, pyramid
        )
        if self.vessels is not None:
            self.vessels.focus(focal_um)

    def at_cells(self, field: Floats | None) -> Floats:
        """Give a field (H, W) where each cell of the canvas rests (n,); 1 for no field."""
        if field is None:
            return np.ones(len(self.cells))
        rows, columns = self.canvas.nearest_pixel(self.cells.yx_um)
        height, width = self.canvas.fov_shape
        margin = self.canvas.margin_px
        return field[(rows - margin).clip(0, height - 1), (columns - margin).clip(0, width - 1)]

    def _evenness(self) -> Floats:
        return self.at_cells(self.illumination) * self.at_cells(self.vignette)

    @property
    def centers_um(self) -> Floats:
        """Centres of the units (unit, 3) as (z, y, x)."""
        return self.cells.centers_um[self.units]

    @property
    def planted(self) -> Footprints:
        """Sharp footprints of the units, on the canvas."""
        return self.cells.planted.subset(np.isin(np.arange(len(self.cells)), self.units))

    @property
    def view(self) -> View:
        """How the units look through the lens at the present focus; sharp without optics."""
        seen, units = self._view, self.units
        return View(
            seen.focal_um,
            seen.sigma_px[units],
            seen.gain[units],
            seen.brightness[units],
            seen.in_focus[units],
        )

    @property
    def vasculature_mask(self) -> Image | None:
        """The share of light that vessels let pass (H, W)."""
        return None if self.vessels is None else self.vessels.mask[self.canvas.fov]

    def vessel_overlap(self) -> Floats | None:
        """Give the share of each unit's light, as the scope sees it, that vessels take."""
        if self.vessels is None:
            return None
        mask, looks = self.vessels.mask, None if self.focal_depth_um is None else self.view
        hidden: list[float] = []
        for top, left, picture in self.planted.seen(
            (0, 0, *self.canvas.shape), looks and looks.sigma_px, None
        ):
            part = mask[top : top + picture.shape[0], left : left + picture.shape[1]]
            hidden.append(1 - float((picture * part).sum() / picture.sum()))
        return np.array(hidden)

    def detectable(self, swing: Swing | None = None) -> NDArray[np.bool_]:
        """Give the units that the sensor can tell from noise, at the present focus.

        `swing`, of the units, is what they did; without it, what they do in their first 10 s.
        """
        units, acquisition, sensor = self.units, self.spec.acquisition, self.spec.step(Sensor)
        if self._swing is None:
            return np.zeros(len(units), np.bool_)
        if sensor is None:
            return self.view.in_focus
        if swing is None:
            swing = Swing(self._swing.low[units], self._swing.high[units])
        field = self._evenness()
        if self.vessels is not None:
            field = field * self.vessels.mask[self.canvas.nearest_pixel(self.cells.yx_um)]
        per_unit = electrons_per_unit(acquisition, sensor, self.view.brightness, field[units])
        return snr(swing, per_unit, acquisition.image_sensor.read_noise_e) >= SNR_THRESHOLD
