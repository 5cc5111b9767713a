"""Simulated tissue under the virtual Miniscope; the only file that knows the simulation."""

from __future__ import annotations

from virtual_miniscope.tissue import SIZE, Tissue


def simulated_tissue(preset: str | None, seed: int | None) -> Tissue:
    """Give a renderer of a preset of the simulation, None for the usual one.

    ValueError if there is no such preset, or if its sensor is not that of a V4.
    """
    from syntalos_miniscope.simulation.presets import load_preset
    from syntalos_miniscope.simulation.renderer import Renderer

    renderer = Renderer(load_preset(preset, seed))
    if renderer.size != (SIZE, SIZE):
        raise ValueError(f"'{preset}' is no preset of a Miniscope V4: {renderer.size}")
    return renderer
