"""All stages in the order light goes: a Spec in, one exposure after the other out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.scope import EWL_STEP_UM, Gain, Quaternion, ScopeSettings
from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.deformation import deform
from syntalos_miniscope.simulation.extras import Extras
from syntalos_miniscope.simulation.life import Life, Moment
from syntalos_miniscope.simulation.motion import move
from syntalos_miniscope.simulation.pyramid import Image, Pyramid
from syntalos_miniscope.simulation.scene import Scene
from syntalos_miniscope.simulation.sensor import Chip
from syntalos_miniscope.simulation.spec import Spec
from syntalos_miniscope.simulation.steps import CELL_KINDS, Sensor

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8] | NDArray[np.uint16] | Image

GAINS: Mapping[Gain, float] = {"low": 1.0, "medium": 2.0, "high": 3.5}
"""Counts per electron at a gain, over those of the Spec."""

FULL_LIGHT_PERCENT = 50.0
"""The LED power that is the Spec's."""

PREVIEW_S = 10.0
"""Life that is lived at set-up, unseen, to find the focus and the cells that can be detected."""

STAGE_NAMES: Mapping[str, str] = {"composite": "cells_only"}
"""Stages that are not called by the kind of their step."""

_TISSUE = frozenset({"composite", "neuropil", "vasculature"})


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """One exposure, the knobs it was made with, and its truth.

    `image` is (H, W): counts in uint8, uint16 above 8 bits, or intensity in float32 if there is
    no sensor; None if no step makes a picture. Of the units, in the order of
    `Scene.centers_um`: `traces` is their mean fluorescence (C), `spikes` how many they fired (S),
    `intact` what bleaching left. `shift_px` is how far the content is shifted (dy, dx).
    `extras` holds what only our additions do, by name, the same names for every exposure.
    `stages` are the pictures on the way, if the Spec keeps intermediates; those before motion
    show the whole canvas.
    """

    index: int
    settings: ScopeSettings
    image: Picture | None
    quaternion: Quaternion | None
    shift_px: tuple[float, float]
    traces: Floats
    spikes: Floats
    intact: Floats
    neuropil_temporal: Floats
    neuropil_population: float
    extras: Mapping[str, float | Floats]
    stages: Mapping[str, Picture] = field(default_factory=dict[str, Picture])


class Renderer:
    """Renders a Spec for ever, in memory that does not grow.

    The same Spec, scope number and log of settings give the same bytes, whatever else was
    rendered before. `scene` holds the truth that does not change from frame to frame, `life`
    what goes on in the brain. Scopes of one seed with other numbers look at other tissue of the
    same animal. `until` ends the way of light after a step, by its kind or stage name; ValueError
    lists the names there are. Ready when constructed: about 0.1 s for a thousand cells.
    """

    def __init__(self, spec: Spec, *, scope: int = 0, until: str | None = None) -> None:
        self.spec = spec
        self._kinds = [kind for kind in spec.kinds_until(until) if kind not in CELL_KINDS]
        # A picture that ends in the tissue is its middle, at rest.
        self._rests = until is not None and not set(self._kinds) - _TISSUE
        self.scene = scene = Scene(spec, scope)
        illumination = scene.at_cells(scene.illumination)
        self.life = Life(spec, scene.canvas, len(scene.cells), illumination, scope)
        self._pyramid = Pyramid(scene.canvas.shape)
        self._sensor_plane = np.zeros(scene.canvas.fov_shape, np.float32)
        scene.settle(self.life.swing(PREVIEW_S), self._pyramid)
        self._extras = extras = spec.extras or Extras()
        sensor = spec.step(Sensor)
        self._chip = sensor and Chip(
            sensor,
            spec.acquisition.image_sensor,
            noise.stream(spec.seed, scope, "sensor"),
            extras.pixel_defects,
        )
        self._fields: dict[str, Image] = {
            kind: values.astype(np.float32)
            for kind, values in (
                ("illumination_profile", scene.illumination),
                ("vignette", scene.vignette),
                ("leakage", scene.leakage),
            )
            if values is not None
        }
        self._index = 0
        self._settings = ScopeSettings(frame_rate_hz=spec.acquisition.fps)

    @property
    def index(self) -> int:
        """Number of the next exposure."""
        return self._index

    def rate_hz(self, settings: ScopeSettings) -> float:
        """Give the rate that settings lead to: what they ask for, unless that is too fast."""
        return min(settings.frame_rate_hz, self.life.highest_rate_hz)

    @property
    def _light(self) -> float:
        """The LED's power over that of the Spec."""
        return self._settings.led_percent / FULL_LIGHT_PERCENT

    @property
    def amplitudes(self) -> Floats:
        """How bright each unit is (unit,); NaN without activity."""
        activity, units = self.life.activity, self.scene.units
        return np.full(len(units), np.nan) if activity is None else activity.gains[units]

    def maps(self) -> dict[str, Floats]:
        """Give what only our additions have and no frame changes, by name."""
        found: dict[str, NDArray[Any]] = {}
        life, units = self.life, self.scene.units
        if life.place_centers_cm is not None:
            found["place_centers_cm"] = life.place_centers_cm[units]
        if life.deformation is not None and len(life.deformation.fields_um):
            found["warp_fields_um"] = life.deformation.fields_um
        if self._chip is not None and self._chip.pixels is not None:
            pixels = self._chip.pixels
            found["pixel_sensitivity"] = pixels.sensitivity
            found["pixel_offset_e"] = pixels.offset_e
            found["hot_pixels"] = pixels.hot
        return {name: values.astype(np.float64) for name, values in found.items()}

    def seek(self, index: int) -> None:
        """Make an exposure the next one, as if all before it had been rendered.

        No pixel is rendered, only the small states of the brain are lived through, with the
        settings of the last exposure.
        """
        if index < self._index:
            self.life.reset()
            self._index = 0
        while self._index < index:
            self.skip()

    def skip(self, settings: ScopeSettings | None = None) -> None:
        """Live through an exposure that nobody sees."""
        self._expose(settings)
        self._index += 1

    def advance(self, settings: ScopeSettings | None = None) -> Rendered:
        """Give the next exposure, made with `settings`; with those of the last if None."""
        moment = self._expose(settings)
        stages: dict[str, Picture] = {}
        image = self._render(moment, stages)
        units, haze = self.scene.units, self.life.haze
        dy, dx = (moment.shift_um / self.scene.canvas.pixel_um).tolist()
        rendered = Rendered(
            index=self._index,
            settings=self._settings,
            image=image,
            quaternion=self.life.quaternion,
            shift_px=(dy, dx),
            traces=moment.traces[units],
            spikes=moment.spikes[units],
            intact=moment.intact[units],
            neuropil_temporal=np.zeros(0) if haze is None else haze.temporal,
            neuropil_population=0.0 if haze is None else haze.population,
            extras=self._truth_of_extras(),
            stages=stages,
        )
        self._index += 1
        return rendered

    def _expose(self, settings: ScopeSettings | None) -> Moment:
        self._settings = settings or self._settings
        return self.life.expose(self.rate_hz(self._settings), self._light)

    def _truth_of_extras(self) -> dict[str, float | Floats]:
        truth: dict[str, float | Floats] = {}
        extras = self._extras
        animal, deformation = self.life.animal, self.life.deformation
        if animal is not None:
            truth |= {"speed_cm_s": animal.speed_cm_s, "place_cm": animal.place_cm}
        if deformation is not None and extras.rotation is not None:
            truth["rotation_deg"] = deformation.angle_deg
        if deformation is not None and extras.warp is not None:
            truth["warp_modes"] = deformation.modes
        if extras.z_drift is not None:
            truth["rise_um"] = self.life.rise_um
        return truth

    def _render(self, moment: Moment, stages: dict[str, Picture]) -> Picture | None:
        scene, settings, light = self.scene, self._settings, self._pyramid
        if not self._kinds:
            return None
        scene.focus(settings.ewl * EWL_STEP_UM + self.life.rise_um, light)
        rate_hz = self.rate_hz(settings)
        power = self._light * (self.spec.acquisition.fps / rate_hz)
        light.clear()
        seen: Image | None = None
        counts: Picture | None = None
        for kind in self._kinds:
            if kind in _TISSUE:
                self._add_tissue(kind, moment)
            elif seen is None:
                seen = self._seen(moment)
            if seen is not None and kind in self._fields:
                self._apply_field(kind, seen)
            if seen is not None and kind == "sensor" and self._chip is not None:
                gain = GAINS[settings.gain]
                counts = self._chip.read(seen, self._index, power, gain, 1 / rate_hz)
            if self.spec.output.save_intermediates:
                picture = light.collapsed_copy() if seen is None else seen.copy()
                stages[STAGE_NAMES.get(kind, kind)] = picture if counts is None else counts
        if counts is not None:
            return counts
        seen = self._seen(moment) if seen is None else seen
        return seen * np.float32(power)

    def _add_tissue(self, kind: str, moment: Moment) -> None:
        if kind == "composite":
            amplitudes = (moment.traces * moment.intact).astype(np.float32)
            self._pyramid.add_patches(self.scene.patches, amplitudes)
        elif kind == "neuropil" and self.life.haze is not None:
            self.life.haze.add(self._pyramid)
        elif kind == "vasculature" and self.scene.vessels is not None:
            self.scene.vessels.shade(self._pyramid.collapse())

    def _apply_field(self, kind: str, seen: Image) -> None:
        if kind == "leakage":
            np.add(seen, self._fields[kind], out=seen)
        else:
            np.multiply(seen, self._fields[kind], out=seen)

    def _seen(self, moment: Moment) -> Image:
        """Give the field of view, as the brain lies under it."""
        canvas, tissue, seen = self.scene.canvas, self._pyramid.collapse(), self._sensor_plane
        deformation = self.life.deformation
        if self._rests or (self.life.motion is None and deformation is None):
            np.copyto(seen, tissue[canvas.fov])
            return seen
        path_um = moment.path_um if self._extras.motion_blur else moment.shift_um[None]
        path_px = path_um / canvas.pixel_um
        if deformation is None:
            move(tissue, canvas.margin_px, path_px, seen)
        else:
            angle, warp_px = deformation.angle_deg, deformation.warp_px()
            deform(tissue, canvas.margin_px, path_px, angle, warp_px, seen)
        return seen
