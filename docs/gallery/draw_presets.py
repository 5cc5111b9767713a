"""Draws the picture of presets.md: `python docs/gallery/draw_presets.py`."""

from __future__ import annotations

import numpy as np
from figures import panels, save, show

from syntalos_miniscope.simulation.presets import STUDIO_PRESETS, studio_spec
from syntalos_miniscope.simulation.renderer import Renderer


def scenes() -> None:
    """Draw a frame of each scene, and what comes and goes in three seconds."""
    figure, axes = panels(3, 5.6, rows=2)
    for seed, (above, below, preset) in enumerate(zip(*axes, STUDIO_PRESETS, strict=True)):
        # Scenes of one seed have their cells and vessels at the same places.
        renderer = Renderer(studio_spec(preset, seed=seed))
        renderer.seek(100)
        movie = np.array([renderer.advance().image for _ in range(60)], np.float32)
        side_um = renderer.spec.acquisition.fov_um[0]
        show(above, movie[0], preset, side_um, interpolation="auto", vmin=0)
        # Three frames on end as one, so that grain is not what is largest.
        threes = movie.reshape(20, 3, *movie.shape[1:]).mean(1)
        change = threes.max(0) - movie.mean(0)
        low, high = np.percentile(change, (50, 99.95))
        title = "What stands out in 3 s"
        show(below, change, title, side_um, interpolation="auto", vmin=low, vmax=high)
    save(figure, "presets-scenes")


PICTURES = (scenes,)

if __name__ == "__main__":
    for draw in PICTURES:
        draw()
