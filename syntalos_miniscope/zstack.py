"""How sharp and how saturated a picture is, and a sweep of the focus over any scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.scope import EWL_STEP_UM, Exposure, Scope, ScopeSettings

_SETTLE_FRAMES = 3
"""A command leaves at the end of a frame, acts in the next, and the lens needs some ms more."""


def saturated_share(raw: NDArray[Any], full_scale: int = 255) -> float:
    """Give the share of pixels at the top of the scale, 0..1."""
    return int(np.count_nonzero(raw >= full_scale)) / raw.size


def sharpness(raw: NDArray[Any]) -> float:
    """Give a figure that is largest in focus: contrast between 4 and 8 pixels, the size of cells.

    It is the standard deviation of a difference of Gaussians over the mean, so the LED does not
    move it. Finer detail is left out because at one frame it is the sensor's noise; 0 for a black
    picture.
    """
    small = cv2.resize(raw, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    mean = float(small.mean())
    if mean == 0:
        return 0.0
    band = cv2.GaussianBlur(small, (0, 0), 1) - cv2.GaussianBlur(small, (0, 0), 2)
    return float(band.std()) / mean


@dataclass(frozen=True, slots=True, eq=False)
class ZStack:
    """Pictures at several focus settings.

    `ewl` are the steps (n), `focus_um` their nominal shift, `planes` the mean picture of each,
    float32 (n, H, W), and `sharpness` the figure of each plane (n).
    """

    ewl: NDArray[np.int64]
    planes: NDArray[np.float32]
    sharpness: NDArray[np.float64]

    @property
    def focus_um(self) -> NDArray[np.float64]:
        """Nominal focus shift of each plane, µm."""
        return self.ewl.astype(np.float64) * EWL_STEP_UM

    @property
    def maximum(self) -> NDArray[np.float32]:
        """Largest value of each pixel over the planes (H, W)."""
        return self.planes.max(axis=0)

    @property
    def mean(self) -> NDArray[np.float32]:
        """Mean of each pixel over the planes (H, W)."""
        return self.planes.mean(axis=0)

    @property
    def best_ewl(self) -> int:
        """The focus setting of the sharpest plane."""
        return int(self.ewl[int(self.sharpness.argmax())])

    @property
    def best_um(self) -> float:
        """The nominal focus shift of the sharpest plane, µm."""
        return self.best_ewl * EWL_STEP_UM


def zstack(
    scope: Scope,
    settings: ScopeSettings,
    ewl: Sequence[int] = range(-127, 128, 8),
    *,
    frames: int = 5,
    clock: RunClock | None = None,
    on_plane: Callable[[int], None] = lambda ewl: None,
) -> ZStack:
    """Sweep the focus of a scope that is open but not started, and put it back dark.

    Each plane is the mean of `frames` exposures made some frames after the lens was set.
    TimeoutError if the scope gives no frames; it is closed in any case.
    """
    clock = clock or RunClock()
    planes: list[NDArray[np.float32]] = []
    try:
        scope.apply(settings.model_copy(update={"ewl": ewl[0]}))
        clock.start()
        scope.start(clock)
        for step in ewl:
            scope.apply(settings.model_copy(update={"ewl": step}))
            for _ in range(_SETTLE_FRAMES):
                _next(scope)
            pictures = [_next(scope).frame.mat for _ in range(frames)]
            planes.append(np.stack(pictures).mean(axis=0, dtype=np.float32))
            on_plane(step)
    finally:
        scope.close()
    figures = np.array([sharpness(plane) for plane in planes])
    return ZStack(np.array(ewl, np.int64), np.stack(planes), figures)


def _next(scope: Scope) -> Exposure:
    for _ in range(50):
        exposure = scope.read(timeout_s=0.2)
        if exposure is not None:
            return exposure
    raise TimeoutError("the scope gives no frames")


def save_zstack(stack: ZStack, folder: Path) -> None:
    """Write planes (`planes.tif`), projections (`maximum.png`, `mean.png`) and `planes.csv`.

    Projections have 8 bits, or 16 where the counts need them. The folder is made; what has these
    names in it is overwritten. OSError names the file that the disk refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = np.uint8 if stack.planes.max() < 255.5 else np.uint16
    projections = {"maximum.png": stack.maximum, "mean.png": stack.mean}
    pictures = {name: [plane.round().astype(counts)] for name, plane in projections.items()}
    for name, planes in {"planes.tif": list(stack.planes), **pictures}.items():
        # OpenCV raises nothing when it cannot write.
        if not cv2.imwritemulti(str(folder / name), planes):
            raise OSError(f"cannot write {folder / name}")
    rows = zip(stack.ewl, stack.focus_um, stack.sharpness, strict=True)
    lines = [f"{ewl},{focus:.2f},{figure:.6f}" for ewl, focus, figure in rows]
    text = "\n".join(["Focus (steps),Focus (um),Sharpness", *lines, ""])
    (folder / "planes.csv").write_text(text, "utf-8")
