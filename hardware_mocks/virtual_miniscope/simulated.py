"""Simulated tissue under the virtual Miniscope; the only file that knows the simulation."""

from __future__ import annotations

import numpy as np

from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope.simulation.extras import Behaviour, Extras
from syntalos_miniscope.simulation.presets import studio_spec
from syntalos_miniscope.simulation.renderer import Renderer
from virtual_miniscope.tissue import SIZE, Tissue, View

USUAL = "Miniscope V4 - CA1"


class SimulatedTissue:
    """A brain as the simulation renders it."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def advance(self, settings: ScopeSettings) -> View:
        """Expose once with these knobs."""
        rendered = self._renderer.advance(settings)
        assert rendered.image is not None
        counts = rendered.image.astype(np.uint8, copy=False)
        return View(counts, rendered.quaternion or (1.0, 0.0, 0.0, 0.0))


def simulated_tissue(preset: str | None, seed: int | None) -> Tissue:
    """Give the tissue of a preset of the simulation, None for the usual one.

    ValueError if there is no such preset, or if its sensor is not that of a V4.
    """
    spec = studio_spec(preset or USUAL, seed=seed or 0)
    extras = spec.extras or Extras()
    extras = extras.model_copy(update={"behaviour": extras.behaviour or Behaviour()})
    renderer = Renderer(spec.model_copy(update={"extras": extras}))
    if renderer.spec.acquisition.shape != (SIZE, SIZE):
        raise ValueError(f"'{preset}' is no preset of a Miniscope V4")
    # Kernels are compiled, or loaded, before the first frame is due.
    renderer.advance(ScopeSettings())
    renderer.seek(0)
    return SimulatedTissue(renderer)
