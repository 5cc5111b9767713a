"""What minisim has not."""

from __future__ import annotations

from syntalos_miniscope.simulation.part import Part


class Extras(Part):
    """Optional effects beyond minisim's."""
