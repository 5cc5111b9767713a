"""From a raw frame to a display frame: background, contrast, colour and warnings."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from syntalos_miniscope.node import Settings, live

View = Literal["raw", "F - F0", "dF/F"]
Lut = Literal["grey", "green", "inferno", "viridis"]

SATURATED = 253
"""Counts of 255 from which a pixel is shown as saturated: 0.99 of full scale, as in the official
DAQ software."""

_Image = NDArray[Any]


class DisplaySettings(Settings):
    """How raw frames are shown; a node's own settings class may inherit it, flat.

    Whether display frames have colour is fixed for a run, so what decides it is not live.
    """

    view: View = live("raw", description="Raw, minus the running background, or relative to it")
    background_alpha: float = live(
        0.01, gt=0, le=1, description="Share of the running background that one frame renews"
    )
    display_min: int = live(0, ge=0, le=254, description="Counts shown as black")
    display_max: int = live(255, ge=1, le=255, description="Counts shown as white")
    dff_max_percent: float = live(50.0, gt=0, description="dF/F shown as white; 0 is black")
    lut: Lut = Field(default="grey", description="Colours from dark to bright")
    show_saturation: bool = Field(
        default=False, description="Paint saturated pixels of the raw frame red"
    )
    show_orientation: bool = Field(
        default=False, description="Draw the axes of the head in the lower right corner"
    )

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> DisplaySettings:
        if self.display_min >= self.display_max:
            raise ValueError(
                f"display_min = {self.display_min} must be below display_max = {self.display_max}"
            )
        return self


class Display:
    """Turns raw frames into display frames, keeping a running background.

    The background is that of PoMiDAQ and Syntalos, acc ← (1 - α)·acc + α·F in float32 at every
    frame in every view (in counts; theirs is a share of 255), and F - F0 is F - u8(acc), saturated
    at 0; but `acc` starts with the first frame rather than with zeros, so there is no fade-in.
    dF/F is (F - F0) / (F0 + 1 count).
    """

    def __init__(self, settings: DisplaySettings, full_scale: int = 255) -> None:
        self.has_color = (
            settings.lut != "grey" or settings.show_saturation or settings.show_orientation
        )
        self._scale = 255 / full_scale
        self._background: NDArray[np.float32] | None = None
        self.apply(settings)

    def apply(self, settings: DisplaySettings) -> None:
        """Take changed settings; the background goes on."""
        self.settings = settings
        low, high = settings.display_min, settings.display_max
        counts = (np.arange(256) - low) * (255 / (high - low))
        self._contrast = np.clip(np.rint(counts), 0, 255).astype(np.uint8)

    def __call__(
        self, raw: _Image, quaternion: tuple[float, float, float, float] | None = None
    ) -> _Image:
        """Give the display frame: uint8 (H, W), or (H, W, 3) in BGR order if `has_color`.

        `raw` is uint8 (H, W) or (H, W, 3), or uint16 (H, W) up to the full scale given.
        """
        grey = self._as_bytes(raw)
        shown = self._viewed(grey)
        shown = cv2.LUT(shown, self._contrast) if self.settings.view != "dF/F" else shown
        return self._coloured(shown, grey, quaternion) if self.has_color else shown

    def _as_bytes(self, raw: _Image) -> _Image:
        if raw.ndim == 3:
            return cv2.cvtColor(raw, cv2.COLOR_BGR2GRAY)
        return raw if raw.dtype == np.uint8 else cv2.convertScaleAbs(raw, alpha=self._scale)

    def _viewed(self, grey: _Image) -> _Image:
        if self._background is None or self._background.shape != grey.shape:
            self._background = grey.astype(np.float32)
        background = self._background
        cv2.accumulateWeighted(grey, background, self.settings.background_alpha)
        if self.settings.view == "F - F0":
            return cv2.subtract(grey, cv2.convertScaleAbs(background))
        if self.settings.view == "dF/F":
            above = np.maximum(grey - background, 0)
            ratio = cv2.divide(above, background + np.float32(1))
            return cv2.convertScaleAbs(ratio, alpha=255 * 100 / self.settings.dff_max_percent)
        return grey

    def _coloured(
        self, shown: _Image, grey: _Image, quaternion: tuple[float, float, float, float] | None
    ) -> _Image:
        image = _painted(shown, self.settings.lut)
        if self.settings.show_saturation:
            image[grey >= SATURATED] = (0, 0, 255)
        if self.settings.show_orientation:
            draw_orientation(image, quaternion)
        return image


def _painted(grey: _Image, lut: Lut) -> _Image:
    if lut == "green":
        black = np.zeros_like(grey)
        return cv2.merge([black, grey, black])
    if lut == "inferno":
        return cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO)
    if lut == "viridis":
        return cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)


def rotation(quaternion: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Give the 3 x 3 rotation matrix of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def draw_orientation(image: _Image, quaternion: tuple[float, float, float, float] | None) -> None:
    """Draw the head's x, y and z axes (red, green, blue) into a BGR image, or a cross if invalid.

    The view is from behind and above: x to the right, y into the page, z up.
    """
    height, width = image.shape[:2]
    radius = max(min(height, width) // 14, 8)
    centre = np.array([width - radius - 8, height - radius - 8])
    cv2.circle(image, centre.tolist(), radius + 4, (40, 40, 40), -1, cv2.LINE_AA)
    if quaternion is None:
        reach = radius // 2
        for slope in (1, -1):
            arm = np.array([reach, slope * reach])
            start, end = (centre - arm).tolist(), (centre + arm).tolist()
            cv2.line(image, start, end, (60, 60, 255), 2, cv2.LINE_AA)
        return
    # An oblique look along y: depth moves a point a little to the upper right.
    look = np.array([[1.0, 0.35, 0.0], [0.0, -0.35, -1.0]])
    tips = (look @ rotation(quaternion)).T * radius
    for tip, colour in zip(tips, ((80, 80, 255), (80, 220, 80), (255, 140, 80)), strict=True):
        end = (centre + np.rint(tip).astype(int)).tolist()
        cv2.line(image, centre.tolist(), end, colour, 2, cv2.LINE_AA)
