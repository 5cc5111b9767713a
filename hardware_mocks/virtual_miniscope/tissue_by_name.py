"""Tissue by its name, as an option or the command line gives it."""

from __future__ import annotations

from virtual_miniscope.tissue import TestPattern, Tissue


def tissue_named(name: str, seed: int | None = None) -> Tissue:
    """Give `pattern`, or simulated tissue: `tissue`, or a preset of the simulation.

    ValueError if there is no such preset.
    """
    if name == "pattern":
        return TestPattern()
    from virtual_miniscope.simulated import simulated_tissue

    return simulated_tissue(None if name == "tissue" else name, seed)
